// `oes risk`: asks the risk server how accounts stand, what they hold, and to begin the results of a scope again.

import { formatDecimal, formatMoney, formatQuantity } from '../../domain/decimal.ts'
import { averagePrice, numberOfMicros } from '../../domain/money.ts'
import { RiskStateType, riskStateTypeNames } from '../../domain/risk-state.ts'
import type { AccountStanding, PortfolioRow } from '../../risk/messages.ts'
import type { RiskClient } from '../../risk/risk-client.ts'
import { CommandError } from '../command-error.ts'
import { ExitStatus } from '../exit-status.ts'
import { type LocatorFlags, withLocator } from '../locator-options.ts'
import { currencyText, moneyText, timeText } from '../order-columns.ts'
import type { Output } from '../output.ts'
import type { Column } from '../table.ts'

/** What a subcommand does with the risk server. */
export type RiskAction = (client: RiskClient, output: Output) => Promise<ExitStatus>

/** Finds the risk server, runs `action`, closes. @throws CommandError */
export async function withRiskServer(
  output: Output,
  flags: LocatorFlags,
  environment: NodeJS.ProcessEnv,
  action: RiskAction,
): Promise<ExitStatus> {
  return await withLocator(
    flags,
    environment,
    'Accounts are shown to themselves, their managers and administrators, who alone reset.',
    async locator => {
      const { RiskClient } = await import('../../risk/risk-client.ts')
      const client = await RiskClient.open(locator)
      try {
        return await action(client, output)
      } finally {
        client.close()
      }
    },
  )
}

/** States and results of accounts, of all that may be seen where none is named. */
export function showStates(words: readonly string[]): RiskAction {
  return async (client, output) => {
    const accounts = await accountsNamed(client, words)
    if (output.isJson) for (const account of accounts) output.json(standingJson(account))
    else output.table(standingColumns(output), accounts)
    for (const { name, fault } of accounts) if (fault !== '') output.note(`${name} is not watched: ${fault}.`)
    return ExitStatus.Ok
  }
}

/** Portfolios of accounts, of all that may be seen where none is named. */
export function showPortfolios(words: readonly string[]): RiskAction {
  return async (client, output) => {
    for (const { account, name, state } of await accountsNamed(client, words)) {
      if (state === undefined) continue
      const rows = await client.loadPortfolio(account)
      if (output.isJson) for (const row of rows) output.json({ account: name, ...portfolioJson(row) })
      if (output.isJson || rows.length === 0) continue
      output.line(`Account ${name}: ${riskStateTypeNames[state.type]}`)
      output.table(portfolioColumns, rows)
      output.line('')
    }
    return ExitStatus.Ok
  }
}

/** Positions as comma separated values: magnitudes, and the side in a column of its own. */
export function exportPositions(words: readonly string[]): RiskAction {
  return async (client, output) => {
    output.line(csvLine(['Account', 'Ticker', 'Currency', 'Side', 'Open Quantity', 'Cost Basis']))
    for (const { account, name, state } of await accountsNamed(client, words)) {
      if (state === undefined) throw new CommandError(`${name} is not watched now; nothing can be said of it.`)
      for (const { inventory } of await client.loadPortfolio(account)) {
        const { ticker, currency, quantity, costBasis } = inventory
        if (quantity === 0) continue
        const side = quantity > 0 ? 'Long' : 'Short'
        output.line(csvLine([name, ticker, currencyText(currency), side, Math.abs(quantity), Math.abs(costBasis)]))
      }
    }
    return ExitStatus.Ok
  }
}

/** @returns failed where an account could not be reset. */
export function resetScopes(scopes: readonly string[]): RiskAction {
  return async (client, output) => {
    const failed = await client.reset(scopes)
    if (output.isJson) output.json({ scopes, failed })
    else output.line(`Results of ${scopes.join(', ')} begin again at zero.`)
    for (const account of failed) output.note(`Account ${account} could not be reset: it is not watched now.`)
    return failed.length === 0 ? ExitStatus.Ok : ExitStatus.Failed
  }
}

