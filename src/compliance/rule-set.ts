// The rules in force, and the walk of an order over them: those of its account first, then those of the directories it
// lies in, the nearest first; within one node in the order in which they were stored. The first ACTIVE rule that objects
// ends the walk; what a PASSIVE one objects to is only told. A shard has one set, and only accounts with rules pay for it.
//
// An entry that is stored anew is a new rule, at the end of its node: it is built from the entry and told what is there,
// the positions and open orders of everybody under it, by the order memory.

import { isDeepStrictEqual } from 'node:util'
import { Refusal } from '../checks/check.ts'
import type { Definitions } from '../domain/definitions.ts'
import { OrderStatus } from '../domain/order-status.ts'
import { Reason } from '../domain/reasons.ts'
import { buildFault, innermostSpec, makeRule, type SchemaFault } from './check-schema.ts'
import {
  type OrderUnderRule,
  type PositionUnderRule,
  ReportUnderRule,
  type Restoration,
  type Rule,
  RuleContext,
  type RuleView,
} from './rule.ts'
import { type RuleEntry, RuleState } from './schema.ts'
import { schemaToWire } from './schema-wire.ts'
import { WatchTable } from './watch-table.ts'

/** What a rule that comes late is told. */
export interface LateRule {
  /** The one account that it stands over; undefined where there may be many. */
  readonly account: number | undefined
  /** Whether the rule stands over this account. */
  wants(account: number): boolean
  /** What an account holds now. */
  position(position: PositionUnderRule): void
  /** A live order, as it stands now. */
  order(order: OrderUnderRule): void
  /** A report of the past, on a live or an ended order. What it did to positions and open orders is in the above. */
  past(order: OrderUnderRule, report: ReportUnderRule): void
}

/** Who remembers the accounts and their orders. */
export interface OrderMemory {
  /** Tells everything about the accounts wanted: positions, live orders by ascending id, reports in the order they came. */
  tell(rule: LateRule): void
}

/** An objection of a rule, as it is reported. The record is used again for the next walk. */
export class Violation {
  /** Who submitted the order, or asked for the cancel. */
  account = 0
  orderId = 0
  ruleId = 0
  schemaName = ''
  reason: Reason = Reason.None
  params: readonly (string | number)[] = []
  /** In microseconds. */
  timestamp = 0
}

/** The violations of the last submission, cancel or report, in the order of the walk. */
export class Violations {
  readonly #records: Violation[] = []
  #count = 0

  get count(): number {
    return this.#count
  }

  at(index: number): Violation {
    return this.#records[index]!
  }

  clear(): void {
    this.#count = 0
  }

  /** The next record, to be filled in. */
  next(): Violation {
    if (this.#count === this.#records.length) this.#records.push(new Violation())
    return this.#records[this.#count++]!
  }
}

/** What a replace is to the rules. */
export interface ReplacedParts {
  /** It lowers the quantity, or leaves the price. */
  readonly givesUp: boolean
  /** It raises the quantity, or goes to another price. */
  readonly asksForMore: boolean
}

/** An entry in force. */
interface StandingRule {
  readonly entry: RuleEntry
  rule: Rule
  context: RuleContext
  /** Whether what it remembers depends on who is under it. */
  readonly countsOrders: boolean
}

const NOTHING: readonly StandingRule[] = []

export class RuleSet {
  /** Why the last submission or cancel was refused. */
  readonly refusal = new Refusal()
  readonly violations = new Violations()
  readonly #definitions: Definitions
  readonly #view: RuleView
  readonly #nodesOf: (account: number) => readonly number[]
  readonly #memory: OrderMemory
  readonly #watches = new WatchTable()
  readonly #byId = new Map<number, StandingRule>()
  readonly #byNode = new Map<number, StandingRule[]>()
  /** By account: its nodes when they were asked for last, and the rules on them. */
  readonly #nodes = new Map<number, readonly number[]>()
  readonly #walks = new Map<number, readonly StandingRule[]>()
  readonly #retoldNodes = new Set<number>()
  readonly #report = new ReportUnderRule()
  readonly #tripRefusal = new Refusal()

