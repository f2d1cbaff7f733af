import { equal } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { RuleSet } from '../../src/compliance/rule-set.ts'
import { type RuleEntry, RuleState } from '../../src/compliance/schema.ts'
import { OrderStatus } from '../../src/domain/order-status.ts'
import { type Happening, happenings, orderOf, reportOf, START_US, StageMarket, schemas } from './rule-stage.ts'
import { definitions } from './rule-twin.ts'

const DESK = 100
const nobody = { tell: () => undefined }

test('what may pass is known beforehand, and asking about it counts nothing and tells nobody', () => {
  fc.assert(
    fc.property(
      fc.array(schemas, { minLength: 1, maxLength: 4 }),
      fc.array(happenings, { maxLength: 80, size: 'max' }),
      (rules, steps: Happening[]) => {
        const market = new StageMarket()
        for (const ticker of [0, 1, 2]) market.quotes.set(ticker, { bid: 9_990_000, ask: 10_010_000 })
        const nodesOf = (account: number) => [account, DESK]
        // The first is asked beforehand, the second never.
        const sets = [0, 1].map(() => new RuleSet(definitions, market, nodesOf, nobody)) as [RuleSet, RuleSet]
        for (const [id, schema] of rules.entries()) {
          const state = id === 1 ? RuleState.Passive : RuleState.Active
          const entry: RuleEntry = { id, node: DESK, nodeKind: 'directory', state, schema }
          for (const set of sets) set.set(entry)
        }
        const live: ReturnType<typeof orderOf>[] = []
        let nowUs = START_US
        let orders = 0
        for (const { kind, choice, pick, part, waitUs } of steps) {
          const known = live[pick % Math.max(1, live.length)]
          if (kind === 'submit' || kind === 'add') {
            const order = orderOf(choice, ++orders, nowUs)
            const permitted = [1, 2].map(() => sets[0].permits(order))
            equal(sets[0].violations.count, 0)
            const outcomes = sets.map(set => set.submit(order))
            equal(new Set([...permitted, ...outcomes]).size, 1)
            equal(sets[0].violations.count, sets[1].violations.count)
            for (const set of sets) set.violations.clear()
            if (outcomes[0]) live.push(order)
          } else if (kind === 'cancel' && known !== undefined) {
            const permitted = [1, 2].map(() => sets[0].permitsCancel(known, nowUs))
            equal(sets[0].violations.count, 0)
            equal(new Set([...permitted, ...sets.map(set => set.cancel(known, known.account, nowUs))]).size, 1)
            for (const set of sets) set.violations.clear()
          } else if (known !== undefined && (kind === 'fill' || kind === 'end')) {
            const isFill = kind === 'fill'
            const lastQty = isFill ? Math.ceil((known.leavesQty * part) / 13) : 0
            const status = isFill ? OrderStatus.PartiallyFilled : OrderStatus.Canceled
            for (const set of sets) set.report(known.orderId, reportOf(status, lastQty, choice.price, nowUs))
            known.leavesQty -= lastQty
            if (!isFill) live.splice(live.indexOf(known), 1)
            for (const set of sets) set.violations.clear()
          } else nowUs += waitUs
        }
      },
    ),
    { numRuns: Number(process.env.OES_RULE_RUNS ?? 100) },
  )
})