/** A line of comma separated values, in which everything but amounts (micros) is quoted. */
export function csvLine(values: readonly (string | number)[]): string {
  return values
    .map(value => (typeof value === 'number' ? formatDecimal(value) : `"${value.replaceAll('"', '""')}"`))
    .join(',')
}

async function accountsNamed(client: RiskClient, words: readonly string[]): Promise<AccountStanding[]> {
  const accounts = await client.loadAccounts()
  if (words.length === 0) return accounts
  return words.map(word => {
    const account = accounts.find(({ account, name }) => name === word || String(account) === word)
    if (account !== undefined) return account
    throw new CommandError(`There is no account '${word}', or you may not see it.`, {
      hint: 'Check the spelling; names are case sensitive.',
    })
  })
}

function stateText({ state, fault }: AccountStanding): string {
  if (state !== undefined) return riskStateTypeNames[state.type]
  return fault === '' ? 'CATCHING_UP' : 'NOT_WATCHED'
}

function standingColumns(output: Output): Column<AccountStanding>[] {
  return [
    { title: 'ACCOUNT', cell: ({ name }) => name },
    {
      title: 'STATE',
      cell: stateText,
      paint: (padded, { state }) => (state?.type === RiskStateType.Active ? padded : output.paint('red', padded)),
    },
    { title: 'UNTIL', cell: ({ state }) => (state === undefined || state.expiry === 0 ? '' : timeText(state.expiry)) },
    { title: 'RESULT', align: 'right', cell: ({ result }) => (result === undefined ? '?' : formatMoney(result)) },
    { title: 'CURRENCY', cell: ({ currency }) => (currency === 0 ? '' : currencyText(currency)) },
  ]
}

function standingJson(standing: AccountStanding): unknown {
  const { account, name, state, currency, result, fault } = standing
  return {
    account,
    name,
    state: stateText(standing),
    ...(state !== undefined && state.expiry !== 0 && { expiry: state.expiry }),
    ...(currency !== 0 && { currency: currencyText(currency) }),
    ...(result !== undefined && { result: formatDecimal(result) }),
    ...(fault !== '' && { fault }),
  }
}

const portfolioColumns: Column<PortfolioRow>[] = [
  { title: 'TICKER', cell: ({ inventory }) => inventory.ticker },
  { title: 'QUANTITY', align: 'right', cell: ({ inventory }) => formatQuantity(inventory.quantity) },
  { title: 'AVERAGE', align: 'right', cell: averageText },
  { title: 'COST', align: 'right', cell: ({ inventory }) => formatMoney(inventory.costBasis) },
  { title: 'UNREALISED', align: 'right', cell: ({ unrealized }) => formatMoney(unrealized) },
  { title: 'REALISED', align: 'right', cell: ({ inventory }) => formatMoney(inventory.gross) },
  { title: 'FEES', align: 'right', cell: ({ inventory }) => formatMoney(inventory.fees) },
  { title: 'VOLUME', align: 'right', cell: ({ inventory }) => formatQuantity(inventory.volume) },
  { title: 'FILLS', align: 'right', cell: ({ inventory }) => String(inventory.transactions) },
  { title: 'CURRENCY', cell: ({ inventory }) => currencyText(inventory.currency) },
]

function averageText({ inventory: { costBasis, quantity } }: PortfolioRow): string {
  return quantity === 0 ? '-' : moneyText(numberOfMicros(averagePrice(costBasis, quantity)))
}

function portfolioJson({ inventory, unrealized }: PortfolioRow): Record<string, unknown> {
  const { ticker, currency, quantity, costBasis, gross, fees, volume, transactions } = inventory
  return {
    ticker,
    currency: currencyText(currency),
    quantity: formatDecimal(quantity),
    costBasis: formatDecimal(costBasis),
    unrealized: formatDecimal(unrealized),
    gross: formatDecimal(gross),
    fees: formatDecimal(fees),
    volume: formatDecimal(volume),
    transactions,
  }
}
