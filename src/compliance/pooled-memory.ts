// What the judge of pooled rules knows of the accounts under them: positions, live orders as they stand, the latest
// reports. It is told by the shards that have the accounts, and tells rules that come late.

import { emptyInventory, type Inventory, record } from '../accounting/inventory.ts'
import { multiply, type Price, type Quantity } from '../domain/money.ts'
import { isTerminal, type OrderStatus } from '../domain/order-status.ts'
import { direction } from '../domain/side.ts'
import { OrderUnderRule, ReportUnderRule } from './rule.ts'
import type { LateRule, OrderMemory } from './rule-set.ts'

/** Reports remembered of all accounts: as many as a shard remembers of its own. */
const REPORTS_MAX = 1 << 16

export interface PooledPosition {
  readonly account: number
  readonly tickerIndex: number
  currency: number
  readonly inventory: Inventory
}

/** A report of the past, with the order as it stood before it. */
export interface PastReport {
  readonly order: OrderUnderRule
  readonly report: ReportUnderRule
}

interface PooledAccount {
  /** By ticker index. */
  readonly positions: Map<number, PooledPosition>
  readonly orders: Set<OrderUnderRule>
}

export class PooledMemory implements OrderMemory {
  readonly #accounts = new Map<number, PooledAccount>()
  /** Live orders, and those that a verdict lets live, by their ids. */
  readonly #orders = new Map<number, OrderUnderRule>()
  /** Of those that a verdict lets be replaced: the worst that they may have now, by their ids. */
  readonly #worst = new Map<number, { leavesQty: Quantity; price: Price }>()
  /** A ring; the oldest is at `#next` once there are REPORTS_MAX. */
  readonly #past: PastReport[] = []
  #next = 0

  order(orderId: number): OrderUnderRule | undefined {
    return this.#orders.get(orderId)
  }

  /** Live orders of all accounts. */
  get size(): number {
    return this.#orders.size
  }

  begin(order: OrderUnderRule): void {
    this.#orders.set(order.orderId, order)
    this.#account(order.account).orders.add(order)
  }

  end(order: OrderUnderRule): void {
    this.#orders.delete(order.orderId)
    this.#worst.delete(order.orderId)
    this.#account(order.account).orders.delete(order)
  }

  /** A live order may have these terms instead of its own from now on. @returns the worse of both, as which it counts */
  replacing(order: OrderUnderRule, after: OrderUnderRule): OrderUnderRule {
    this.#worst.set(order.orderId, {
      leavesQty: Math.max(order.leavesQty, after.leavesQty),
      price: Math.max(order.price, after.price),
    })
    return this.counted(order)
  }

  /** It is known which terms a live order has. @returns whether that was open */
  settled(order: OrderUnderRule): boolean {
    return this.#worst.delete(order.orderId)
  }

  /** A live order as it counts. */
  counted(order: OrderUnderRule): OrderUnderRule {
    return Object.assign(copyOf(order), this.#worst.get(order.orderId))
  }

  /** A fill or the end of a live order. */
  report(order: OrderUnderRule, report: ReportUnderRule): void {
    const { status, lastQty, lastPx, timestamp } = report
    this.#remember({ order: copyOf(order), report: reportOf(status, lastQty, lastPx, timestamp) })
    if (lastQty !== 0) {
      const position = this.#position(order.account, order.tickerIndex)
      if (position.currency === 0) position.currency = order.currency
      record(position.inventory, direction(order.side) * lastQty, multiply(lastQty, lastPx), 0)
    }
    order.leavesQty = Math.max(0, order.leavesQty - lastQty)
    const worst = this.#worst.get(order.orderId)
    if (worst !== undefined) worst.leavesQty = Math.max(0, worst.leavesQty - lastQty)
    if (isTerminal(status)) this.end(order)
  }

  /**
   * How an account stands, whatever was known of it before. Reports that are remembered already are not taken twice.
   * @returns the orders that are not live any more
   */
  retell(
    account: number,
    positions: readonly PooledPosition[],
    orders: readonly OrderUnderRule[],
    past: readonly PastReport[],
  ): OrderUnderRule[] {
    const known = this.#account(account)
    known.positions.clear()
    for (const position of positions) known.positions.set(position.tickerIndex, position)
    const live = new Set(orders.map(({ orderId }) => orderId))
    const gone = [...known.orders].filter(({ orderId }) => !live.has(orderId))
    for (const order of [...known.orders]) this.end(order)
    for (const order of orders) this.begin(order)
    if (past.length > 0) {
      const remembered = new Set(this.#past.filter(({ order }) => order.account === account).map(keyOf))
      for (const report of past) if (!remembered.has(keyOf(report))) this.#remember(report)
    }
    return gone
  }

  tell(rule: LateRule): void {
    const told: OrderUnderRule[] = []
    for (const [account, { positions, orders }] of this.#accounts) {
      if (!rule.wants(account)) continue
      for (const { tickerIndex, currency, inventory } of positions.values()) {
        const { quantity, costBasis } = inventory
        if (quantity !== 0) rule.position({ account, tickerIndex, currency, quantity, costBasis })
      }
      told.push(...orders)
    }
    told.sort((a, b) => a.orderId - b.orderId)
    // Rules may write into what they are told, and keep nothing of it.
    for (const order of told) rule.order(this.counted(order))
    // Accounts that came later have brought older reports.
    const past = [...this.#past.slice(this.#next), ...this.#past.slice(0, this.#next)]
    past.sort((a, b) => a.report.timestamp - b.report.timestamp)
    for (const { order, report } of past) if (rule.wants(order.account)) rule.past(copyOf(order), report)
  }

  #remember(past: PastReport): void {
    if (this.#past.length < REPORTS_MAX) {
      this.#past.push(past)
      return
    }
    this.#past[this.#next] = past
    this.#next = (this.#next + 1) % REPORTS_MAX
  }

  #account(account: number): PooledAccount {
    let known = this.#accounts.get(account)
    if (known === undefined) {
      known = { positions: new Map(), orders: new Set() }
      this.#accounts.set(account, known)
    }
    return known
  }

  #position(account: number, tickerIndex: number): PooledPosition {
    const { positions } = this.#account(account)
    let position = positions.get(tickerIndex)
    if (position === undefined) {
      position = { account, tickerIndex, currency: 0, inventory: emptyInventory() }
      positions.set(tickerIndex, position)
    }
    return position
  }
}

export function copyOf(order: OrderUnderRule): OrderUnderRule {
  return Object.assign(new OrderUnderRule(), order)
}

export function reportOf(status: OrderStatus, lastQty: Quantity, lastPx: Price, timestamp: number): ReportUnderRule {
  return Object.assign(new ReportUnderRule(), { status, lastQty, lastPx, timestamp })
}

/** What no two reports of an account have in common: each takes something from what its order had left, or ends it. */
function keyOf({ order, report }: PastReport): string {
  return `${order.orderId} ${order.leavesQty} ${report.status} ${report.lastQty}`
}
