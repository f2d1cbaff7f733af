// Answers queries of one account, exactly as of one of its report sequences: the cut. Rows come from the store; what the
// store does not have yet comes from the account's journal; what it has beyond the cut is left out. So an answer does
// not depend on how far the writer is, and live reports follow from the sequence after the cut.
//
//   range, limit ─→ first and last sequence ─→ orders or reports in order: store, then tail ─→ frames, page by page
//
// A page is answered within one read transaction. The pages of one query need not be answered by the same thread or at
// the same time: what lies before the cut does not change, and the continuation says where the next page begins.

import { type Database, openDatabaseToRead, type SqlValue, type Statement } from '../base/sqlite.ts'
import type { Definitions } from '../domain/definitions.ts'
import { isTerminal, type OrderStatus } from '../domain/order-status.ts'
import { readTicker } from '../domain/tickers.ts'
import { JournalTrimmed } from '../journal/journal-errors.ts'
import { JournalReader } from '../journal/journal-reader.ts'
import { FRAME_HEADER_BYTES } from '../protocol/frames.ts'
import { Kind, LimitKind, RangePoint } from '../protocol/kinds.ts'
import { MessageReader } from '../protocol/message-reader.ts'
import { MessageWriter } from '../protocol/message-writer.ts'
import { accountAt, EventOffset } from '../protocol/order-events.ts'
import { type AccountTail, AccountTails, type JournalToRead, type TailEvent } from './account-tails.ts'
import {
  EventRows,
  getRow,
  iterateRows,
  prepareRows,
  REPORT_COLUMN_COUNT,
  REPORT_COLUMNS,
  ReportColumn,
  type Row,
  SUBMISSION_COLUMN_COUNT,
  SUBMISSION_COLUMNS,
  SubmissionColumn,
} from './event-rows.ts'
import {
  demandedOrderIds,
  demandsLive,
  type FilterableOrder,
  filterCondition,
  type OrderFilter,
  parseOrderFilter,
  passes,
} from './order-filter.ts'
import { firstAtLeast, lastAtMost, type SequencedRows } from './sequence-search.ts'

/** Where a range begins or ends: a sequence (0 is before the first), a `RangePoint`, or [µs since the epoch]. */
export type Point = number | readonly [timestamp: number]

/** What all queries have in common. Plain data. */
export interface AccountQuery {
  /** Goes into each record of the answer. */
  readonly requestId: number
  readonly account: number
  /** The answer shows the account as it was right after this report sequence; 0 where it has no report. */
  readonly cutReportSequence: number
  /** The journal of the account's shard. */
  readonly journal: JournalToRead
}

export interface RangeQuery extends AccountQuery {
  /** First and last point, both included. `Last` and `Present` as an end mean the cut; as a start, nothing at all. */
  readonly start: Point
  readonly end: Point
  readonly limitKind: LimitKind
  readonly limitSize: number
  /** A page ends with the record that reaches this size. */
  readonly pageBytes: number
  /** From the page before; absent for the first page. */
  readonly continuation?: Continuation | undefined
}

export interface OrdersQuery extends RangeQuery {
  /** As a client sent it; nil for none. */
  readonly filter?: unknown
}

export interface ReportsQuery extends RangeQuery {
  /** `records` for answers to a query; `events`: the very frames that subscribers got, with request id 0. */
  readonly form: 'records' | 'events'
}

export interface OrderQuery extends AccountQuery {
  readonly orderId: number
}

/** Where the next page begins; plain data. */
export interface Continuation {
  readonly nextSequence: number
  readonly endSequence: number
  /** Records still allowed by the limit. */
  readonly left: number
}

export interface Page {
  /** Whole frames, back to back. */
  readonly frames: Uint8Array
  /** Records in the frames. */
  readonly count: number
  /** Absent where this is the last page. */
  readonly continuation: Continuation | undefined
  /** The account's last order sequence at the cut. */
  readonly lastOrderSequence: number
}

export interface StoreReaderOptions {
  readonly storeFile: string
  readonly definitions: Definitions
  /** Most memory for events that the store does not have yet, in bytes. */
  readonly tailBytesMax: number
}

