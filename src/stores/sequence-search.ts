// Finds times among rows that are ordered by sequence. Within an account times nearly rise with the sequence: a row may
// lie before an earlier one by at most the slack that account_sequences keeps. So a binary search over the sequence
// index comes to within the slack of the row that is meant, and the few rows around it decide.

/** The rows of one account in one table, by their sequence. */
export interface SequencedRows {
  /** The last sequence to look at. */
  readonly end: number
  /** No row's value lies further than this below the value of an earlier row; 0 where values never fall. */
  readonly slack: number
  /** The last row at or before `sequence`. */
  at(sequence: number): { readonly sequence: number; readonly value: number } | undefined
  /** The first sequence in [from, to] whose value is at least `value`. */
  scanAtLeast(from: number, to: number, value: number): number | undefined
  /** The last sequence in [from, to] whose value is at most `value`. */
  scanAtMost(from: number, to: number, value: number): number | undefined
}

/** The first sequence whose value is at least `value`; undefined where there is none. */
export function firstAtLeast(rows: SequencedRows, value: number): number | undefined {
  // Rows before `low` have values below value − slack, and so has everything before them less than value.
  const low = boundary(rows, value - rows.slack)
  if (rows.slack === 0) return low > rows.end ? undefined : low
  return rows.scanAtLeast(low, Math.min(boundary(rows, value), rows.end), value)
}

/** The last sequence whose value is at most `value`; undefined where there is none. Values are whole. */
export function lastAtMost(rows: SequencedRows, value: number): number | undefined {
  // A row whose value exceeds value + slack has nothing behind it that does not exceed value.
  const high = boundary(rows, value + rows.slack + 1)
  if (rows.slack === 0) return rows.at(high - 1)?.sequence
  const low = rows.at(boundary(rows, value + 1) - 1)?.sequence ?? 1
  return rows.scanAtMost(low, high - 1, value)
}

/**
 * A sequence whose row has at least `value` while the row before it has less: the only one, where values rise. One
 * behind the end where the last row has less.
 */
function boundary(rows: SequencedRows, value: number): number {
  let low = 0
  let high = rows.end + 1
  while (high - low > 1) {
    const middle = low + Math.floor((high - low) / 2)
    const row = rows.at(middle)
    if (row === undefined || row.sequence <= low || row.value < value) low = middle
    else high = row.sequence
  }
  return high
}
