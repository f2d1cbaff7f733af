// One rule for each account, each ticker or each side, all alike: what the inner rule counts, it counts for its key
// alone. An inner rule is built when its key comes up first.

import { KeyIndex } from '../../base/key-index.ts'
import type { Refusal } from '../../checks/check.ts'
import { Side } from '../../domain/side.ts'
import { type OrderUnderRule, type PositionUnderRule, type ReportUnderRule, type Restoration, Rule } from '../rule.ts'

export type RuleKey = 'account' | 'ticker' | 'side'

export class KeyedRule extends Rule {
  readonly #key: RuleKey
  readonly #make: () => Rule
  readonly #restoresByOrders: boolean
  readonly #index = new KeyIndex()
  readonly #rules: Rule[] = []

  /**
   * @param restoresByOrders an account that comes back brings all its positions to each key that has one of its orders,
   *   and none to any other. Otherwise each position goes to its own key.
   */
  constructor(key: RuleKey, make: () => Rule, restoresByOrders: boolean) {
    super()
    this.#key = key
    this.#make = make
    this.#restoresByOrders = restoresByOrders
  }

  override permits(order: OrderUnderRule, refusal: Refusal): boolean {
    return this.#rule(this.#keyOf(order)).permits(order, refusal)
  }

  override submit(order: OrderUnderRule, refusal: Refusal): boolean {
    return this.#rule(this.#keyOf(order)).submit(order, refusal)
  }

  override add(order: OrderUnderRule): void {
    this.#rule(this.#keyOf(order)).add(order)
  }

  override meet(order: OrderUnderRule): void {
    this.#rule(this.#keyOf(order)).meet(order)
  }

  /** A key that never came up has nothing to say. */
  override permitsCancel(order: OrderUnderRule, nowUs: number, refusal: Refusal): boolean {
    const place = this.#index.get(this.#keyOf(order))
    return place < 0 || this.#rules[place]!.permitsCancel(order, nowUs, refusal)
  }

  override cancel(order: OrderUnderRule, nowUs: number, refusal: Refusal): boolean {
    const place = this.#index.get(this.#keyOf(order))
    return place < 0 || this.#rules[place]!.cancel(order, nowUs, refusal)
  }

  override seed(position: PositionUnderRule): void {
    if (this.#key === 'side') {
      this.#rule(Side.Ask).seed(position)
      this.#rule(Side.Bid).seed(position)
    } else {
      this.#rule(this.#key === 'account' ? position.account : position.tickerIndex).seed(position)
    }
  }

  override restore(restoration: Restoration): void {
    if (!this.#restoresByOrders) return super.restore(restoration)
    const byKey = Map.groupBy(restoration.orders, order => this.#keyOf(order))
    for (const [key, orders] of byKey) this.#rule(key).restore({ ...restoration, orders })
  }

  override recall(order: OrderUnderRule, report: ReportUnderRule): void {
    this.#rule(this.#keyOf(order)).recall(order, report)
  }

  #keyOf(order: OrderUnderRule): number {
    if (this.#key === 'account') return order.account
    return this.#key === 'ticker' ? order.tickerIndex : order.side
  }

  #rule(key: number): Rule {
    const place = this.#index.get(key)
    if (place >= 0) return this.#rules[place]!
    const rule = this.#make()
    this.#index.set(key, this.#rules.length)
    this.#rules.push(rule)
    return rule
  }
}