/** Bound of the buffers, far above any page: reaching it is a defect. */
const BUFFER_BYTES_MAX = 1 << 30
/** How often a page begins again because the store moved on and the journal's segment was deleted meanwhile. */
const ATTEMPTS_MAX = 5
const NOTHING: Continuation = { nextSequence: 1, endSequence: 0, left: 0 }

/** The account as one page sees it. */
interface AccountView {
  readonly account: number
  readonly cut: number
  /** Last sequences that the store has and that do not lie beyond the cut. */
  readonly storedOrderSequence: number
  readonly storedReportSequence: number
  /** See account_sequences. */
  readonly orderTimestampSlack: number
  readonly reportTimestampSlack: number
  /** Absent where the store reaches the cut. */
  readonly tail: AccountTail | undefined
  /** Events of the tail up to the cut, and those among them that accept an order. */
  readonly events: readonly TailEvent[]
  readonly acceptances: readonly TailEvent[]
}

/** One order of an answer: from a row of the store, or from the tail. */
interface FoundOrder extends FilterableOrder {
  readonly orderSequence: number
  /** Columns of the submission, then the report sequence of its acceptance. */
  readonly row: Row | undefined
  readonly event: TailEvent | undefined
}

export class StoreReader {
  readonly #database: Database
  readonly #definitions: Definitions
  readonly #tails: AccountTails
  readonly #eventRows: EventRows
  readonly #statements: ReturnType<typeof prepareStatements>
  readonly #page = new MessageWriter(1 << 20, BUFFER_BYTES_MAX)
  readonly #nested = new MessageWriter(1 << 12, BUFFER_BYTES_MAX)
  readonly #element = new MessageReader()

  constructor(options: StoreReaderOptions) {
    this.#database = openDatabaseToRead(options.storeFile)
    this.#definitions = options.definitions
    this.#tails = new AccountTails(options.tailBytesMax)
    this.#eventRows = new EventRows(options.definitions)
    this.#statements = prepareStatements(this.#database)
  }

  close(): void {
    this.#tails.close()
    this.#database.close()
  }

