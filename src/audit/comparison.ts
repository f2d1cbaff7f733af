// Compares stores with one another and with the journals: by a digest for each account and day, and, where digests
// differ, row by row. It is right while the server runs: each store is read in one state, and accounts are compared as
// far as two sources both reach (account-parts.ts).
//
//   ends of accounts → journals, twice: where they begin, their rows → rows of the stores → sums that differ → their rows
//
// Memory holds a page of rows of each store and a few numbers of each account; the rest is in temporary files.

import type { Definitions } from '../domain/definitions.ts'
import { listSegments } from '../journal/segment.ts'
import type { Row } from '../stores/readable-store.ts'
import { type AccountEnd, AccountParts } from './account-parts.ts'
import { DigestBook, type DigestSum, dayOf, startOfDay } from './digest-book.ts'
import { type IsSetAside, type JournalToScan, scanJournalAccounts, scanJournalRows } from './journal-scan.ts'
import { PAGE_ROWS, PagedRows } from './paged-rows.ts'
import { type BookedKey, RowBook } from './row-book.ts'
import type { StoreTables } from './store-tables.ts'
import { columnsSql, type RowTable, rowTables, submissionTable } from './table-rows.ts'

export interface ComparisonOptions {
  readonly stores: readonly StoreTables[]
  /** None where only the stores are compared. */
  readonly journals: readonly JournalToScan[]
  /** Tell venues and symbols of the journals' tickers apart. */
  readonly definitions: Definitions
  /** Only this account. */
  readonly account?: number | undefined
  /** Row differences that are told at most, and the days whose rows are looked at for them. */
  readonly rowsMax: number
  /** Sees the sums of every account and day, also where they agree. */
  readonly onDay?: (day: ComparedDay) => void
  /** Sees an account and a day on which sources differ. */
  readonly onDifference: (day: ComparedDay) => void
  readonly onRow: (difference: RowDifference) => void
  /** Rows read so far, of about so many. */
  readonly onProgress?: (done: number, total: number) => void
}

/** One account on one day in all sources that have all of it; several of a day where they reach differently far. */
export interface ComparedDay {
  readonly account: number
  /** Days since the epoch. */
  readonly day: number
  readonly sums: readonly {
    readonly source: string
    readonly orders: number
    readonly reports: number
    readonly words: Uint32Array
  }[]
}

/** A row that is not the same in all sources that should have it. */
export interface RowDifference {
  readonly table: string
  readonly account: number
  readonly orderId: number
  /** Of a report. */
  readonly sequence: number | undefined
  readonly missingIn: readonly string[]
  /** Columns that differ, with the value in each source that has the row. */
  readonly columns: readonly {
    readonly column: string
    readonly values: readonly { source: string; value: string }[]
  }[]
}

export interface ComparisonSummary {
  readonly sources: readonly string[]
  readonly accounts: number
  /** Of all sources, each counted once. */
  readonly orders: number
  readonly reports: number
  /** Pairs of account and day that differ. */
  readonly differentDays: number
  readonly differentRows: number
  /** True where more rows differ than were looked at. */
  readonly isCut: boolean
}

export const JOURNALS = 'journals'

/** Rows that are fetched from one source to tell what differs. */
const DETAIL_ROWS_MAX = 200_000
const DETAIL_DAYS_MAX = 10_000

/** @throws StoreUnavailable, JournalDamaged */
export async function compareSources(options: ComparisonOptions): Promise<ComparisonSummary> {
  const comparison = new Comparison(options)
  try {
    return await comparison.run()
  } finally {
    comparison.close()
  }
}

class Comparison {
  readonly #options: ComparisonOptions
  readonly #sources: readonly string[]
  readonly #parts: AccountParts
  #book = new DigestBook()
  #rowBook: RowBook | undefined
  #setAside: IsSetAside = () => false
  #rowsDone = 0
  #rowsTotal = 0

