// What a store is to those who read it: readers, recovery, the audit. A view shows one state of the store, and answers
// statements of SQL. The tables of all stores have the same names and columns; where the stores differ in how they keep
// amounts and times, or in what their SQL needs to be told, a dialect has the words. So each question is written once.
//
// Rows come as lists with the columns in order, and mean the same whichever store they are from: amounts are whole
// micros, times µs since the epoch (UTC), texts strings, bytes Uint8Arrays. They get that in the statement, by `amount`
// and `time` of the dialect, and exactly: no value passes through a fraction on its way.
//
// A statement's rows are held whole, so whoever asks gives it a bound: a LIMIT, or a condition that few rows meet.

/** A value of a row, or a parameter. */
export type StoreValue = number | string | Uint8Array | null
/** A row whose columns are in the order in which they were asked for. */
export type Row = readonly StoreValue[]

/** Consecutive sequences of one account, both included. */
export interface SequenceRange {
  readonly account: number
  readonly first: number
  readonly last: number
}

/** What differs between the stores' SQL. All texts go into statements as they are. */
export interface Dialect {
  /** An amount, or a sum of amounts, as whole micros. */
  amount(expression: string): string
  /** A time as µs since the epoch. */
  time(expression: string): string
  /** A time as it is compared with columns; undefined for one that no column can hold. */
  timeLiteral(us: number): string | undefined
  /** What follows IN: a list of whole numbers, of which there may be none. Its parameters belong in its place. */
  list(values: readonly number[]): { readonly sql: string; readonly parameters: readonly StoreValue[] }
  /** The condition that a key of two whole numbers lies behind these values. */
  behind(columns: readonly [string, string], values: readonly [number, number]): string
  /** A join that reads the tables in the order in which they are written. */
  readonly join: string
  /** Places a search looks at in one statement: one where statements cost nothing by themselves, else many. */
  readonly searchPlaces: number
}

/** One state of a store. Statements may be handed over without waiting for those before. */
export interface StoreView {
  readonly dialect: Dialect

  /** All rows of a statement. @throws StoreUnavailable */
  rows(sql: string, parameters?: readonly StoreValue[]): Promise<readonly Row[]>

  /**
   * The rows of `select` whose columns account and query_sequence of `table` (its name in `select`) lie in one of the
   * ranges. `select` ends with WHERE or with AND. Ranges are in the order of accounts, then sequences, and so are the
   * rows of each range; the number of statements is bounded by that of the ranges.
   * @throws StoreUnavailable
   */
  rowsInRanges(select: string, table: string, ranges: readonly SequenceRange[]): Promise<readonly Row[]>
}

/** A view that somebody holds until it is closed. */
export interface HeldView extends StoreView {
  close(): Promise<void>
}

export interface ReadableStore {
  /** What the log calls it. */
  readonly name: string

  /** Begins a view of the present state. There is one at a time. @throws StoreUnavailable */
  view(): Promise<HeldView>

  /** Runs `work` in a view of its own. @throws StoreUnavailable, and what `work` throws */
  inView<Result>(work: (view: StoreView) => Promise<Result>): Promise<Result>

  close(): Promise<void>
}

/** Runs `work` in a view of its own, and closes it however that ends. */
export async function inViewOf<Result>(
  store: Pick<ReadableStore, 'view'>,
  work: (view: StoreView) => Promise<Result>,
): Promise<Result> {
  const view = await store.view()
  try {
    return await work(view)
  } finally {
    await view.close()
  }
}

/** The one row of a statement that has one at most. */
export async function rowOf(
  view: StoreView,
  sql: string,
  parameters: readonly StoreValue[] = [],
): Promise<Row | undefined> {
  return (await view.rows(sql, parameters))[0]
}
