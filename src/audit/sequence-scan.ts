// The sequences that the rows of each account carry, in their order, from the index that has them: which are missing,
// which are there more than once, and where each account ends compared with where the store says it stands.

import type { Row } from '../stores/readable-store.ts'
import { PAGE_ROWS, PagedRows } from './paged-rows.ts'
import { behind, type StoreTables, wholeColumn } from './store-tables.ts'

export type SequencedTable = 'submissions' | 'execution_reports'

/** One place in the numbering of an account that is not as it should be, or may not be. */
export type SequenceFacts =
  /** `occurrences` rows of the account have this sequence. */
  | { readonly kind: 'duplicate'; readonly account: number; readonly sequence: number; readonly occurrences: number }
  /** `missing` sequences from this one on are in no row. */
  | { readonly kind: 'gap'; readonly account: number; readonly sequence: number; readonly missing: number }
  /** The store says that the account ends at `stands`, though its rows end at `sequence`, which is later. */
  | { readonly kind: 'behind'; readonly account: number; readonly sequence: number; readonly stands: number }

/** Tells `found` what is out of the ordinary in `table`; only of `account`, where one is given. */
export async function scanSequences(
  tables: StoreTables,
  table: SequencedTable,
  account: number | undefined,
  found: (facts: SequenceFacts) => void,
): Promise<void> {
  const isOwn = tables.layout === 'own'
  const sequences = new PagedRows(last => sequencePage(tables, table, account, last))
  const ends = new PagedRows(last => (isOwn ? endPage(tables, table, account, last) : Promise.resolve([])))
  for (;;) {
    if (sequences.needsPage) await sequences.fill()
    if (ends.needsPage) await ends.fill()
    const current = Math.min(accountOf(sequences.row), accountOf(ends.row))
    if (current === Number.POSITIVE_INFINITY) return
    let last = 0
    while (accountOf(sequences.row) === current) {
      const sequence = Number(sequences.row![1])
      const occurrences = Number(sequences.row![2])
      if (sequence > last + 1) {
        found({ kind: 'gap', account: current, sequence: last + 1, missing: sequence - last - 1 })
      }
      if (occurrences > 1) found({ kind: 'duplicate', account: current, sequence, occurrences })
      last = sequence
      sequences.advance()
      if (sequences.needsPage) await sequences.fill()
    }
    const stands = accountOf(ends.row) === current ? Number(ends.row![1]) : 0
    if (accountOf(ends.row) === current) ends.advance()
    if (!isOwn || stands === last) continue
    if (stands > last) found({ kind: 'gap', account: current, sequence: last + 1, missing: stands - last })
    else found({ kind: 'behind', account: current, sequence: last, stands })
  }
}

function accountOf(row: Row | undefined): number {
  return row === undefined ? Number.POSITIVE_INFINITY : Number(row[0])
}

function sequencePage(
  tables: StoreTables,
  table: SequencedTable,
  account: number | undefined,
  last: Row | undefined,
): Promise<readonly Row[]> {
  const place = behind(tables, ['account', 'query_sequence'], last && [Number(last[0]), Number(last[1])])
  const only = onlyAccount(account)
  return tables.view.rows(
    `SELECT ${wholeColumn(tables, 'account')}, ${wholeColumn(tables, 'query_sequence')}, COUNT(*) FROM ${table} ` +
      `WHERE ${only} AND ${place} GROUP BY account, query_sequence ` +
      `ORDER BY account, query_sequence LIMIT ${PAGE_ROWS}`,
  )
}

function endPage(
  tables: StoreTables,
  table: SequencedTable,
  account: number | undefined,
  last: Row | undefined,
): Promise<readonly Row[]> {
  const column = table === 'submissions' ? 'order_sequence' : 'report_sequence'
  const only = onlyAccount(account)
  return tables.view.rows(
    `SELECT ${wholeColumn(tables, 'account')}, ${wholeColumn(tables, column)} FROM account_sequences ` +
      `WHERE ${only} AND account > ? ORDER BY account LIMIT ${PAGE_ROWS}`,
    [last === undefined ? -1 : Number(last[0])],
  )
}

function onlyAccount(account: number | undefined): string {
  return account === undefined ? '1 = 1' : `account = ${account}`
}
