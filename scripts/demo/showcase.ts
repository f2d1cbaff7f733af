// One order of each kind, and one of each kind of refusal, with what has to come of it.

import {
  limitOrder,
  marketOrder,
  type NewOrder,
  type OesClient,
  OrderStatus,
  OrderType,
  orderStatusNames,
  reasonName,
  Side,
  TagKey,
  TagType,
  TimeInForce,
} from '../../src/client/index.ts'
import { type AccountBooks, place } from './account-books.ts'
import { Trouble } from './trouble.ts'

export interface Desk {
  readonly client: OesClient
  readonly books: AccountBooks
}

export interface Shown {
  readonly who: string
  readonly what: string
  readonly outcome: string
}

interface Scene {
  readonly who: string
  readonly what: string
  /** How the outcome begins. */
  readonly expected: string
  run(): Promise<string>
}

/** Plays every scene. @throws Trouble where one ends otherwise than it has to. */
export async function showcase(desks: ReadonlyMap<string, Desk>, show: (shown: Shown) => void): Promise<void> {
  for (const { who, what, expected, run } of scenes(desks)) {
    const outcome = await run()
    show({ who, what, outcome })
    if (!outcome.startsWith(expected)) throw new Trouble(`${who}, ${what}: ${outcome}, where ${expected} was expected.`)
  }
}

function scenes(desks: ReadonlyMap<string, Desk>): Scene[] {
  const desk = (who: string) => desks.get(who)!
  /** An order of `of`, sent by `who`, until it has ended or rests. */
  const order = (who: string, what: string, expected: string, order: NewOrder, of = who): Scene => ({
    who,
    what,
    expected,
    run: async () => outcomeOf(desk(who).client, desk(of).books, order),
  })
  const buy = Side.Bid
  const sell = Side.Ask
  const far = 1
  const midpoint = [TagKey.ExecInst, TagType.Text, 'M'] as const
  return [
    order('alice', 'buys 300 ABX at up to 30', 'FILLED', limitOrder(buy, 'ABX.TSX', 300, 30)),
    order('alice', 'sells 100 ABX at the market', 'FILLED', marketOrder(sell, 'ABX.TSX', 100)),
    order('bob', 'sells 200 BCE short', 'FILLED', marketOrder(sell, 'BCE.TSX', 200)),
    order(
      'carol',
      'buys 100 ENB, counted in US dollars',
      'FILLED',
      limitOrder(buy, 'ENB.TSX', 100, 60, { destination: 'CHIX' }),
    ),
    order(
      'bob',
      'IOC bid far below',
      'CANCELED NOT_FILLED_AT_ONCE',
      limitOrder(buy, 'BMO.TSX', 100, far, { timeInForce: TimeInForce.Ioc }),
    ),
    order('dave', 'bid pegged to the midpoint', 'NEW', {
      type: OrderType.Pegged,
      side: buy,
      ticker: 'SU.TSX',
      quantity: 100,
      price: 45,
      tags: [midpoint],
    }),
    order('dave', 'good-till-cancel bid far below', 'NEW', {
      ...limitOrder(buy, 'TD.TSX', 100, far),
      timeInForce: TimeInForce.Gtc,
    }),
    {
      who: 'dave',
      what: 'cancels that bid',
      expected: 'CANCELED CANCELED_ON_REQUEST',
      run: () => cancelLast(desk('dave')),
    },
    order('margaret', 'buys 100 RY for alice, her trader', 'FILLED', marketOrder(buy, 'RY.TSX', 100), 'alice'),
    order(
      'administrator',
      'books 500 CNR by hand for bob',
      'FILLED',
      limitOrder(buy, 'CNR.TSX', 500, 168.5, { destination: 'MOE' }),
      'bob',
    ),

    order('alice', 'odd lot', 'REJECTED BOARD_LOT', limitOrder(buy, 'ABX.TSX', 150, 30)),
    order('erin', 'more than she can pay', 'REJECTED EXCEEDS_BUYING_POWER', limitOrder(buy, 'ABX.TSX', 100, 30)),
    order('frank', 'opens while he may only close', 'REJECTED ONLY_CLOSING_ORDERS', marketOrder(buy, 'ABX.TSX', 100)),
    order('bob', 'ticker without a quote', 'REJECTED NO_BBO', marketOrder(buy, 'NONE.TSX', 100)),
    order('bob', 'ticker without a venue', 'REJECTED VENUE_MISSING', marketOrder(buy, 'ABX', 100)),
    order('bob', 'limit without a price', 'REJECTED INVALID_PRICE', limitOrder(buy, 'ABX.TSX', 100, 0)),
    order('bob', 'quantity of nothing', 'REJECTED INVALID_QUANTITY', limitOrder(buy, 'ABX.TSX', 0, 30)),
    order('bob', 'GTD in the past', 'REJECTED INVALID_EXPIRY', {
      ...limitOrder(buy, 'ABX.TSX', 100, 30),
      timeInForce: TimeInForce.Gtd,
      expiry: 1,
    }),
    order(
      'bob',
      'unknown destination',
      'REJECTED UNKNOWN_DESTINATION',
      limitOrder(buy, 'ABX.TSX', 100, 30, { destination: 'MOON' }),
    ),
    order(
      'bob',
      'destination of another country',
      'REJECTED DESTINATION_VENUE',
      limitOrder(buy, 'ABX.TSX', 100, 30, { destination: 'ASXT' }),
    ),
    order(
      'dave',
      'manual order without being administrator',
      'REJECTED MANUAL_ORDER_NOT_PERMITTED',
      limitOrder(buy, 'CNR.TSX', 500, 168.5, { destination: 'MOE' }),
    ),
    order('bob', "trades in dave's account", 'refused NOT_PERMITTED', marketOrder(buy, 'ABX.TSX', 100), 'dave'),
    {
      who: 'dave',
      what: 'cancels an order that has ended',
      expected: 'refused ORDER_TERMINAL',
      run: () => cancelLast(desk('dave')),
    },
    {
      who: 'erin',
      what: 'cancels an order of alice',
      expected: 'refused UNKNOWN_ORDER',
      run: () => cancelOther(desk('erin'), desk('alice')),
    },
    { who: 'alice', what: 'sends an order twice', expected: 'the same order', run: () => sendTwice(desk('alice')) },
    {
      who: 'alice',
      what: 'sends another order under a used id',
      expected: 'refused CL_ORD_ID_REUSED',
      run: () => reuseId(desk('alice')),
    },
  ]
}