  constructor(options: ComparisonOptions) {
    const { stores, journals } = options
    this.#options = options
    this.#sources = [...stores.map(({ name }) => name), ...(journals.length > 0 ? [JOURNALS] : [])]
    this.#parts = new AccountParts(stores.length)
  }

  async run(): Promise<ComparisonSummary> {
    const { stores, journals } = this.#options
    await Promise.all(stores.map((tables, store) => this.#readEnds(tables, store)))
    if (journals.length > 0) {
      this.#setAside = await readSetAside(stores)
      await this.#sumJournals()
    }
    await Promise.all(stores.map((tables, store) => this.#sumStore(tables, store)))
    return await this.#compare()
  }

  close(): void {
    this.#book.close()
    this.#rowBook?.close()
  }

  async #readEnds(tables: StoreTables, store: number): Promise<void> {
    const ends = new PagedRows(last =>
      tables.view.rows(
        'SELECT account, order_sequence, report_sequence FROM account_sequences ' +
          `WHERE account > ? ${this.#only} ORDER BY account LIMIT ${PAGE_ROWS}`,
        [last === undefined ? -1 : last[0]!],
      ),
    )
    for (await ends.fill(); ends.row !== undefined; ends.needsPage && (await ends.fill())) {
      const [account, orderSequence, reportSequence] = ends.row.map(Number)
      this.#parts.setEnd(account!, store, { orderSequence: orderSequence!, reportSequence: reportSequence! })
      this.#rowsTotal += orderSequence! + reportSequence!
      ends.advance()
    }
  }

  /** Where segments were deleted between the two readings, what begins where is read again. */
  async #sumJournals(): Promise<void> {
    const { journals, definitions, account, stores } = this.#options
    for (;;) {
      const before = firstSegments(journals)
      const accounts = await scanJournalAccounts(journals, definitions)
      for (const [of, end] of accounts) if (account === undefined || account === of) this.#parts.setJournals(of, end)
      const page = this.#book.page(stores.length)
      await scanJournalRows(journals, definitions, this.#setAside, (table, row) => {
        if (account !== undefined && row[table.account] !== account) return
        page.add(table, row, this.#partOf(table, row))
      })
      page.finish()
      if (firstSegments(journals) === before) return
      this.#book.close()
      this.#book = new DigestBook()
    }
  }

  async #sumStore(tables: StoreTables, store: number): Promise<void> {
    const page = this.#book.page(store)
    for (const table of rowTables) {
      const rows = new PagedRows(last => this.#page(tables, table, last))
      for (await rows.fill(); rows.row !== undefined; rows.needsPage && (await rows.fill())) {
        page.add(table, rows.row, this.#partOf(table, rows.row))
        rows.advance()
        this.#rowsDone += 1
        if (rows.needsPage) this.#options.onProgress?.(this.#rowsDone, this.#rowsTotal)
      }
    }
    page.finish()
  }

  #page({ view }: StoreTables, table: RowTable, last: Row | undefined): Promise<readonly Row[]> {
    const key = table === submissionTable ? (['order_id'] as const) : (['order_id', 'sequence'] as const)
    let place = '1 = 1'
    if (last !== undefined) {
      const orderId = last[table.orderId] as number
      place =
        table.sequence === undefined
          ? `order_id > ${orderId}`
          : view.dialect.behind(['order_id', 'sequence'], [orderId, last[table.sequence] as number])
    }
    return view.rows(
      `SELECT ${columnsSql(table, view.dialect)} FROM ${table.name} WHERE ${place} ${this.#only} ` +
        `ORDER BY ${key.join(', ')} LIMIT ${PAGE_ROWS}`,
    )
  }

  get #only(): string {
    const { account } = this.#options
    return account === undefined ? '' : `AND account = ${account}`
  }

  #partOf(table: RowTable, row: Row): number {
    return this.#parts.partOf(row[table.account] as number, table.name, row[table.querySequence] as number)
  }

