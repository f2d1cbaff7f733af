// One run of the stage of pooled rules out of a seed: ten accounts on four shards trade, cancel, replace, are halted and
// moved, rules come, change and go, and every record between main and the shards moves when chance says so.

import { deepEqual, equal, ok } from 'node:assert/strict'
import { type ParameterValue, type RuleSchema, RuleState, wrapSchema } from '../../src/compliance/schema.ts'
import { MICROS } from '../../src/domain/money.ts'
import { OrderStatus } from '../../src/domain/order-status.ts'
import { OrderType } from '../../src/domain/order-type.ts'
import { Reason, reasonName } from '../../src/domain/reasons.ts'
import { scopeOf } from '../../src/domain/scopes.ts'
import { direction, Side } from '../../src/domain/side.ts'
import { TimeInForce } from '../../src/domain/time-in-force.ts'
import { Command } from '../../src/shared-memory/records.ts'
import { Random } from '../fault/random.ts'
import { CAD } from '../shards/shard-stage.ts'
import { ACCOUNTS, FIRM, GROUPS, type KnownOrder, PooledStage, TICKERS, TRADERS } from './pooled-stage.ts'

const units = (value: number): ParameterValue => ({ kind: 'quantity', value: value * MICROS })
const money = (value: number): ParameterValue => ({ kind: 'money', value: value * MICROS })
const duration = (seconds: number): ParameterValue => ({ kind: 'duration', value: seconds * MICROS })
const cad: ParameterValue = { kind: 'currency', value: CAD }

export function schemaOf(name: string, parameters: Record<string, ParameterValue> = {}): RuleSchema {
  return { name, parameters: Object.entries(parameters).map(([name, value]) => ({ name, value })) }
}

export const countLimit = (count: number): RuleSchema => schemaOf('order_count_limit', { count: units(count) })

/** Any rule that pools, with limits that are met now and then. */
function pooledSchema(random: Random): RuleSchema {
  const innermost = [
    () => countLimit(random.whole(0, 8)),
    () => schemaOf('order_count_limit_per_side', { count: units(random.whole(0, 5)) }),
    () => schemaOf('opposing_cancel', { timeout: units(random.whole(0, 8)) }),
    () => schemaOf('opposing_submission', { timeout: units(random.whole(0, 8)), offset: money(random.whole(0, 1)) }),
    () => schemaOf('buying_power', { buying_power: money(random.whole(0, 12) * 1_000), currency: cad }),
    () => schemaOf('maximum_position', { quantity: units(random.whole(0, 10) * 100) }),
    () => schemaOf('maximum_gross_exposure', { value: money(random.whole(0, 12) * 1_000), currency: cad }),
    () =>
      schemaOf('message_rate', {
        submissions: units(random.whole(0, 6)),
        cancels: units(random.whole(0, 3)),
        interval: duration(random.whole(1, 12)),
      }),
    () =>
      schemaOf('repeated_executions', { count: units(random.whole(1, 4)), interval: duration(random.whole(1, 12)) }),
  ]
  let schema = random.pick(innermost)()
  for (let around = random.whole(0, 3) - 1; around > 0; around--) {
    switch (random.whole(0, 3)) {
      case 0:
        schema = wrapSchema('per_ticker', [], schema)
        break
      case 1:
        schema = wrapSchema('per_side', [], schema)
        break
      case 2: {
        const scope = scopeOf({ tickers: [{ symbol: 'ABX', venue: 'XTSE' }] })
        schema = wrapSchema('scope_filter', [{ name: 'scope', value: { kind: 'scope', value: scope } }], schema)
        break
      }
      default: {
        // Trading begins at half past nine.
        const parameters = [
          { name: 'start', value: duration(random.whole(0, 10) * 3600) },
          { name: 'end', value: duration(random.whole(10, 24) * 3600) },
        ]
        schema = wrapSchema('time_filter', parameters, schema)
      }
    }
  }
  return schema
}

/** Rules that each shard judges by itself. */
function localSchema(random: Random): RuleSchema {
  return random.pick([
    () => wrapSchema('per_account', [], countLimit(random.whole(1, 5))),
    () => schemaOf('maximum_order_quantity', { quantity: units(random.whole(1, 4) * 100) }),
    () => schemaOf('reject_cancels'),
    () => wrapSchema('per_account', [], schemaOf('message_rate', { cancels: units(1), interval: duration(2) })),
  ])()
}

export interface RunCounts {
  verdicts: number
  refused: number
  replaced: number
}

