// The transition of an account against a twin that follows the table of stages with plain lists.

import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { BookedOrder } from '../../src/accounting/position-order-book.ts'
import { MICROS } from '../../src/domain/money.ts'
import { isTerminal, OrderStatus } from '../../src/domain/order-status.ts'
import { OrderType } from '../../src/domain/order-type.ts'
import { RiskStateType } from '../../src/domain/risk-state.ts'
import { Side } from '../../src/domain/side.ts'
import { RiskTransitionModel, type TransitionActions, TransitionStage } from '../../src/risk/risk-transition-model.ts'

const TICKERS = ['ABX.TSX', 'XYZ.TSX']
const { Active, CloseOrders, Disabled } = RiskStateType
const destinationOf = (ticker: string) => `to ${ticker}`
const NOTHING: TransitionActions = { cancels: [], submits: [] }

interface TwinOrder extends BookedOrder {
  remaining: number
}

/** The obvious model: lists, walked, and the numbers of the stages. */
class Twin {
  readonly positions = new Map<string, number>()
  live: TwinOrder[] = []
  stage = 0
  awaited: number[] = []

  /** Orders beyond what they could close, the least aggressive limit first. */
  opening(): number[] {
    return TICKERS.flatMap(ticker =>
      [Side.Ask, Side.Bid].flatMap(side => {
        const position = this.positions.get(ticker) ?? 0
        let capacity = side === Side.Ask ? position : -position
        const orders = this.live.filter(order => order.ticker === ticker && order.side === side)
        if (capacity <= 0) return orders.map(({ orderId }) => orderId)
        orders.sort((a, b) => (side === Side.Bid ? a.price - b.price : b.price - a.price))
        const first = orders.findIndex(({ remaining }) => {
          if (remaining > capacity) return true
          capacity -= remaining
          return false
        })
        return first < 0 ? [] : orders.slice(first).map(({ orderId }) => orderId)
      }),
    )
  }

  report(order: TwinOrder, status: OrderStatus, lastQty: number): TransitionActions {
    const moved = order.side === Side.Bid ? lastQty : -lastQty
    this.positions.set(order.ticker, (this.positions.get(order.ticker) ?? 0) + moved)
    order.remaining = isTerminal(status) ? 0 : order.remaining - lastQty
    this.live = this.live.filter(({ remaining }) => remaining > 0)
    if (isTerminal(status)) this.awaited = this.awaited.filter(id => id !== order.orderId)
    return this.stage === 4 ? this.flatten() : NOTHING
  }

  state(type: RiskStateType): TransitionActions {
    if (type === Active) this.stage = 0
    if (this.stage === 0 && type === CloseOrders) {
      this.stage = 2
      return { cancels: this.opening(), submits: [] }
    }
    if (this.stage === 2 && type === Disabled) {
      this.stage = 4
      this.awaited = this.live.map(({ orderId }) => orderId)
      const cancels = this.awaited
      return { cancels, submits: this.flatten().submits }
    }
    return NOTHING
  }

  flatten(): TransitionActions {
    if (this.awaited.length > 0) return NOTHING
    this.stage = 6
    const held = [...this.positions].filter(([, quantity]) => quantity !== 0)
    return {
      cancels: [],
      submits: held.map(([ticker, quantity]) => ({
        ticker,
        side: quantity > 0 ? Side.Ask : Side.Bid,
        quantity: Math.abs(quantity),
        destination: destinationOf(ticker),
      })),
    }
  }
}

const steps = fc.array(
  fc.record({
    kind: fc.constantFrom('add', 'add', 'add', 'report', 'report', 'report', 'state'),
    ticker: fc.constantFrom(...TICKERS),
    side: fc.constantFrom(Side.Ask, Side.Bid),
    quantity: fc.integer({ min: 1, max: 5 }),
    price: fc.integer({ min: 10, max: 14 }),
    order: fc.nat(),
    status: fc.constantFrom(
      OrderStatus.New,
      OrderStatus.PartiallyFilled,
      OrderStatus.PartiallyFilled,
      OrderStatus.Filled,
      OrderStatus.Canceled,
      OrderStatus.CancelReject,
    ),
    state: fc.constantFrom(Active, CloseOrders, CloseOrders, Disabled, Disabled),
  }),
  { maxLength: 80, size: 'max' },
)

