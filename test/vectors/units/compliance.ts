// Unit `compliance`: rules in front of whoever takes the orders next. The rules of these vectors refuse with words of
// their own, which the rejections take as a parameter. The unit does what a desk does with what the rule set says.

import { OrderUnderRule, ReportUnderRule, type RuleView } from '../../../src/compliance/rule.ts'
import { RuleSet } from '../../../src/compliance/rule-set.ts'
import { type RuleEntry, RuleState } from '../../../src/compliance/schema.ts'
import type { ExecutionReport } from '../../../src/domain/order.ts'
import { currentStatus } from '../../../src/domain/order-lifecycle.ts'
import { isTerminal, OrderStatus, orderStatusNames } from '../../../src/domain/order-status.ts'
import { reasonText } from '../../../src/domain/reasons.ts'
import { microseconds, type VectorReport, vectorReport } from '../../destinations/order-vectors.ts'
import { differences } from '../compare.ts'
import { definitions } from '../rule-world.ts'
import type { VectorUnit } from '../unit.ts'

interface VectorRule {
  readonly id: number
  readonly state: keyof typeof states
  readonly reject_submit?: string
  readonly reject_cancel?: string
}

interface ComplianceStep {
  readonly do: string
  readonly rules: readonly VectorRule[]
  readonly id: number
  readonly submitter: string
  readonly session: string
  readonly time: string
  readonly report: VectorReport
}

const states = { ACTIVE: RuleState.Active, PASSIVE: RuleState.Passive, DISABLED: RuleState.Disabled }
const nowhere: RuleView = { quote: () => false, lastPrint: () => 0, convert: amount => amount }
const EVERYBODY = 1

const complianceUnit: VectorUnit = {
  name: 'compliance',
  run(vector) {
    const set = new RuleSet(definitions, nowhere, () => [EVERYBODY], { tell: () => {} })
    const orders = new Map<number, { order: OrderUnderRule; reports: ExecutionReport[] }>()
    const names: string[] = []
    const calls: unknown[] = []
    const violations: unknown[] = []
    let clockUs = 0

    const account = (name: string): number => {
      if (!names.includes(name)) names.push(name)
      return names.indexOf(name)
    }
    const noteViolations = (): void => {
      for (let i = 0; i < set.violations.count; i++) {
        const { account, orderId, ruleId, reason, params } = set.violations.at(i)
        violations.push([names[account], orderId, Math.floor(ruleId / 2), reasonText(reason, params)])
      }
    }
    const append = (id: number, report: VectorReport): void => {
      const { reports } = orders.get(id)!
      if (isTerminal(currentStatus(reports))) return
      reports.push({ ...vectorReport(id, report, clockUs), sequence: reports.length })
      const under = new ReportUnderRule()
      Object.assign(under, reports.at(-1))
      set.report(id, under)
    }
    const refused = (): string => reasonText(set.refusal.reason, set.refusal.params)

    for (const step of vector.steps as unknown as ComplianceStep[]) {
      switch (step.do) {
        case 'rules':
          for (const rule of step.rules) for (const entry of entriesOf(rule)) set.set(entry)
          break
        case 'clock':
          clockUs = microseconds(step.time)
          break
        case 'submit': {
          const order = new OrderUnderRule()
          order.orderId = step.id
          order.submissionAccount = account(step.submitter)
          order.timestamp = microseconds(step.time)
          orders.set(step.id, { order, reports: [] })
          append(step.id, { status: orderStatusNames[OrderStatus.PendingNew], time: step.time })
          const passes = set.submit(order)
          noteViolations()
          if (passes) calls.push(['submit', step.id])
          else append(step.id, { status: 'REJECTED', text: refused() })
          break
        }
        case 'downstream':
          if (step.report.status !== 'PENDING_NEW') append(step.id, step.report)
          break
        case 'cancel': {
          const { order } = orders.get(step.id)!
          const passes = set.cancel(order, account(step.session), clockUs)
          noteViolations()
          if (passes) calls.push(['cancel', step.id])
          else append(step.id, { status: 'CANCEL_REJECT', text: refused() })
          break
        }
        default:
          throw new Error(`there is no step ${step.do}`)
      }
    }
    const readable = ({ reports }: { reports: readonly ExecutionReport[] }) =>
      reports.map(({ sequence, status, text, timestamp }) => ({
        seq: sequence,
        status: orderStatusNames[status],
        text,
        time: new Date(timestamp / 1_000).toISOString(),
      }))
    return differences(vector.expect, {
      orders: Object.fromEntries([...orders].map(([id, order]) => [id, readable(order)])),
      calls,
      violations,
    })
  },
}

export const units: VectorUnit[] = [complianceUnit]

/** One entry for each word that the rule has; ids of two are told apart by their last bit. */
function entriesOf({ id, state, reject_submit, reject_cancel }: VectorRule): RuleEntry[] {
  const entry = (name: string, text: string, bit: 0 | 1): RuleEntry => ({
    id: id * 2 + bit,
    node: EVERYBODY,
    nodeKind: 'directory',
    state: states[state],
    schema: { name, parameters: [{ name: 'text', value: { kind: 'text', value: text } }] },
  })
  return [
    ...(reject_submit === undefined ? [] : [entry('reject_submissions', reject_submit, 0)]),
    ...(reject_cancel === undefined ? [] : [entry('reject_cancels', reject_cancel, 1)]),
  ]
}