  /** @param nodesOf an account and the directories above it, the nearest first; `moved` tells when they change. */
  constructor(
    definitions: Definitions,
    view: RuleView,
    nodesOf: (account: number) => readonly number[],
    memory: OrderMemory,
  ) {
    this.#definitions = definitions
    this.#view = view
    this.#nodesOf = nodesOf
    this.#memory = memory
  }

  /** Orders that any rule watches. */
  get ordersWatched(): number {
    return this.#watches.size
  }

  /** Whether there is any rule over an account. */
  isUnderRules(account: number): boolean {
    return this.#walkOf(account).length > 0
  }

  /**
   * An entry was stored, changed or deleted. What it was before ends; what it is now begins with what the order memory
   * tells. Only the news that a standing rule has shut itself changes nothing. An entry of which no rule can be made is
   * left out, and the answer says why.
   */
  set(entry: RuleEntry): SchemaFault | undefined {
    const standing = this.#byId.get(entry.id)
    // The standing rule itself knows for whom it has shut.
    if (entry.tripped === true && standing !== undefined && isSameRule(standing.entry, entry)) return undefined
    this.remove(entry.id)
    // A disabled rule is not asked, and enabling it builds it anew: until then there is nothing to keep.
    if (entry.state === RuleState.Deleted || entry.state === RuleState.Disabled) return undefined
    const fault = buildFault(entry.schema)
    if (fault !== undefined) return fault
    const context = this.#contextOf(entry)
    const countsOrders = innermostSpec(entry.schema).memory === 'orders'
    const begun = { entry, rule: makeRule(entry.schema, context), context, countsOrders }
    this.#byId.set(entry.id, begun)
    const onNode = this.#byNode.get(entry.node)
    if (onNode === undefined) this.#byNode.set(entry.node, [begun])
    else onNode.push(begun)
    this.#walks.clear()
    this.#tell(begun)
    return undefined
  }

  /** The entry with this id, if there is one, is gone. */
  remove(id: number): void {
    const standing = this.#byId.get(id)
    if (standing === undefined) return
    this.#byId.delete(id)
    const { node } = standing.entry
    this.#byNode.set(
      node,
      this.#byNode.get(node)!.filter(other => other !== standing),
    )
    this.#watches.dismiss(standing.context.numbers)
    this.#walks.clear()
  }

  /**
   * The directories above an account have changed. Rules that count the orders of everybody under them begin again on
   * the nodes it came to or went from; the others just meet it from now on, or not.
   */
  moved(account: number): void {
    const before = this.#nodes.get(account)
    this.#nodes.delete(account)
    this.#walks.delete(account)
    if (before === undefined) return
    const after = this.#nodesOfAccount(account)
    this.#beginAgainOn(new Set(before).symmetricDifference(new Set(after)))
  }