  /**
   * One page of OrderRecord frames, in the order of the account's order sequence.
   * @throws InvalidFilter, StoreUnavailable, JournalDamaged
   */
  orders(query: OrdersQuery): Page {
    const filter = parseOrderFilter(query.filter)
    return this.#inView(query, view => {
      const lastOrderSequence = this.#lastOrderSequence(view)
      const { nextSequence, endSequence, left } = query.continuation ?? this.#orderRange(view, query, filter)
      let count = 0
      let last = 0
      if (left > 0) {
        for (const order of this.#findOrders(view, filter, nextSequence, endSequence, false)) {
          this.#writeOrder(view, query.requestId, order)
          count += 1
          last = order.orderSequence
          if (count === left || this.#page.position >= query.pageBytes) break
        }
      }
      return this.#takePage(
        query,
        { nextSequence: last + 1, endSequence, left: left - count },
        count,
        lastOrderSequence,
      )
    })
  }

  /**
   * One page of reports, acceptances among them, in the order of the account's report sequence.
   * @throws StoreUnavailable, JournalDamaged
   */
  reports(query: ReportsQuery): Page {
    return this.#inView(query, view => {
      const lastOrderSequence = this.#lastOrderSequence(view)
      const { nextSequence, endSequence, left } = query.continuation ?? this.#reportRange(view, query)
      let count = 0
      let last = 0
      if (left > 0) {
        const isRecord = query.form === 'records'
        const storedEnd = Math.min(endSequence, view.storedReportSequence)
        const rows = iterateRows(this.#statements.reports, view.account, nextSequence, storedEnd)
        for (const row of rows) {
          this.#encodeEvent(row)
          this.#writeEvent(view, isRecord ? query.requestId : undefined, this.#nested.bytes, this.#nested.position)
          count += 1
          last = row[ReportColumn.reportSequence] as number
          if (count === left || this.#page.position >= query.pageBytes) break
        }
        for (let i = firstIndex(view.events, event => event.reportSequence >= nextSequence); ; i++) {
          const event = view.events[i]
          if (event === undefined || event.reportSequence > endSequence) break
          if (count === left || this.#page.position >= query.pageBytes) break
          this.#writeTailEvent(view, isRecord ? query.requestId : undefined, event)
          count += 1
          last = event.reportSequence
        }
      }
      return this.#takePage(
        query,
        { nextSequence: last + 1, endSequence, left: left - count },
        count,
        lastOrderSequence,
      )
    })
  }

  /** One OrderRecord frame, or none where the account has no such order at the cut. @throws as `orders` */
  order(query: OrderQuery): Page {
    const { orderId } = query
    return this.orders({
      ...query,
      start: RangePoint.First,
      end: RangePoint.Present,
      limitKind: LimitKind.Head,
      limitSize: 1,
      filter: ['=', 'order_id', orderId],
      pageBytes: 1,
    })
  }

  /** Whose order this is, or undefined where neither the store nor the journals have it. @throws JournalDamaged */
  accountOf(orderId: number, journals: readonly JournalToRead[]): number | undefined {
    for (let attempt = 1; ; attempt++) {
      const row = getRow(this.#statements.accountOf, orderId)
      if (row !== undefined) return row[0] as number
      try {
        for (const journal of journals) {
          const account = this.#accountInJournal(orderId, journal)
          if (account !== undefined) return account
        }
        return undefined
      } catch (error) {
        if (!(error instanceof JournalTrimmed) || attempt === ATTEMPTS_MAX) throw error
      }
    }
  }

  #accountInJournal(orderId: number, journal: JournalToRead): number | undefined {
    const reader = JournalReader.open(journal.directory, this.#position(journal) + 1)
    let account: number | undefined
    try {
      while (account === undefined && reader.nextSequence < journal.untilSequence) {
        reader.read(
          (_, bytes, offset, length) => {
            if (bytes[offset + EventOffset.kind] !== Kind.OrderAccepted) return
            this.#element.start(bytes, offset + EventOffset.reportSequence + 8, offset + length)
            if (this.#element.integer() === orderId) account = accountAt(bytes, offset)
          },
          { entriesMax: 1024, untilSequence: journal.untilSequence },
        )
      }
    } finally {
      reader.close()
    }
    return account
  }

  /** Runs `answer` on the account as of the cut; again where the store moved on before the journal was read. */
  #inView(query: AccountQuery, answer: (view: AccountView) => Page): Page {
    for (let attempt = 1; ; attempt++) {
      this.#page.position = 0
      this.#database.exec('BEGIN')
      try {
        return answer(this.#view(query))
      } catch (error) {
        if (!(error instanceof JournalTrimmed) || attempt === ATTEMPTS_MAX) throw error
      } finally {
        this.#database.exec('COMMIT')
      }
    }
  }

  #view({ account, cutReportSequence: cut, journal }: AccountQuery): AccountView {
    const row = getRow(this.#statements.sequences, account)
    const orderSequence = (row?.[0] ?? 0) as number
    const reportSequence = (row?.[1] ?? 0) as number
    const stored = {
      account,
      cut,
      storedOrderSequence: orderSequence,
      storedReportSequence: Math.min(reportSequence, cut),
      orderTimestampSlack: (row?.[2] ?? 0) as number,
      reportTimestampSlack: (row?.[3] ?? 0) as number,
    }
    if (reportSequence < cut) {
      const tail = this.#tails.get(journal, account, this.#position(journal), reportSequence, cut)
      const events = tail.events.slice(
        0,
        firstIndex(tail.events, event => event.reportSequence > cut),
      )
      return { ...stored, tail, events, acceptances: events.filter(event => event.accepted !== undefined) }
    }
    if (reportSequence > cut) {
      // Orders are accepted in the order of both sequences, so those beyond the cut are the last ones.
      const acceptances = this.#rowsOf(this.#statements.acceptances, account, orderSequence, 0)
      stored.storedOrderSequence = lastAtMost(acceptances, cut) ?? 0
    }
    return { ...stored, tail: undefined, events: [], acceptances: [] }
  }

  #position(journal: JournalToRead): number {
    return (getRow(this.#statements.position, journal.name)?.[0] ?? 0) as number
  }

  #lastOrderSequence(view: AccountView): number {
    return view.acceptances.at(-1)?.accepted?.orderSequence ?? view.storedOrderSequence
  }

  /** The sequences a query of orders is about, and how many of them at most. */
  #orderRange(view: AccountView, query: OrdersQuery, filter: OrderFilter | undefined): Continuation {
    const { account, storedOrderSequence, orderTimestampSlack, acceptances } = view
    const rows = this.#rowsOf(this.#statements.orderTimes, account, storedOrderSequence, orderTimestampSlack)
    const sequenceOf = (event: TailEvent) => event.accepted!.orderSequence
    const range = this.#range(query, rows, acceptances, sequenceOf, this.#lastOrderSequence(view))
    if (range === NOTHING || query.limitKind !== LimitKind.Tail) return range
    const { nextSequence, endSequence, left } = range
    return tailRange(
      range,
      (function* (orders) {
        for (const order of orders) yield order.orderSequence
      })(this.#findOrders(view, filter, nextSequence, endSequence, true)),
      left,
    )
  }

  /** The sequences a query of reports is about, and how many of them at most. */
  #reportRange(view: AccountView, query: ReportsQuery): Continuation {
    const { account, storedReportSequence, reportTimestampSlack, events } = view
    const rows = this.#rowsOf(this.#statements.reportTimes, account, storedReportSequence, reportTimestampSlack)
    const range = this.#range(query, rows, events, event => event.reportSequence, view.cut)
    if (range === NOTHING || query.limitKind !== LimitKind.Tail) return range
    return tailRange(range, this.#reportSequencesDown(view, range.nextSequence, range.endSequence), range.left)
  }

  *#reportSequencesDown(view: AccountView, from: number, to: number): Generator<number> {
    for (const { reportSequence } of view.events.toReversed()) {
      if (reportSequence >= from && reportSequence <= to) yield reportSequence
    }
    const storedEnd = Math.min(to, view.storedReportSequence)
    for (const row of iterateRows(this.#statements.reportSequencesDown, view.account, from, storedEnd)) {
      yield row[0] as number
    }
  }

  /** Turns points into sequences. Stored rows come before the events of the tail. */
  #range(
    { start, end, limitKind, limitSize }: RangeQuery,
    stored: SequencedRows,
    tail: readonly TailEvent[],
    sequenceOf: (event: TailEvent) => number,
    lastSequence: number,
  ): Continuation {
    if (limitKind === LimitKind.None) return NOTHING
    const left = limitKind === LimitKind.Unlimited ? Number.MAX_SAFE_INTEGER : limitSize
    if (start === RangePoint.Last || start === RangePoint.Present || left === 0) return NOTHING
    const endsAtCut = end === RangePoint.Last || end === RangePoint.Present
    const nextSequence = typeof start === 'number' ? Math.max(start, 1) : startAt(start[0])
    const endSequence = typeof end !== 'number' ? endAt(end[0]) : endsAtCut ? lastSequence : Math.min(end, lastSequence)
    if (nextSequence === undefined || endSequence === undefined || nextSequence > endSequence) return NOTHING
    return { nextSequence, endSequence, left }

    function startAt(timestamp: number): number | undefined {
      const found = firstAtLeast(stored, timestamp)
      if (found !== undefined) return found
      const event = tail.find(event => event.timestamp >= timestamp)
      return event && sequenceOf(event)
    }
    function endAt(timestamp: number): number | undefined {
      const event = tail.findLast(event => event.timestamp <= timestamp)
      return event === undefined ? lastAtMost(stored, timestamp) : sequenceOf(event)
    }
  }

  /** Searches through the sequence index of one account. */
  #rowsOf(statements: SearchStatements, account: number, end: number, slack: number): SequencedRows {
    return {
      end,
      slack,
      at: sequence => {
        const row = getRow(statements.at, account, sequence)
        return row && { sequence: row[0] as number, value: row[1] as number }
      },
      scanAtLeast: (from, to, value) =>
        getRow(statements.scanAtLeast, account, from, to, value)?.[0] as number | undefined,
      scanAtMost: (from, to, value) =>
        getRow(statements.scanAtMost, account, from, to, value)?.[0] as number | undefined,
    }
  }

  /** The orders with sequences from `from` to `to` that pass the filter, ascending or descending. */
  *#findOrders(
    view: AccountView,
    filter: OrderFilter | undefined,
    from: number,
    to: number,
    isDescending: boolean,
  ): Generator<FoundOrder> {
    if (!isDescending) yield* this.#findStored(view, filter, from, to, isDescending)
    const { acceptances } = view
    for (let i = 0; i < acceptances.length; i++) {
      const order = this.#orderOfEvent(view, acceptances[isDescending ? acceptances.length - 1 - i : i]!)
      if (order.orderSequence >= from && order.orderSequence <= to && passes(filter, order)) yield order
    }
    if (isDescending) yield* this.#findStored(view, filter, from, to, isDescending)
  }

  *#findStored(
    view: AccountView,
    filter: OrderFilter | undefined,
    from: number,
    to: number,
    isDescending: boolean,
  ): Generator<FoundOrder> {
    const storedEnd = Math.min(to, view.storedOrderSequence)
    if (from > storedEnd) return
    const { account, cut } = view
    const condition = filterCondition(filter)
    // Few orders are live, or named by id, so those are looked at one by one; all others by the sequence index.
    const orderIds = demandedOrderIds(filter)
    let source = 's.account = ? AND s.query_sequence BETWEEN ? AND ?'
    const parameters: SqlValue[] = [account, from, storedEnd]
    if (orderIds !== undefined) {
      source = '+s.account = ? AND +s.query_sequence BETWEEN ? AND ? AND s.order_id IN (SELECT value FROM json_each(?))'
      parameters.push(JSON.stringify([...orderIds]))
    } else if (demandsLive(filter)) {
      // Live at the cut is what is live now, and what has changed since the cut and may have ended by that.
      source =
        '+s.account = ? AND +s.query_sequence BETWEEN ? AND ? AND s.order_id IN (' +
        'SELECT order_id FROM live_orders WHERE account = ? UNION ' +
        'SELECT order_id FROM execution_reports WHERE account = ? AND query_sequence > ?)'
      parameters.push(account, account, cut)
    }
    const statement = this.#statement(
      `SELECT ${SUBMISSION_COLUMNS}, r.query_sequence FROM submissions s ` +
        'CROSS JOIN execution_reports r ON r.order_id = s.order_id AND r.sequence = 0 ' +
        `WHERE ${source} AND ${condition.sql} ORDER BY s.query_sequence ${isDescending ? 'DESC' : 'ASC'}`,
    )
    for (const row of iterateRows(statement, ...parameters, ...condition.parameters)) {
      const order = this.#orderOfRow(view, row)
      if (passes(filter, order)) yield order
    }
  }

  readonly #prepared = new Map<string, Statement>()

  /** Prepared statements for the conditions that come again. */
  #statement(sql: string): Statement {
    let statement = this.#prepared.get(sql)
    if (statement === undefined) {
      if (this.#prepared.size >= PREPARED_MAX) this.#prepared.clear()
      statement = prepareRows(this.#database, sql)
      this.#prepared.set(sql, statement)
    }
    return statement
  }

  #orderOfRow(view: AccountView, row: Row): FoundOrder {
    const orderId = row[SubmissionColumn.orderId] as number
    const isLive = () => this.#isLive(view, orderId)
    return {
      row,
      event: undefined,
      orderId,
      orderSequence: row[SubmissionColumn.orderSequence] as number,
      timestamp: row[SubmissionColumn.timestamp] as number,
      shortFlag: row[SubmissionColumn.shortFlag] === 1,
      symbol: row[SubmissionColumn.symbol] as string,
      venue: row[SubmissionColumn.venue] as string,
      get isLive() {
        return isLive()
      },
    }
  }

  #orderOfEvent(view: AccountView, event: TailEvent): FoundOrder {
    const accepted = event.accepted!
    const ticker = readTicker(accepted.ticker, this.#definitions)
    const { orderId, orderSequence, timestamp, shortFlag } = accepted
    const isLive = !hasEnded(view, orderId)
    return { row: undefined, event, orderId, orderSequence, timestamp, shortFlag, isLive, ...ticker }
  }

  /** Whether a stored order has no terminal report up to the cut. */
  #isLive(view: AccountView, orderId: number): boolean {
    const status = getRow(this.#statements.lastStatus, orderId, view.cut)?.[0]
    return !isTerminal(status as OrderStatus) && !hasEnded(view, orderId)
  }

  #writeOrder(view: AccountView, requestId: number, { row, event, orderId }: FoundOrder): void {
    const page = this.#page
    const nested = this.#nested
    page.beginFrame()
    page.head(ORDER_RECORD_ELEMENTS, Kind.OrderRecord, requestId, view.account)
    const stored = row === undefined ? [] : [...iterateRows(this.#statements.reportsOfOrder, orderId, view.cut)]
    const inTail = view.tail?.ofOrder(orderId).filter(e => e !== event && e.reportSequence <= view.cut) ?? []
    if (row !== undefined) {
      nested.position = 0
      this.#eventRows.encodeAccepted(nested, row, 0, row[SUBMISSION_COLUMN_COUNT] as number)
      page.rawBytes(nested.bytes, FRAME_HEADER_BYTES, nested.position)
    } else if (event !== undefined) page.rawBytes(event.body, 0, event.body.length)
    page.arrayHeader(stored.length + inTail.length)
    for (const report of stored) {
      nested.position = 0
      this.#eventRows.encodeReport(nested, report, 0)
      page.rawBytes(nested.bytes, FRAME_HEADER_BYTES, nested.position)
    }
    for (const { body } of inTail) page.rawBytes(body, 0, body.length)
    page.endFrame()
  }

  /** Encodes the report of a row, or the acceptance where it is report 0, as a frame of `#nested`. */
  #encodeEvent(row: Row): void {
    this.#nested.position = 0
    // A report 0 without submission is damage, which the audit finds; it is shown as the report it is.
    const isAcceptance =
      row[ReportColumn.sequence] === 0 && row[REPORT_COLUMN_COUNT + SubmissionColumn.orderId] !== null
    if (!isAcceptance) this.#eventRows.encodeReport(this.#nested, row, 0)
    else {
      const reportSequence = row[ReportColumn.reportSequence] as number
      this.#eventRows.encodeAccepted(this.#nested, row, REPORT_COLUMN_COUNT, reportSequence)
    }
  }

  /** Writes the event whose frame is [0, end) of `frame`: as a ReportRecord, or as it is where there is no request. */
  #writeEvent(view: AccountView, requestId: number | undefined, frame: Uint8Array, end: number): void {
    const page = this.#page
    page.beginFrame()
    if (requestId !== undefined) page.head(REPORT_RECORD_ELEMENTS, Kind.ReportRecord, requestId, view.account)
    page.rawBytes(frame, FRAME_HEADER_BYTES, end)
    page.endFrame()
  }

  #writeTailEvent(view: AccountView, requestId: number | undefined, { body }: TailEvent): void {
    const page = this.#page
    page.beginFrame()
    if (requestId !== undefined) page.head(REPORT_RECORD_ELEMENTS, Kind.ReportRecord, requestId, view.account)
    page.rawBytes(body, 0, body.length)
    page.endFrame()
  }

  #takePage({ pageBytes }: RangeQuery, rest: Continuation, count: number, lastOrderSequence: number): Page {
    const isWhole = rest.left === 0 || rest.nextSequence > rest.endSequence || this.#page.position < pageBytes
    const frames = this.#page.bytes.slice(0, this.#page.position)
    return { frames, count, continuation: isWhole ? undefined : rest, lastOrderSequence }
  }
}

