// The reports of some orders out of a store, read ahead for several orders at once: few statements, each with a bounded
// number of rows, however many orders there are and however many reports one of them has.

import { ReportColumn, reportsOf } from './event-rows.ts'
import type { Row, StoreView } from './readable-store.ts'

/** Orders and rows of one statement. */
const ORDERS_MAX = 256
const ROWS_MAX = 4096

export class StoredReports {
  readonly #view: StoreView
  readonly #cut: number
  /** Orders whose reports are not all here, by rising id; of the first some may be. */
  readonly #waiting: number[]
  readonly #rows = new Map<number, Row[]>()

  /** @param cut reports with a later query sequence are left out. */
  constructor(view: StoreView, orderIds: readonly number[], cut: number) {
    this.#view = view
    this.#cut = cut
    this.#waiting = orderIds.toSorted((a, b) => a - b)
  }

  /** The reports of one of the orders but for its acceptance, in order; once. */
  async of(orderId: number): Promise<readonly Row[]> {
    while (this.#waiting.length > 0 && orderId >= this.#waiting[0]!) await this.#readOn()
    const rows = this.#rows.get(orderId) ?? []
    this.#rows.delete(orderId)
    return rows
  }

  async #readOn(): Promise<void> {
    const { dialect } = this.#view
    const ids = this.#waiting.slice(0, ORDERS_MAX)
    const begun = this.#rows.get(ids[0]!)?.at(-1)
    const list = dialect.list(begun === undefined ? ids : ids.slice(1))
    const chosen =
      begun === undefined
        ? `r.order_id IN ${list.sql}`
        : `((r.order_id = ${ids[0]} AND r.sequence > ${begun[ReportColumn.sequence]}) OR r.order_id IN ${list.sql})`
    const rows = await this.#view.rows(
      `SELECT ${reportsOf(dialect)} FROM execution_reports r ` +
        `WHERE ${chosen} AND r.sequence > 0 AND r.query_sequence <= ? ` +
        'ORDER BY r.order_id, r.sequence LIMIT ?',
      [...list.parameters, this.#cut, ROWS_MAX],
    )
    for (const row of rows) {
      const orderId = row[ReportColumn.orderId] as number
      const ofOrder = this.#rows.get(orderId)
      if (ofOrder === undefined) this.#rows.set(orderId, [row])
      else ofOrder.push(row)
    }
    const whole = rows.length < ROWS_MAX ? ids.length : ids.indexOf(rows.at(-1)![ReportColumn.orderId] as number)
    this.#waiting.splice(0, whole)
  }
}