async function outcomeOf(client: OesClient, books: AccountBooks, order: NewOrder): Promise<string> {
  const outcome = await place(client, books, order)
  if (outcome.outcome === 'unknown') return `unknown: ${outcome.cause.message}`
  if (outcome.outcome === 'refused') return `refused ${outcome.code}`
  const { orderId } = outcome.order
  await books.until(
    'a report',
    () => (books.order(orderId)?.status ?? OrderStatus.PendingNew) !== OrderStatus.PendingNew,
  )
  // A marketable order fills in the batch that acknowledges it, so what it will do at once it has done here.
  const { status, cumQty, avgPx, lastReport } = books.order(orderId)!
  const reason = lastReport !== undefined && lastReport.reason !== 0 ? ` ${reasonName(lastReport.reason)}` : ''
  return `${orderStatusNames[status]}${reason}${cumQty > 0 ? ` ${cumQty} at ${avgPx}` : ''}`
}

/** The order that was acknowledged last, and ended or rests since. */
function last(books: AccountBooks) {
  const accepted = [...books.outcomes.values()].filter(outcome => outcome?.outcome === 'accepted')
  const tracked = accepted.map(outcome => books.order(outcome.order.orderId)!)
  return tracked.filter(order => order.status !== OrderStatus.Rejected).at(-1)!
}

async function cancelLast({ client, books }: Desk): Promise<string> {
  const { orderId } = last(books).accepted
  const outcome = await client.cancel(orderId)
  if (outcome.outcome !== 'done') return outcome.outcome === 'refused' ? `refused ${outcome.code}` : 'unknown'
  await books.until('the end of the order', () => books.order(orderId)!.isTerminal)
  const { status, lastReport } = books.order(orderId)!
  return `${orderStatusNames[status]} ${reasonName(lastReport!.reason)}`
}

async function cancelOther({ client }: Desk, other: Desk): Promise<string> {
  const outcome = await client.cancel(last(other.books).accepted.orderId)
  return outcome.outcome === 'refused' ? `refused ${outcome.code}` : outcome.outcome
}

async function sendTwice({ client, books }: Desk): Promise<string> {
  const order = marketOrder(Side.Bid, 'BTO.TSX', 100)
  const first = await place(client, books, order)
  if (first.outcome !== 'accepted') return first.outcome
  const { clOrdId, orderId, account } = first.order
  const second = await client.submit({ ...order, account, clOrdId })
  if (second.outcome !== 'accepted') return second.outcome
  return second.order.orderId === orderId ? 'the same order' : 'a second order'
}

async function reuseId({ client, books }: Desk): Promise<string> {
  const { clOrdId, account } = last(books).accepted
  const outcome = await client.submit({ ...marketOrder(Side.Ask, 'BTO.TSX', 700), account, clOrdId })
  return outcome.outcome === 'refused' ? `refused ${outcome.code}` : outcome.outcome
}