/** @throws where something is not as it has to be. @returns how much was judged */
export function pooledRun(seed: number, counts: RunCounts): void {
  const random = new Random(seed)
  const stage = new PooledStage({ random, ringBytes: random.chance(0.2) ? 1 << 14 : 1 << 16 })
  // Rules and places stay as they are, so that more can be said.
  const isQuiet = random.chance(0.4)
  const limit = random.whole(2, 10)
  for (const ticker of TICKERS.keys()) stage.quote(ticker, 9.9, 10.1)
  stage.compliance.start()
  const ownLimit = random.whole(1, 4)
  const reachLimit = random.whole(5, 30) * 100
  if (isQuiet) {
    stage.store(50, FIRM, countLimit(limit))
    stage.store(110, FIRM, wrapSchema('per_account', [], countLimit(ownLimit)))
    const quantity = units(reachLimit)
    stage.store(51, FIRM, wrapSchema('per_ticker', [], schemaOf('maximum_position', { quantity })))
  }
  for (let rules = random.whole(0, 3); rules > 0; rules--) storeAny(stage, random)
  if (isQuiet) stage.settle()

  stage.onEvent = told => {
    if (!isQuiet) return
    // One that was refused is accepted first; its end comes with it.
    const open = [...stage.orders.values()].filter(
      order => order.isAccepted && !order.isEnded && !order.isManual && order.status !== 0,
    )
    ok(open.length <= limit, `${open.length} orders are open, and ${limit} may be`)
    const own = open.filter(order => order.row === told.row).length
    ok(own <= ownLimit, `${own} orders of an account are open, and ${ownLimit} may be`)
    const reach = bidReach(stage, told.ticker)
    ok(reach <= reachLimit, `${told.ticker} may come to ${reach}, and ${reachLimit} is the most`)
  }
  const steps = random.whole(100, 600)
  for (let step = 0; step < steps; step++) {
    if (random.chance(0.8)) stage.move(random)
    else act(stage, random, isQuiet)
  }
  stage.settle()
  stage.compare()
  stage.checkSettled()
  if (isQuiet) compareOutcomes(stage)
  counts.verdicts += stage.verdicts.length
  counts.replaced += stage.replaced
  counts.refused += stage.verdicts.filter(line => !line.endsWith(' 0')).length
  probe(stage)
  stage.compare()
}

/** What a position comes to if all open bids are filled. Bids by hand, which nobody judges, only make it larger. */
function bidReach(stage: PooledStage, ticker: string): number {
  let reach = 0
  for (const order of stage.orders.values()) {
    const isBid = order.side === Side.Bid
    if (order.ticker !== ticker || (order.isManual && isBid)) continue
    reach += direction(order.side as Side) * order.filledQty
    const isOpen = order.isAccepted && !order.isEnded && order.status !== 0
    if (isOpen && isBid) reach += Math.max(0, order.quantity - order.filledQty)
  }
  return reach / MICROS
}

function storeAny(stage: PooledStage, random: Random): void {
  if (random.chance(0.25)) {
    const node = random.chance(0.5) ? random.whole(1, ACCOUNTS) : random.pick(GROUPS)
    stage.store(100 + random.whole(0, 3), node, localSchema(random))
    return
  }
  const node = random.pick([FIRM, FIRM, ...GROUPS, ...TRADERS])
  const die = random.whole(0, 9)
  const state = die < 7 ? RuleState.Active : die < 9 ? RuleState.Passive : RuleState.Disabled
  stage.store(random.whole(1, 4), node, pooledSchema(random), state)
}

function act(stage: PooledStage, random: Random, isQuiet: boolean): void {
  stage.nowUs += random.chance(0.5) ? random.whole(0, 2_000_000) : 0
  const open = [...stage.orders.values()].filter(order => order.isAccepted && !order.isEnded)
  const die = random.whole(0, isQuiet ? 85 : 109)
  if (die < 50) {
    const isMarket = random.chance(0.2)
    const side = random.chance(0.5) ? Side.Bid : Side.Ask
    const price = random.pick([9.5, 9.9, 10, 10.1, 10.5])
    stage.submit(random.whole(0, ACCOUNTS - 1), {
      ticker: random.pick(TICKERS),
      type: isMarket ? OrderType.Market : OrderType.Limit,
      side,
      // Some are no board lots.
      quantity: random.chance(0.03) ? 7 : random.whole(1, 5) * 100,
      price: isMarket ? 0 : price,
      timeInForce: random.chance(0.15) ? TimeInForce.Ioc : TimeInForce.Day,
    })
  } else if (die < 58) {
    if (open.length > 0) stage.cancel(random.pick(open))
  } else if (die < 66) {
    if (open.length > 0) {
      const order = random.pick(open)
      // Its market may give it a part of what it wants while the judge is asked.
      const price = order.type === OrderType.Market ? 0 : random.pick([9.5, 9.9, 10, 10.1, order.price / MICROS])
      const quantity = random.chance(0.2) ? order.quantity / MICROS : random.whole(1, 8) * 100
      stage.replace(order, quantity, price)
      if (random.chance(0.3))
        stage.print(TICKERS.indexOf(order.ticker as never), random.whole(1, 3) * 100, order.price / MICROS)
    }
  } else if (die < 70) {
    stage.submit(
      random.whole(0, ACCOUNTS - 1),
      { ticker: random.pick(TICKERS), side: random.pick([Side.Bid, Side.Ask]) },
      true,
    )
  } else if (die < 74) {
    if (open.length > 0) {
      const order = random.pick(open)
      const leavesQty = (order.quantity - order.filledQty) / MICROS
      if (leavesQty > 1)
        stage.update(order, OrderStatus.PartiallyFilled, random.whole(1, Math.floor(leavesQty / 2)), 10)
    }
  } else if (die < 78) {
    stage.tell(Command.Time)
  } else if (die < 81) {
    const row = random.whole(0, ACCOUNTS - 1)
    stage.halts.setAccount(row, random.chance(0.3))
    stage.tell(Command.Sweep, 1)
  } else if (die < 84) {
    // The market moves where nothing is under way, so that the twin sees the same.
    stage.settle()
    const middle = random.pick([9.7, 10, 10.3])
    stage.quote(random.whole(0, TICKERS.length - 1), middle - 0.1, middle + 0.1)
    stage.settle()
  } else if (die < 86) {
    stage.settle()
  } else if (die < 92) {
    storeAny(stage, random)
  } else if (die < 98) {
    const id = random.whole(1, 4)
    const stored = stage.rules.rule(id)
    if (stored !== undefined) stage.rules.store({ ...stored, state: RuleState.Deleted })
  } else {
    const account = random.whole(1, ACCOUNTS)
    const traders = random.pick(TRADERS)
    if ([...stage.directory.parents(account)].includes(traders)) {
      stage.directory.detach(traders, account)
      // It leaves and comes again while it is being asked about.
      if (random.chance(0.5)) stage.directory.associate(traders, account)
    } else stage.directory.associate(traders, account)
    for (let orders = random.whole(0, 3); orders > 0; orders--) {
      stage.submit(account - 1, { ticker: random.pick(TICKERS), side: random.pick([Side.Bid, Side.Ask]) })
      stage.move(random)
    }
  }
}