  /**
   * Whatever was known of an account, the order memory knows better now. Rules that count the orders of everybody under
   * them have to begin again on its nodes, and on those where it was before: that is for `beginRetold`, once for many.
   */
  retold(account: number): void {
    for (const node of this.#nodes.get(account) ?? []) this.#retoldNodes.add(node)
    this.#nodes.delete(account)
    this.#walks.delete(account)
    for (const node of this.#nodesOfAccount(account)) this.#retoldNodes.add(node)
  }

  beginRetold(): void {
    this.#beginAgainOn(this.#retoldNodes)
    this.#retoldNodes.clear()
  }

  #beginAgainOn(nodes: Iterable<number>): void {
    for (const node of nodes) {
      for (const standing of this.#byNode.get(node) ?? NOTHING) if (standing.countsOrders) this.#beginAgain(standing)
    }
  }

  /**
   * Judges a submission; the rules that it passes count it. Where it is refused none does, and the reason stands in
   * `refusal`. Where somebody else refuses the order later, a REJECTED report takes it back.
   */
  submit(order: OrderUnderRule): boolean {
    this.violations.clear()
    order.leavesQty = order.quantity
    const walk = this.#walkOf(order.account)
    for (let i = 0; i < walk.length; i++) {
      const { entry, rule } = walk[i]!
      if (rule.submit(order, this.refusal)) continue
      this.#violated(order.submissionAccount, order.orderId, entry, this.refusal, order.timestamp)
      if (entry.state !== RuleState.Active) continue
      this.#takeBack(order)
      return false
    }
    this.refusal.clear()
    return true
  }

  /** Judges a cancel, asked for by the account `askedBy`. Where it is refused the reason stands in `refusal`. */
  cancel(order: OrderUnderRule, askedBy: number, nowUs: number): boolean {
    this.violations.clear()
    const walk = this.#walkOf(order.account)
    for (let i = 0; i < walk.length; i++) {
      const { entry, rule } = walk[i]!
      if (rule.cancel(order, nowUs, this.refusal)) continue
      this.#violated(askedBy, order.orderId, entry, this.refusal, nowUs)
      if (entry.state === RuleState.Active) return false
    }
    this.refusal.clear()
    return true
  }

  /** Whether a submission would pass, without counting it and without any violation. */
  permits(order: OrderUnderRule): boolean {
    order.leavesQty = order.quantity
    const walk = this.#walkOf(order.account)
    for (let i = 0; i < walk.length; i++) {
      const { entry, rule } = walk[i]!
      if (entry.state === RuleState.Active && !rule.permits(order, this.refusal)) return false
    }
    return true
  }

  /** The same for a cancel. */
  permitsCancel(order: OrderUnderRule, nowUs: number): boolean {
    const walk = this.#walkOf(order.account)
    for (let i = 0; i < walk.length; i++) {
      const { entry, rule } = walk[i]!
      if (entry.state === RuleState.Active && !rule.permitsCancel(order, nowUs, this.refusal)) return false
    }
    return true
  }

  /** The same for new terms of a live order, as `replace` judges them; afterwards the rules count it as it was. */
  permitsReplace(before: OrderUnderRule, after: OrderUnderRule, { givesUp, asksForMore }: ReplacedParts): boolean {
    if (givesUp && !this.permitsCancel(before, after.timestamp)) return false
    if (!asksForMore) return true
    const walk = this.#walkOf(after.account)
    if (walk.length === 0) return true
    this.#takeBack(after)
    let passes = true
    for (let i = 0; passes && i < walk.length; i++) {
      const { entry, rule } = walk[i]!
      passes = entry.state !== RuleState.Active || rule.permits(after, this.refusal)
    }
    this.add(before)
    return passes
  }

  /**
   * Judges new terms for a live order: as the cancel of what it is (`before`), where it gives some of that up, and as a
   * submission of what it is to be (`after`), where it asks for more than it had. It is never a second order: where it
   * passes, the rules count it under its new terms from now on, and where not, as they did.
   */
  replace(before: OrderUnderRule, after: OrderUnderRule, askedBy: number, parts: ReplacedParts): boolean {
    this.violations.clear()
    const walk = this.#walkOf(after.account)
    for (let i = 0; parts.givesUp && i < walk.length; i++) {
      const { entry, rule } = walk[i]!
      if (rule.cancel(before, after.timestamp, this.refusal)) continue
      this.#violated(askedBy, after.orderId, entry, this.refusal, after.timestamp)
      if (entry.state === RuleState.Active) return false
    }
    this.#takeBack(after)
    for (let i = 0; i < walk.length; i++) {
      const { entry, rule } = walk[i]!
      if (!parts.asksForMore) rule.meet(after)
      else if (!rule.submit(after, this.refusal)) {
        this.#violated(askedBy, after.orderId, entry, this.refusal, after.timestamp)
        if (entry.state !== RuleState.Active) continue
        this.recount(before)
        return false
      }
    }
    this.refusal.clear()
    return true
  }

  /** The rules count a live order anew, as it is told here. */
  recount(order: OrderUnderRule): void {
    this.#takeBack(order)
    this.add(order)
  }

  /** A live order has left its price: those who remember cancels hear of one. */
  leftPrice(order: OrderUnderRule, timestampUs: number): void {
    const report = this.#report
    report.status = OrderStatus.Canceled
    report.timestamp = timestampUs
    const walk = this.#walkOf(order.account)
    for (let i = 0; i < walk.length; i++) walk[i]!.rule.recall(order, report)
  }

  /** All rules meet a live order that none of them has judged: one that was restored, or came another way. */
  add(order: OrderUnderRule): void {
    const walk = this.#walkOf(order.account)
    for (let i = 0; i < walk.length; i++) walk[i]!.rule.meet(order)
  }

  /** A report on any order. It may be the one that shuts a rule: then that is in `violations`. */
  report(orderId: number, report: ReportUnderRule): void {
    this.violations.clear()
    this.#watches.report(orderId, report)
  }

  /** An account comes back, with orders as they were at its positions' time; what became of them is reported after. */
  restore(restoration: Restoration): void {
    for (const { rule } of this.#walkOf(restoration.account)) rule.restore(restoration)
  }

  #walkOf(account: number): readonly StandingRule[] {
    return this.#walks.get(account) ?? this.#plannedWalk(account)
  }

  #plannedWalk(account: number): readonly StandingRule[] {
    const walk = this.#nodesOfAccount(account).flatMap(node => this.#byNode.get(node) ?? NOTHING)
    this.#walks.set(account, walk.length === 0 ? NOTHING : walk)
    return walk
  }

  #nodesOfAccount(account: number): readonly number[] {
    let nodes = this.#nodes.get(account)
    if (nodes === undefined) {
      nodes = this.#nodesOf(account)
      this.#nodes.set(account, nodes)
    }
    return nodes
  }

