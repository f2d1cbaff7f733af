// `oes positions`: what an account holds, and how much more it may commit.

import { type OesClient, type Position, RiskStateType, riskStateTypeNames } from '../../client/index.ts'
import { averagePrice, MICROS, numberOfMicros } from '../../domain/money.ts'
import { ExitStatus } from '../exit-status.ts'
import { currencyText, moneyText, quantityText } from '../order-columns.ts'
import type { Output } from '../output.ts'
import { accountOf } from '../server-options.ts'
import type { Column } from '../table.ts'

export async function positions(
  client: OesClient,
  output: Output,
  accounts: readonly (string | undefined)[],
): Promise<ExitStatus> {
  for (const [at, word] of accounts.entries()) {
    const account = await client.positions(await accountOf(client, word))
    const riskState = riskStateTypeNames[account.riskState as RiskStateType] ?? `STATE_${account.riskState}`
    if (output.isJson) {
      output.json({ ...account, riskState })
      continue
    }
    if (at > 0) output.line('')
    const power = `buying power ${moneyText(account.usedBuyingPower)} used of ${moneyText(account.buyingPower)} ${currencyText(account.currency)}`
    const state = account.riskState === RiskStateType.Active ? riskState : output.paint('red', riskState)
    output.line(`Account ${word ?? account.account}: ${state}, ${power}, ${account.openOrders} open orders.`)
    if (account.positions.length > 0) output.table(columns, account.positions)
  }
  return ExitStatus.Ok
}

const columns: Column<Position>[] = [
  { title: 'TICKER', cell: position => position.ticker },
  { title: 'QUANTITY', align: 'right', cell: position => quantityText(position.quantity) },
  { title: 'AVERAGE', align: 'right', cell: averageText },
  { title: 'COST', align: 'right', cell: position => moneyText(position.costBasis) },
  { title: 'BUYING', align: 'right', cell: position => quantityText(position.pendingBuy) },
  { title: 'SELLING', align: 'right', cell: position => quantityText(position.pendingSell) },
  { title: 'REALISED', align: 'right', cell: position => moneyText(position.gross) },
  { title: 'FEES', align: 'right', cell: position => moneyText(position.fees) },
  // Only executions give a position a currency.
  { title: 'CURRENCY', cell: ({ currency }) => (currency === 0 ? '-' : currencyText(currency)) },
]

function averageText({ costBasis, quantity }: Position): string {
  if (quantity === 0) return '-'
  const average = averagePrice(Math.round(costBasis * MICROS), Math.round(quantity * MICROS))
  return moneyText(Math.abs(numberOfMicros(average)))
}