/** What the judge refuses is a rejected order, for that reason; what it lets pass is not, unless for another. */
function compareOutcomes(stage: PooledStage): void {
  for (const [orderId, reason] of stage.twin.judged) {
    const order = stage.orders.get(orderId)!
    ok(order.isAccepted, `order ${orderId} was not answered`)
    if (reason === Reason.None) continue
    // The account may have been halted while the judge was asked.
    const isHalted = order.reason === Reason.TradingHalted
    deepEqual([order.status, order.reason], [OrderStatus.Rejected, isHalted ? Reason.TradingHalted : reason])
  }
}

/** In the end the counts are exact: one order less is refused, and one more is not. */
function probe(stage: PooledStage): void {
  stage.onEvent = () => undefined
  // Accounts that the judge knows it goes on knowing: what it has missed would show.
  stage.store(70, FIRM, countLimit(1_000_000), RuleState.Passive)
  for (const rule of stage.rules.rules()) {
    if (rule.id !== 70) stage.rules.store({ ...rule, state: RuleState.Deleted })
  }
  for (let row = 0; row < ACCOUNTS; row++) stage.halts.setAccount(row, false)
  for (let id = 1; id <= ACCOUNTS; id++) {
    if ([...stage.directory.parents(id)].length === 0) stage.directory.associate(TRADERS[id % 2]!, id)
  }
  stage.settle()
  const isOpen = (order: KnownOrder) => order.isAccepted && !order.isEnded
  const open = [...stage.orders.values()].filter(isOpen).length
  const outcome = (fields: Parameters<PooledStage['submit']>[1], row: number): string => {
    const order = stage.orders.get(stage.submit(row, fields)!)!
    stage.settle()
    return order.status === OrderStatus.New ? 'NEW' : reasonName(order.reason)
  }
  const resting = { ticker: TICKERS[0], price: 5 }
  stage.store(60, FIRM, countLimit(open))
  equal(outcome(resting, 0), 'ORDER_LIMIT_REACHED')
  stage.store(60, FIRM, countLimit(open + 1))
  equal(outcome(resting, 1), 'NEW')
  equal(outcome(resting, 2), 'ORDER_LIMIT_REACHED')
  stage.store(60, FIRM, countLimit(0), RuleState.Disabled)
  for (const [at, ticker] of TICKERS.entries()) {
    let reach = 100
    for (const order of stage.orders.values()) {
      if (order.ticker !== ticker) continue
      reach += (direction(order.side as Side) * order.filledQty) / MICROS
      if (isOpen(order) && order.side === Side.Bid) reach += Math.max(0, order.quantity - order.filledQty) / MICROS
    }
    const permits = (quantity: number) =>
      stage.store(61, FIRM, wrapSchema('per_ticker', [], schemaOf('maximum_position', { quantity: units(quantity) })))
    permits(Math.max(0, reach - 1))
    if (reach > 0) equal(outcome({ ...resting, ticker }, 3 + at), 'POSITION_TOO_LARGE')
    permits(Math.max(0, reach))
    equal(outcome({ ...resting, ticker }, 4 + at), 'NEW')
    stage.store(61, FIRM, countLimit(0), RuleState.Disabled)
  }
}
