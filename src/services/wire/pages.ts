// Bulk loads go page by page: the request ends with the key of the last row seen and the most rows wanted, the answer
// holds the rows that follow in ascending order and whether there are more. No state is kept between two pages; what
// changes meanwhile reaches the client as a push.

import type { Value } from '../../protocol/msgpack.ts'
import { type Elements, flagAt, rowsAt, unsignedAt } from './elements.ts'
import type { Request } from './reconnecting-client.ts'

/** Rows of one page; with at most 200 bytes each a page stays within the limit of a frame. */
export const PAGE_ROWS_MAX = 5_000

/** A page of rows in ascending order. */
export interface Page<Row> {
  readonly rows: readonly Row[]
  /** Whether further rows follow. */
  readonly more: boolean
}

/** Cuts what was read with one row too many into a page. */
export function pageOf<Row>(rows: readonly Row[], rowsMax: number): Page<Row> {
  return { rows: rows.slice(0, rowsMax), more: rows.length > rowsMax }
}

/** How many rows the request asks for. */
export function pageRowsAt(message: Elements, index: number): number {
  return Math.min(PAGE_ROWS_MAX, Math.max(1, unsignedAt(message, index, PAGE_ROWS_MAX)))
}

export function pageToWire<Row>(page: Page<Row>, toWire: (row: Row) => Value[]): readonly Value[] {
  return [page.rows.map(toWire), page.more ? 1 : 0]
}

/**
 * Loads all pages, one after the other.
 * @param options.first elements that stand before the key in every request.
 * @param options.after the key before every row.
 * @param options.keyOf the key of a row.
 */
export async function loadPages(
  request: Request,
  kind: number,
  options: {
    first?: readonly Value[]
    after: readonly number[]
    keyOf: (row: Elements) => readonly Value[]
    take: (row: Elements) => void
  },
): Promise<void> {
  let after: readonly Value[] = options.after
  for (;;) {
    const answer = await request(kind, [...(options.first ?? []), ...after, PAGE_ROWS_MAX])
    const rows = rowsAt(answer, 2)
    for (const row of rows) options.take(row)
    if (!flagAt(answer, 3) || rows.length === 0) return
    after = options.keyOf(rows[rows.length - 1]!)
  }
}
