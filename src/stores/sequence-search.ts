// Finds times among rows that are ordered by sequence. Within an account times nearly rise with the sequence: a row may
// lie before an earlier one by at most the slack that account_sequences keeps. So a binary search over the sequence
// index comes to within the slack of the row that is meant, and the few rows around it decide.

/** A sequence with its value. */
export interface SequencedRow {
  readonly sequence: number
  readonly value: number
}

/** The rows of one account in one table, by their sequence. */
export interface SequencedRows {
  /** The last sequence to look at. */
  readonly end: number
  /** No row's value lies further than this below the value of an earlier row; 0 where values never fall. */
  readonly slack: number
  /** How many places to look at together. */
  readonly places: number
  /** For each of the sequences, which rise, the last row at or before it. */
  at(sequences: readonly number[]): Promise<readonly (SequencedRow | undefined)[]>
  /** The first sequence in [from, to] whose value is at least `value`. */
  scanAtLeast(from: number, to: number, value: number): Promise<number | undefined>
  /** The last sequence in [from, to] whose value is at most `value`. */
  scanAtMost(from: number, to: number, value: number): Promise<number | undefined>
}

/** The first sequence whose value is at least `value`; undefined where there is none. */
export async function firstAtLeast(rows: SequencedRows, value: number): Promise<number | undefined> {
  // Rows before `low` have values below value − slack, and so has everything before them less than value.
  const low = await boundary(rows, value - rows.slack)
  if (rows.slack === 0) return low > rows.end ? undefined : low
  return rows.scanAtLeast(low, Math.min(await boundary(rows, value), rows.end), value)
}

/** The last sequence whose value is at most `value`; undefined where there is none. Values are whole. */
export async function lastAtMost(rows: SequencedRows, value: number): Promise<number | undefined> {
  // A row whose value exceeds value + slack has nothing behind it that does not exceed value.
  const high = await boundary(rows, value + rows.slack + 1)
  if (rows.slack === 0) return (await rows.at([high - 1]))[0]?.sequence
  const [before] = await rows.at([(await boundary(rows, value + 1)) - 1])
  return rows.scanAtMost(before?.sequence ?? 1, high - 1, value)
}

/**
 * A sequence whose row has at least `value` while the row before it has less: the only one, where values rise. One
 * behind the end where the last row has less.
 */
async function boundary(rows: SequencedRows, value: number): Promise<number> {
  let low = 0
  let high = rows.end + 1
  while (high - low > 1) {
    const places = placesBetween(low, high, rows.places)
    const found = await rows.at(places)
    for (let i = 0; i < places.length; i++) {
      const row = found[i]
      if (row === undefined || row.sequence <= low || row.value < value) low = places[i]!
      else {
        high = row.sequence
        break
      }
    }
  }
  return high
}

/** At most `count` places that part what lies between `low` and `high` into parts of about the same size. */
function placesBetween(low: number, high: number, count: number): number[] {
  const between = high - low - 1
  if (between <= count) return Array.from({ length: between }, (_, i) => low + 1 + i)
  return Array.from({ length: count }, (_, i) => low + Math.floor(((i + 1) * (high - low)) / (count + 1)))
}
