// Checks and bookkeeping of one account with a thousand open orders on a hundred price levels of its ticker.

import { deepEqual, equal } from 'node:assert/strict'
import { BuyingPowerModel, BuyingPowerPool } from '../../src/accounting/buying-power.ts'
import { emptyInventory, record } from '../../src/accounting/inventory.ts'
import { type AccountUnderCheck, CheckChain, checkNames, type MarketView } from '../../src/checks/chain.ts'
import { OrderUnderCheck, type Quote, Refusal } from '../../src/checks/check.ts'
import { definitionsData, definitionsFromData } from '../../src/domain/definitions.ts'
import { MICROS, multiply } from '../../src/domain/money.ts'
import { OrderType } from '../../src/domain/order-type.ts'
import { Reason } from '../../src/domain/reasons.ts'
import { RiskStateType } from '../../src/domain/risk-state.ts'
import { Side } from '../../src/domain/side.ts'
import type { MicroCase } from './suite.ts'

const CAD = 124
const OPEN_ORDERS = 1_000
const LEVELS = 100
const QUANTITY = 100 * MICROS
const BID = 25.36 * MICROS
const ASK = 25.38 * MICROS
const CENT = MICROS / 100
const TIME_US = Date.parse('2024-07-18T16:00:00Z') * 1_000

export function accountCases(): MicroCase[] {
  const model = new BuyingPowerModel(new BuyingPowerPool(OPEN_ORDERS + 1))
  const exposure = model.openExposure()
  for (let slot = 0; slot < OPEN_ORDERS; slot++) {
    model.hold(slot, exposure, Side.Bid, QUANTITY, BID - (slot % LEVELS) * CENT)
  }
  const held = model.used

  const market: MarketView = {
    quote: (_tickerIndex: number, quote: Quote) => {
      quote.bid = BID
      quote.ask = ASK
      return true
    },
    previousClose: () => BID,
    convert: amount => amount,
  }
  const account: AccountUnderCheck = {
    currency: CAD,
    buyingPowerLimit: 2 * held,
    riskState: RiskStateType.Active,
    usedIfSubmitted: ({ side, quantity, holdPrice }) => model.usedIfSubmitted(exposure, side, quantity, holdPrice),
    opens: () => true,
  }
  const order = new OrderUnderCheck()
  order.tickerIndex = 0
  order.venue = definitionsFromData(definitionsData).findVenue('TSX')!
  order.currency = CAD
  order.type = OrderType.Limit
  order.side = Side.Bid
  order.quantity = QUANTITY
  order.price = ASK
  order.timestamp = TIME_US
  const chain = new CheckChain(checkNames, 1)
  const refusal = new Refusal()

  const inventory = emptyInventory()
  const cost = multiply(QUANTITY, ASK)
  const buyAndSell = () => {
    for (const side of [Side.Bid, Side.Ask]) {
      model.hold(OPEN_ORDERS, exposure, side, QUANTITY, ASK)
      model.release(OPEN_ORDERS, QUANTITY, ASK)
      record(inventory, side === Side.Bid ? QUANTITY : -QUANTITY, cost, 0)
    }
  }
  return [
    {
      name: 'checks: board lot, buying power, risk state',
      perRun: 1,
      run: () => {
        chain.check(order, account, market, refusal)
      },
      prove: () => {
        equal(chain.check(order, account, market, refusal), true)
        order.quantity = QUANTITY + MICROS
        equal(chain.check(order, account, market, refusal), false)
        order.quantity = QUANTITY
        equal(refusal.reason, Reason.BoardLot)
      },
    },
    {
      name: 'bookkeeping: hold, fill and book an order',
      perRun: 2,
      run: buyAndSell,
      prove: () => {
        buyAndSell()
        deepEqual([model.used, inventory.quantity, inventory.costBasis, inventory.gross], [held, 0, 0, 0])
      },
    },
  ]
}