  /** The numbers of the sources that have all of a part; where none can have it, of those that have rows there. */
  #holders(account: number, part: number, withRows: readonly number[]): number[] {
    const { stores } = this.#options
    const holders = this.#sources.flatMap((_, source) => {
      const has =
        source < stores.length ? this.#parts.storeHas(account, part, source) : this.#parts.journalsHave(account, part)
      return has ? [source] : []
    })
    // Rows of a store behind the place where it says it ends, which the journals may always be.
    const beyond = withRows.filter(source => source < stores.length && !holders.includes(source))
    return [...holders, ...beyond]
  }

  async #compare(): Promise<ComparisonSummary> {
    const { onDay, onDifference } = this.#options
    const different = new Map<number, Map<number, Set<number>>>()
    const accounts = new Set<number>()
    let orders = 0
    let reports = 0
    let differentDays = 0
    for (const sums of grouped(this.#book.all())) {
      const { account, day, part } = sums[0]!
      accounts.add(account)
      orders += Math.max(...sums.map(sum => sum.orders))
      reports += Math.max(...sums.map(sum => sum.reports))
      const withRows = sums.map(({ source }) => source)
      const holders = this.#holders(account, part, withRows)
      const isBeyond = !this.#isWithin(account, part)
      if (holders.length < 2 && !(isBeyond && holders.length > 0)) continue
      const compared: ComparedDay = {
        account,
        day,
        sums: holders.map(source => {
          const sum = sums.find(candidate => candidate.source === source)
          const { orders, reports, words } = sum ?? { orders: 0, reports: 0, words: new Uint32Array(4) }
          return { source: this.#sources[source]!, orders, reports, words }
        }),
      }
      onDay?.(compared)
      const [first, ...others] = compared.sums
      if (!isBeyond && others.every(sum => isSame(sum, first!))) continue
      differentDays += 1
      onDifference(compared)
      if (differentDays > DETAIL_DAYS_MAX) continue
      const parts = different.get(account) ?? new Map<number, Set<number>>()
      different.set(account, parts)
      const days = parts.get(part) ?? new Set()
      parts.set(part, days)
      days.add(day)
    }
    const { count, isCut } = await this.#compareRows(different)
    return {
      sources: this.#sources,
      accounts: accounts.size,
      orders,
      reports,
      differentDays,
      differentRows: count,
      isCut: isCut || differentDays > DETAIL_DAYS_MAX,
    }
  }

  #isWithin(account: number, part: number): boolean {
    return this.#parts.rangeOf(account, part).to !== undefined
  }

  async #compareRows(different: ReadonlyMap<number, ReadonlyMap<number, ReadonlySet<number>>>) {
    const { stores, journals, definitions, rowsMax, onRow } = this.#options
    if (different.size === 0) return { count: 0, isCut: false }
    const rowBook = new RowBook()
    this.#rowBook = rowBook
    let isCut = false
    for (const [store, tables] of stores.entries()) {
      let left = DETAIL_ROWS_MAX
      for (const [account, parts] of different) {
        for (const [part, days] of parts) {
          const range = this.#parts.rangeOf(account, part)
          for (const table of rowTables) {
            if (left <= 0) isCut = true
            else left -= await this.#bookStoreRows(tables, store, table, account, part, range, days)
          }
        }
      }
    }
    if (journals.length > 0) {
      let left = DETAIL_ROWS_MAX
      await scanJournalRows(journals, definitions, this.#setAside, (table, row) => {
        const parts = different.get(row[table.account] as number)
        if (parts === undefined) return
        const part = this.#partOf(table, row)
        if (parts.get(part)?.has(dayOf(row[table.timestamp] as number | null)) !== true) return
        if (left > 0) rowBook.add(stores.length, table, row, part)
        else isCut = true
        left -= 1
      })
    }
    let count = 0
    for (const key of rowBook.keys()) {
      const difference = this.#differenceOf(key)
      if (difference === undefined) continue
      count += 1
      if (count <= rowsMax) onRow(difference)
    }
    return { count, isCut }
  }

  async #bookStoreRows(
    { view }: StoreTables,
    store: number,
    table: RowTable,
    account: number,
    part: number,
    range: { from: AccountEnd; to: AccountEnd | undefined },
    days: ReadonlySet<number>,
  ): Promise<number> {
    const column = table === submissionTable ? 'orderSequence' : 'reportSequence'
    const times = [startOfDay(Math.min(...days)), startOfDay(Math.max(...days) + 1)].map(time =>
      view.dialect.timeLiteral(time),
    )
    const within = times.every(time => time !== undefined)
      ? `AND timestamp >= ${times[0]} AND timestamp < ${times[1]}`
      : ''
    const until = range.to === undefined ? '' : `AND query_sequence <= ${range.to[column]}`
    let booked = 0
    let behind = range.from[column]
    for (;;) {
      const rows = await view.rows(
        `SELECT ${columnsSql(table, view.dialect)} FROM ${table.name} WHERE account = ${account} ` +
          `AND query_sequence > ${behind} ${until} ${within} ORDER BY query_sequence LIMIT ${PAGE_ROWS}`,
      )
      for (const row of rows) {
        if (!days.has(dayOf(row[table.timestamp] as number | null))) continue
        this.#rowBook?.add(store, table, row, part)
        booked += 1
      }
      if (rows.length < PAGE_ROWS || booked >= DETAIL_ROWS_MAX) return booked
      behind = rows.at(-1)![table.querySequence] as number
    }
  }

  #differenceOf({ table, orderId, sequence, rows }: BookedKey): RowDifference | undefined {
    const [first] = rows
    const holders = new Set(
      rows.flatMap(({ account, part }) =>
        this.#holders(
          account,
          part,
          rows.map(({ source }) => source),
        ),
      ),
    )
    const missingIn = [...holders].filter(source => !rows.some(row => row.source === source))
    const columns = table.columns.flatMap(({ name }, at) => {
      if (rows.every(row => row.values[at] === first!.values[at])) return []
      return [
        { column: name, values: rows.map(row => ({ source: this.#sources[row.source]!, value: row.values[at]! })) },
      ]
    })
    const isBeyond = rows.some(({ account, part }) => !this.#isWithin(account, part))
    if (missingIn.length === 0 && columns.length === 0 && !isBeyond) return undefined
    return {
      table: table.name,
      account: first!.account,
      orderId,
      sequence,
      missingIn: missingIn.map(source => this.#sources[source]!),
      columns,
    }
  }
}

function isSame(a: ComparedDay['sums'][number], b: ComparedDay['sums'][number]): boolean {
  return a.orders === b.orders && a.reports === b.reports && a.words.every((word, at) => word === b.words[at])
}

/** Sums of the same account, day and part together. */
function* grouped(sums: Iterable<DigestSum>): Generator<DigestSum[]> {
  let group: DigestSum[] = []
  for (const sum of sums) {
    const [first] = group
    if (first !== undefined && (first.account !== sum.account || first.day !== sum.day || first.part !== sum.part)) {
      yield group
      group = []
    }
    group.push(sum)
  }
  if (group.length > 0) yield group
}

function firstSegments(journals: readonly JournalToScan[]): string {
  return journals.map(({ directory }) => listSegments(directory)[0]?.firstSequence ?? 0).join(' ')
}

/** Entries that a store keeps beside its tables; there are hardly ever any. */
async function readSetAside(stores: readonly StoreTables[]): Promise<IsSetAside> {
  const entries = new Set<string>()
  for (const { view } of stores) {
    for (const [journal, sequence] of await view.rows('SELECT journal, sequence FROM set_aside')) {
      entries.add(`${journal} ${sequence}`)
    }
  }
  return (journal, sequence) => entries.has(`${journal} ${sequence}`)
}