  #contextOf(entry: RuleEntry): RuleContext {
    return new RuleContext(
      this.#view,
      this.#definitions,
      this.#watches,
      entry.tripped === true,
      (order, report, refuse) => {
        refuse(this.#tripRefusal)
        this.#violated(order.account, order.orderId, entry, this.#tripRefusal, report.timestamp)
      },
    )
  }

  #beginAgain(standing: StandingRule): void {
    this.#watches.dismiss(standing.context.numbers)
    standing.context = this.#contextOf(standing.entry)
    standing.rule = makeRule(standing.entry.schema, standing.context)
    this.#tell(standing)
  }

  #tell({ entry, rule }: StandingRule): void {
    const isOfAccount = entry.nodeKind === 'account'
    this.#memory.tell({
      account: isOfAccount ? entry.node : undefined,
      wants: account => (isOfAccount ? account === entry.node : this.#nodesOfAccount(account).includes(entry.node)),
      position: position => rule.seed(position),
      order: order => rule.meet(order),
      past: (order, report) => rule.recall(order, report),
    })
  }

  #violated(account: number, orderId: number, entry: RuleEntry, refusal: Refusal, timestamp: number): void {
    const violation = this.violations.next()
    violation.account = account
    violation.orderId = orderId
    violation.ruleId = entry.id
    violation.schemaName = entry.schema.name
    violation.reason = refusal.reason
    violation.params = refusal.params.slice()
    violation.timestamp = timestamp
  }

  /** The rules that had let a refused order pass hear that it was rejected. */
  #takeBack({ orderId, timestamp }: OrderUnderRule): void {
    const report = this.#report
    report.status = OrderStatus.Rejected
    report.timestamp = timestamp
    this.#watches.report(orderId, report)
  }
}

/** Whether two entries differ in nothing but in being tripped. */
function isSameRule(a: RuleEntry, b: RuleEntry): boolean {
  return a.node === b.node && a.state === b.state && isDeepStrictEqual(schemaToWire(a.schema), schemaToWire(b.schema))
}