function sorted({ cancels, submits }: TransitionActions): unknown {
  return {
    cancels: cancels.toSorted((a, b) => a - b),
    submits: submits.toSorted((a, b) => (a.ticker < b.ticker ? -1 : 1)),
  }
}

test('each stage demands what the table says, whatever comes in between', () => {
  fc.assert(
    fc.property(steps, commands => {
      const model = new RiskTransitionModel([], destinationOf)
      const twin = new Twin()
      let orderId = 0
      for (const { kind, ticker, side, quantity, price, order: at, status, state } of commands) {
        if (kind === 'add') {
          orderId += 1
          const fields = { orderId, ticker, side, type: OrderType.Limit, price: price * MICROS }
          model.add({ ...fields, quantity: quantity * MICROS })
          twin.live.push({ ...fields, quantity: quantity * MICROS, remaining: quantity * MICROS })
        } else if (kind === 'state') {
          deepEqual(sorted(model.changeState(state)), sorted(twin.state(state)))
        } else if (twin.live.length > 0) {
          const order = twin.live[at % twin.live.length]!
          const fills = status === OrderStatus.PartiallyFilled || status === OrderStatus.Filled
          const lastQty = fills ? order.remaining : 0
          deepEqual(sorted(model.report(order.orderId, status, lastQty)), sorted(twin.report(order, status, lastQty)))
        }
        equal(model.stage, twin.stage)
      }
    }),
    { numRuns: 300 },
  )
})

function bid(orderId: number): BookedOrder {
  const price = 10 * MICROS
  return { orderId, ticker: 'ABX.TSX', side: Side.Bid, type: OrderType.Limit, price, quantity: 100 * MICROS }
}

const SELL = { ticker: 'ABX.TSX', side: Side.Ask, quantity: 50 * MICROS, destination: 'to ABX.TSX' }

test('what an earlier run had asked for is asked for again, and what is held by then is flattened once', () => {
  const begin = () => {
    const model = new RiskTransitionModel([['ABX.TSX', 50 * MICROS]], destinationOf)
    model.add(bid(1))
    return model
  }
  const closing = begin()
  deepEqual(closing.resume(TransitionStage.Closing), { cancels: [1], submits: [] })
  deepEqual(closing.changeState(Disabled), { cancels: [1], submits: [] })
  const waiting = begin()
  deepEqual(waiting.resume(TransitionStage.Waiting), { cancels: [1], submits: [] })
  deepEqual(waiting.report(1, OrderStatus.Canceled, 0), { cancels: [], submits: [SELL] })
  deepEqual(waiting.changeState(CloseOrders), NOTHING)
  const flattened = begin()
  deepEqual(flattened.resume(TransitionStage.Flattened), NOTHING)
  deepEqual(flattened.report(1, OrderStatus.Canceled, 0), NOTHING)
})

test('an account that is disabled at one stroke is left alone', () => {
  const model = new RiskTransitionModel([['ABX.TSX', 50 * MICROS]], destinationOf)
  model.add(bid(1))
  deepEqual(model.changeState(Disabled), NOTHING)
  deepEqual(model.changeState(CloseOrders), { cancels: [1], submits: [] })
})

test('an account that becomes active while it waits is not flattened', () => {
  const model = new RiskTransitionModel([['ABX.TSX', 50 * MICROS]], destinationOf)
  model.add(bid(1))
  model.changeState(CloseOrders)
  model.changeState(Disabled)
  deepEqual(model.changeState(Active), NOTHING)
  deepEqual(model.report(1, OrderStatus.Canceled, 0), NOTHING)
  equal(model.stage, TransitionStage.Idle)
})

test('a replaced order counts with its new terms, and one that opens by them is canceled while the account may only close', () => {
  const model = new RiskTransitionModel([['ABX.TSX', 150 * MICROS]], destinationOf)
  const ask = { ...bid(1), side: Side.Ask }
  model.add(ask)
  deepEqual(model.changeState(CloseOrders), NOTHING)
  const replaced = (quantity: number) =>
    model.report(1, OrderStatus.Replaced, 0, { quantity: quantity * MICROS, price: ask.price })
  deepEqual(replaced(150), NOTHING)
  deepEqual(replaced(200), { cancels: [1], submits: [] })
  deepEqual(model.report(1, OrderStatus.PendingReplace, 0, { quantity: 100 * MICROS, price: ask.price }), NOTHING)
})
