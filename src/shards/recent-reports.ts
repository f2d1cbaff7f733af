// The last fills and ends of orders in this shard, for rules that come late and judge by what happened a short while ago.
// A ring: so many are remembered, and the oldest is forgotten for the newest.

import type { ReportUnderRule } from '../compliance/rule.ts'
import type { OrderStatus } from '../domain/order-status.ts'
import type { OrderTable } from './order-table.ts'

/** Some seconds of a busy shard, hours of a quiet one. */
const REPORTS_MAX = 1 << 16

export class RecentReports {
  readonly orderId = new Float64Array(REPORTS_MAX)
  readonly accountRow = new Int32Array(REPORTS_MAX)
  readonly listing = new Int32Array(REPORTS_MAX)
  readonly currency = new Uint16Array(REPORTS_MAX)
  readonly side = new Int8Array(REPORTS_MAX)
  readonly type = new Int8Array(REPORTS_MAX)
  readonly quantity = new Float64Array(REPORTS_MAX)
  readonly price = new Float64Array(REPORTS_MAX)
  /** Before the report. */
  readonly leavesQty = new Float64Array(REPORTS_MAX)
  readonly #status = new Int8Array(REPORTS_MAX)
  readonly #lastQty = new Float64Array(REPORTS_MAX)
  readonly #lastPx = new Float64Array(REPORTS_MAX)
  readonly #timestamp = new Float64Array(REPORTS_MAX)
  #count = 0
  /** Places of the reports of each account, by its row, oldest first; until there is another report. */
  #byRow: Map<number, number[]> | undefined

  /** Remembers a report on the order in `slot`, before it is counted there. */
  add(orders: OrderTable, slot: number, { status, lastQty, lastPx, timestamp }: ReportUnderRule): void {
    const at = this.#count++ % REPORTS_MAX
    this.#byRow = undefined
    this.orderId[at] = orders.orderId[slot]
    this.accountRow[at] = orders.accountRow[slot]
    this.listing[at] = orders.listing[slot]
    this.currency[at] = orders.currency[slot]
    this.side[at] = orders.side[slot]
    this.type[at] = orders.type[slot]
    this.quantity[at] = orders.quantity[slot]
    this.price[at] = orders.price[slot]
    this.leavesQty[at] = Math.max(0, orders.quantity[slot] - orders.cumQty[slot])
    this.#status[at] = status
    this.#lastQty[at] = lastQty
    this.#lastPx[at] = lastPx
    this.#timestamp[at] = timestamp
  }

  /** Calls `take` with the place of each report, oldest first; `report` is filled in with it. */
  each(report: ReportUnderRule, take: (at: number) => void): void {
    for (let number = Math.max(0, this.#count - REPORTS_MAX); number < this.#count; number++) {
      const at = number % REPORTS_MAX
      this.#fill(report, at)
      take(at)
    }
  }

  /** The same for the reports of one account. Many accounts are asked about one after the other. */
  eachOf(row: number, report: ReportUnderRule, take: (at: number) => void): void {
    if (this.#byRow === undefined) {
      const byRow = new Map<number, number[]>()
      for (let number = Math.max(0, this.#count - REPORTS_MAX); number < this.#count; number++) {
        const at = number % REPORTS_MAX
        const places = byRow.get(this.accountRow[at])
        if (places === undefined) byRow.set(this.accountRow[at], [at])
        else places.push(at)
      }
      this.#byRow = byRow
    }
    for (const at of this.#byRow.get(row) ?? []) {
      this.#fill(report, at)
      take(at)
    }
  }

  #fill(report: ReportUnderRule, at: number): void {
    report.status = this.#status[at] as OrderStatus
    report.lastQty = this.#lastQty[at]
    report.lastPx = this.#lastPx[at]
    report.timestamp = this.#timestamp[at]
  }
}