/** Kind, request id, account, acceptance, reports. */
const ORDER_RECORD_ELEMENTS = 5
/** Kind, request id, account, event. */
const REPORT_RECORD_ELEMENTS = 4
/** Statements kept for conditions of filters. */
const PREPARED_MAX = 64

/** Whether an event of the tail ends the order. */
function hasEnded(view: AccountView, orderId: number): boolean {
  return view.tail?.ofOrder(orderId).some(event => event.isLast && event.reportSequence <= view.cut) ?? false
}

/** The last `count` sequences of a range, found from its end. */
function tailRange(range: Continuation, descending: Iterable<number>, count: number): Continuation {
  let found = 0
  let nextSequence = 0
  for (const sequence of descending) {
    nextSequence = sequence
    found += 1
    if (found === count) break
  }
  return found === 0 ? NOTHING : { nextSequence, endSequence: range.endSequence, left: found }
}

/** Index of the first event that has what all events behind it have too; the length where there is none. */
function firstIndex(events: readonly TailEvent[], has: (event: TailEvent) => boolean): number {
  let low = 0
  let high = events.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (has(events[middle]!)) high = middle
    else low = middle + 1
  }
  return low
}

interface SearchStatements {
  readonly at: Statement
  readonly scanAtLeast: Statement
  readonly scanAtMost: Statement
}

function prepareStatements(database: Database) {
  const prepare = (sql: string) => prepareRows(database, sql)
  /** Searches `table` by sequence for values of `value`. */
  const search = (table: string, value: string): SearchStatements => {
    const select = `SELECT q.query_sequence, ${value} FROM ${table} WHERE q.account = ? AND q.query_sequence`
    return {
      at: prepare(`${select} <= ? ORDER BY q.query_sequence DESC LIMIT 1`),
      scanAtLeast: prepare(`${select} BETWEEN ? AND ? AND ${value} >= ? ORDER BY q.query_sequence LIMIT 1`),
      scanAtMost: prepare(`${select} BETWEEN ? AND ? AND ${value} <= ? ORDER BY q.query_sequence DESC LIMIT 1`),
    }
  }
  return {
    sequences: prepare(
      'SELECT order_sequence, report_sequence, order_timestamp_slack, report_timestamp_slack ' +
        'FROM account_sequences WHERE account = ?',
    ),
    position: prepare('SELECT sequence FROM journal_positions WHERE journal = ?'),
    accountOf: prepare('SELECT account FROM submissions WHERE order_id = ?'),
    orderTimes: search('submissions q', 'q.timestamp'),
    reportTimes: search('execution_reports q', 'q.timestamp'),
    /** Values: report sequences of the acceptances. */
    acceptances: search(
      'submissions q CROSS JOIN execution_reports r ON r.order_id = q.order_id AND r.sequence = 0',
      'r.query_sequence',
    ),
    lastStatus: prepare(
      'SELECT status FROM execution_reports WHERE order_id = ? AND query_sequence <= ? ORDER BY sequence DESC LIMIT 1',
    ),
    reportsOfOrder: prepare(
      `SELECT ${REPORT_COLUMNS} FROM execution_reports r ` +
        'WHERE r.order_id = ? AND r.sequence > 0 AND r.query_sequence <= ? ORDER BY r.sequence',
    ),
    reports: prepare(
      `SELECT ${REPORT_COLUMNS}, ${SUBMISSION_COLUMNS} FROM execution_reports r ` +
        'LEFT JOIN submissions s ON r.sequence = 0 AND s.order_id = r.order_id ' +
        'WHERE r.account = ? AND r.query_sequence BETWEEN ? AND ? ORDER BY r.query_sequence',
    ),
    reportSequencesDown: prepare(
      'SELECT query_sequence FROM execution_reports ' +
        'WHERE account = ? AND query_sequence BETWEEN ? AND ? ORDER BY query_sequence DESC',
    ),
  }
}
