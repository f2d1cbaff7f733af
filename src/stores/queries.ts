// Answers queries of one account, exactly as of one of its report sequences: the cut. Rows come from a store; what the
// store does not have yet comes from the journals; what it has beyond the cut is left out. So an answer does not depend on
// which store is asked, nor on how far its writer is, and live reports follow from the sequence after the cut.
//
//   range, limit ─→ first and last sequence ─→ orders or reports in order: store, then tail ─→ frames, page by page
//
// A page is answered within one view of the store, by a bounded number of statements of bounded size: it ends when it is
// full, or when so many orders were looked at that the next ones can wait. The pages of one query need not be answered by
// the same thread, from the same store or at the same time: what lies before the cut does not change, and the
// continuation says where the next page begins.

import { assert } from '../base/assert.ts'
import type { Definitions } from '../domain/definitions.ts'
import { isTerminal, type OrderStatus } from '../domain/order-status.ts'
import { readTicker } from '../domain/tickers.ts'
import { JournalTrimmed } from '../journal/journal-errors.ts'
import { FRAME_HEADER_BYTES } from '../protocol/frames.ts'
import { Kind, LimitKind, RangePoint } from '../protocol/kinds.ts'
import { MessageWriter } from '../protocol/message-writer.ts'
import { type AcceptedEvent, decodeOrderEvent, EventOffset } from '../protocol/order-events.ts'
import {
  type AccountTail,
  type AccountTails,
  HistoryMissing,
  type JournalToRead,
  type TailOrder,
} from './account-tails.ts'
import {
  EventRows,
  REPORT_COLUMN_COUNT,
  ReportColumn,
  reportsOf,
  SUBMISSION_COLUMN_COUNT,
  SubmissionColumn,
  submissionsOf,
} from './event-rows.ts'
import {
  asksForLife,
  demandedOrderIds,
  demandsLive,
  type FilterableOrder,
  filterCondition,
  type OrderFilter,
  parseOrderFilter,
  passes,
} from './order-filter.ts'
import { type ReadableStore, type Row, rowOf, type StoreValue, type StoreView } from './readable-store.ts'
import { firstAtLeast, lastAtMost, type SequencedRows } from './sequence-search.ts'
import { StoredReports } from './stored-reports.ts'

/** Where a range begins or ends: a sequence (0 is before the first), a `RangePoint`, or [µs since the epoch]. */
export type Point = number | readonly [timestamp: number]

/** What all queries have in common. Plain data. */
export interface AccountQuery {
  /** Goes into each record of the answer. */
  readonly requestId: number
  readonly account: number
  /** The answer shows the account as it was right after this report sequence; 0 where it has no report. */
  readonly cutReportSequence: number
  /** All journals, since an account may have been at other shards; the one of its present shard first. */
  readonly journals: readonly JournalToRead[]
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
  /** While the beginning of the last `left` records is looked for: what lies from `before` on holds `found` of them. */
  readonly sought?: { readonly before: number; readonly found: number } | undefined
}

export interface Page {
  /** Whole frames, back to back. */
  readonly frames: Uint8Array
  /** Records in the frames. */
  readonly count: number
  /** Absent where this is the last page; a page before may hold few records, or none, where many had to be looked at. */
  readonly continuation: Continuation | undefined
  /** The account's last order sequence at the cut. */
  readonly lastOrderSequence: number
}

export interface StoreReaderOptions {
  readonly store: ReadableStore
  readonly definitions: Definitions
  /** What the store lacks; may be shared by readers of several stores. */
  readonly tails: AccountTails
}

/** Bound of the buffers, far above any page: reaching it is a defect. */
const BUFFER_BYTES_MAX = 1 << 30
/** How often a page begins again because the store moved on and the journal's segment was deleted meanwhile. */
const ATTEMPTS_MAX = 5
/** Orders looked at for one page: a filter that only the predicate decides may let none of them pass. */
const EXAMINED_MAX = 8192
/** Rows of one statement: as many as a page is likely to take. */
const ROWS_MIN = 16
const ORDER_ROWS_MAX = 1024
const ORDER_BYTES = 256
const REPORT_ROWS_MAX = 4096
const REPORT_BYTES = 96
const NOTHING: Continuation = { nextSequence: 1, endSequence: 0, left: 0 }

/** The account as one page sees it. */
interface AccountView {
  readonly store: StoreView
  readonly account: number
  readonly cut: number
  /** Last sequences that the store has and that do not lie beyond the cut. */
  readonly storedOrderSequence: number
  readonly storedReportSequence: number
  /** See account_sequences. */
  readonly orderTimestampSlack: number
  readonly reportTimestampSlack: number
  /** The events from behind the store up to the cut; absent where the store reaches it. */
  readonly tail: AccountTail | undefined
  /** The account's last order sequence at the cut. */
  readonly lastOrderSequence: number
}

/** One order of an answer: from a row of the store, or from the tail. */
interface FoundOrder extends FilterableOrder {
  readonly orderSequence: number
  /** Columns of the submission, then the report sequence of its acceptance. */
  readonly row: Row | undefined
  readonly accepted: TailOrder | undefined
}

/** Orders of the store that pass, and the sequence up to which it was looked. */
interface StoredOrders {
  readonly orders: readonly FoundOrder[]
  readonly examinedTo: number
  readonly examined: number
}

/** Where a page stands. */
interface Progress {
  nextSequence: number
  count: number
}

export class StoreReader {
  readonly #store: ReadableStore
  readonly #definitions: Definitions
  readonly #tails: AccountTails
  readonly #eventRows: EventRows
  #turn: Promise<unknown> = Promise.resolve()
  readonly #page = new MessageWriter(1 << 20, BUFFER_BYTES_MAX)
  readonly #nested = new MessageWriter(1 << 12, BUFFER_BYTES_MAX)

  constructor(options: StoreReaderOptions) {
    this.#store = options.store
    this.#definitions = options.definitions
    this.#tails = options.tails
    this.#eventRows = new EventRows(options.definitions)
  }

  /**
   * One page of OrderRecord frames, in the order of the account's order sequence.
   * @throws InvalidFilter, StoreUnavailable, JournalDamaged
   */
  async orders(query: OrdersQuery): Promise<Page> {
    const filter = parseOrderFilter(query.filter)
    return this.#inView(query, async view => {
      let rest = query.continuation ?? (await this.#orderRange(view, query))
      if (rest.sought !== undefined) rest = await this.#seekOrders(view, filter, rest)
      if (rest.sought !== undefined) return this.#takePage(view, rest, 0)
      const done = await this.#writeOrders(view, query, filter, rest)
      const left = rest.left - done.count
      return this.#takePage(view, { nextSequence: done.nextSequence, endSequence: rest.endSequence, left }, done.count)
    })
  }

  /**
   * One page of reports, acceptances among them, in the order of the account's report sequence.
   * @throws StoreUnavailable, JournalDamaged
   */
  reports(query: ReportsQuery): Promise<Page> {
    return this.#inView(query, async view => {
      const rest = query.continuation ?? (await this.#reportRange(view, query))
      const done = await this.#writeReports(view, query, rest)
      const left = rest.left - done.count
      return this.#takePage(view, { nextSequence: done.nextSequence, endSequence: rest.endSequence, left }, done.count)
    })
  }

  /** One OrderRecord frame, or none where the account has no such order at the cut. @throws as `orders` */
  order(query: OrderQuery): Promise<Page> {
    return this.orders({
      ...query,
      start: RangePoint.First,
      end: RangePoint.Present,
      limitKind: LimitKind.Head,
      limitSize: 1,
      filter: ['=', 'order_id', query.orderId],
      pageBytes: 1,
    })
  }

  /**
   * Whose order this is, or undefined where neither the store nor the journals have it.
   * @throws StoreUnavailable, JournalDamaged
   */
  accountOf(orderId: number, journals: readonly JournalToRead[]): Promise<number | undefined> {
    return this.#retried(async view => {
      const row = await rowOf(view, 'SELECT account FROM submissions WHERE order_id = ?', [orderId])
      if (row !== undefined) return row[0] as number
      const positions = await this.#positions(view, journals)
      return this.#tails.accountOf(orderId, journals, positions, this.#store.name)
    })
  }

  /** Runs `answer` on the account as of the cut. */
  #inView(query: AccountQuery, answer: (view: AccountView) => Promise<Page>): Promise<Page> {
    return this.#retried(async view => {
      this.#page.position = 0
      return answer(await this.#accountView(view, query))
    })
  }

  /** One after the other, since page and tails are shared. */
  #retried<Result>(work: (view: StoreView) => Promise<Result>): Promise<Result> {
    const result = this.#turn.then(() => this.#attempts(work))
    // Whoever asked hears of a failure; the next one does not mind.
    this.#turn = result.catch(() => undefined)
    return result
  }

  /** Runs `work` in a view; again where the store moved on before the journal was read. */
  async #attempts<Result>(work: (view: StoreView) => Promise<Result>): Promise<Result> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#store.inView(work)
      } catch (error) {
        if (!(error instanceof JournalTrimmed)) throw error
        if (attempt < ATTEMPTS_MAX) continue
        throw new HistoryMissing(`${this.#store.name} lacks what was deleted: ${error.message}`, { cause: error })
      }
    }
  }

  async #accountView(store: StoreView, query: AccountQuery): Promise<AccountView> {
    const { account, cutReportSequence: cut, journals } = query
    const row = await rowOf(
      store,
      'SELECT order_sequence, report_sequence, order_timestamp_slack, report_timestamp_slack ' +
        'FROM account_sequences WHERE account = ?',
      [account],
    )
    const [orderSequence = 0, reportSequence = 0, orderSlack = 0, reportSlack = 0] = (row ?? []) as readonly number[]
    let storedOrderSequence = orderSequence
    let tail: AccountTail | undefined
    if (reportSequence < cut) {
      const positions = await this.#positions(store, journals)
      tail = this.#tails.get(journals, positions, this.#store.name, account, reportSequence, cut)
    } else if (reportSequence > cut) {
      // Orders are accepted in the order of both sequences, so those beyond the cut are the last ones.
      storedOrderSequence = (await lastAtMost(acceptances(store, account, orderSequence), cut)) ?? 0
    }
    return {
      store,
      account,
      cut,
      storedOrderSequence,
      storedReportSequence: Math.min(reportSequence, cut),
      orderTimestampSlack: orderSlack,
      reportTimestampSlack: reportSlack,
      tail,
      lastOrderSequence: tail?.lastOrderSequence ?? storedOrderSequence,
    }
  }

  /** How far the store is in each of the journals. */
  async #positions(view: StoreView, journals: readonly JournalToRead[]): Promise<number[]> {
    const rows = await view.rows('SELECT journal, sequence FROM journal_positions')
    const positions = new Map(rows.map(([journal, sequence]) => [journal, sequence as number]))
    return journals.map(({ name }) => positions.get(name) ?? 0)
  }

  /** The sequences a query of orders is about, and how many of them at most. */
  async #orderRange(view: AccountView, query: OrdersQuery): Promise<Continuation> {
    const { store, account, tail, storedOrderSequence, orderTimestampSlack } = view
    const rows = times(store, 'submissions', account, storedOrderSequence, orderTimestampSlack)
    const range = await pointsToRange(query, view.lastOrderSequence, {
      since: async time => (await firstAtLeast(rows, time)) ?? tail?.orderSince(time),
      until: async time => tail?.lastOrderUntil(time) ?? (await lastAtMost(rows, time)),
    })
    if (range === NOTHING || query.limitKind !== LimitKind.Tail) return range
    return { ...range, sought: { before: range.endSequence + 1, found: 0 } }
  }

  /** The sequences a query of reports is about, and how many of them at most. */
  async #reportRange(view: AccountView, query: ReportsQuery): Promise<Continuation> {
    const { store, account, tail, storedReportSequence, reportTimestampSlack } = view
    const rows = times(store, 'execution_reports', account, storedReportSequence, reportTimestampSlack)
    const range = await pointsToRange(query, view.cut, {
      since: async time => (await firstAtLeast(rows, time)) ?? tail?.reportSince(time),
      until: async time => tail?.lastReportUntil(time) ?? (await lastAtMost(rows, time)),
    })
    if (range === NOTHING || query.limitKind !== LimitKind.Tail) return range
    const { nextSequence: first, endSequence, left } = range
    // From the end: those of the tail, and as many of the store's as are left.
    let nextSequence = endSequence + 1
    let found = 0
    while (found < left) {
      const sequence = tail?.reportUntil(nextSequence - 1)
      if (sequence === undefined || sequence < first) break
      nextSequence = sequence
      found += 1
    }
    if (found === left) return { nextSequence, endSequence, left }
    const storedEnd = Math.min(endSequence, storedReportSequence)
    const row = await rowOf(
      store,
      'SELECT query_sequence FROM execution_reports WHERE account = ? AND query_sequence BETWEEN ? AND ? ' +
        'ORDER BY query_sequence DESC LIMIT 1 OFFSET ?',
      [account, first, storedEnd, left - found - 1],
    )
    // Where there are fewer it is all of them.
    return { nextSequence: (row?.[0] as number | undefined) ?? first, endSequence, left }
  }

  /** Goes down from the end of the range until `left` orders that pass are found, or enough was looked at for now. */
  async #seekOrders(view: AccountView, filter: OrderFilter | undefined, rest: Continuation): Promise<Continuation> {
    const { nextSequence: first, endSequence, left } = rest
    let { before, found } = rest.sought!
    const tailOrders = tailOrdersOf(view, filter)
    let examined = 0
    const upTo = (beginning: number): Continuation => ({ nextSequence: beginning, endSequence, left })
    while (before > first) {
      if (examined >= EXAMINED_MAX) return { ...rest, sought: { before, found } }
      const accepted = tailOrders.until(before - 1)
      if (accepted !== undefined && accepted.orderSequence >= first) {
        before = accepted.orderSequence
        examined += 1
        if (passes(filter, this.#orderOfTail(view, accepted))) found += 1
        if (found === left) return upTo(before)
        continue
      }
      const storedEnd = Math.min(before - 1, view.storedOrderSequence)
      if (storedEnd < first) break
      if (filterCondition(filter, view.store.dialect).isExact) {
        return upTo((await this.#exactSequence(view, filter, first, storedEnd, left - found)) ?? first)
      }
      const stored = await this.#storedOrders(view, filter, first, storedEnd, ORDER_ROWS_MAX, true)
      for (const { orderSequence } of stored.orders) {
        found += 1
        if (found === left) return upTo(orderSequence)
      }
      before = stored.examinedTo
      examined += stored.examined
    }
    return upTo(first)
  }

  /** Order sequence of the stored order in [from, to] that passes and has `count` − 1 such orders behind it. */
  async #exactSequence(
    view: AccountView,
    filter: OrderFilter | undefined,
    from: number,
    to: number,
    count: number,
  ): Promise<number | undefined> {
    const { sql, parameters } = sourceOf(view, filter, from, to)
    const statement = `SELECT s.query_sequence ${sql} ORDER BY s.query_sequence DESC LIMIT 1 OFFSET ?`
    return (await rowOf(view.store, statement, [...parameters, count - 1]))?.[0] as number | undefined
  }

  async #writeOrders(
    view: AccountView,
    query: OrdersQuery,
    filter: OrderFilter | undefined,
    { nextSequence, endSequence, left }: Continuation,
  ): Promise<Progress> {
    const progress: Progress = { nextSequence, count: 0 }
    const storedEnd = Math.min(endSequence, view.storedOrderSequence)
    const tailOrders = tailOrdersOf(view, filter)
    const isFull = () => progress.count === left || this.#page.position >= query.pageBytes
    let examined = 0
    while (progress.nextSequence <= endSequence && !isFull() && examined < EXAMINED_MAX) {
      if (progress.nextSequence <= storedEnd) {
        // Of rows on which only the predicate decides few may pass.
        const rows = filterCondition(filter, view.store.dialect).isExact
          ? rowsFor(query.pageBytes - this.#page.position, ORDER_BYTES, ORDER_ROWS_MAX, left - progress.count)
          : ORDER_ROWS_MAX
        const stored = await this.#storedOrders(view, filter, progress.nextSequence, storedEnd, rows, false)
        const ids = stored.orders.map(({ orderId }) => orderId)
        const reports = new StoredReports(view.store, ids, view.cut)
        for (const order of stored.orders) {
          this.#writeOrder(view, query.requestId, order, await reports.of(order.orderId))
          progress.count += 1
          progress.nextSequence = order.orderSequence + 1
          if (isFull()) return progress
        }
        progress.nextSequence = stored.examinedTo + 1
        examined += stored.examined
      } else {
        const accepted = tailOrders.from(progress.nextSequence)
        if (accepted === undefined || accepted.orderSequence > endSequence) {
          progress.nextSequence = endSequence + 1
          break
        }
        const order = this.#orderOfTail(view, accepted)
        if (passes(filter, order)) {
          this.#writeOrder(view, query.requestId, order, [])
          progress.count += 1
        }
        progress.nextSequence = accepted.orderSequence + 1
        examined += 1
      }
    }
    return progress
  }

  async #writeReports(
    view: AccountView,
    query: ReportsQuery,
    { nextSequence, endSequence, left }: Continuation,
  ): Promise<Progress> {
    const progress: Progress = { nextSequence, count: 0 }
    const requestId = query.form === 'records' ? query.requestId : undefined
    const storedEnd = Math.min(endSequence, view.storedReportSequence)
    const isFull = () => progress.count === left || this.#page.position >= query.pageBytes
    while (progress.nextSequence <= endSequence && !isFull()) {
      if (progress.nextSequence <= storedEnd) {
        const limit = rowsFor(
          query.pageBytes - this.#page.position,
          REPORT_BYTES,
          REPORT_ROWS_MAX,
          left - progress.count,
        )
        const rows = await storedReports(view, progress.nextSequence, storedEnd, limit)
        for (const row of rows) {
          this.#encodeEvent(row)
          this.#writeEvent(view, requestId, this.#nested.bytes, FRAME_HEADER_BYTES, this.#nested.position)
          progress.count += 1
          progress.nextSequence = (row[ReportColumn.reportSequence] as number) + 1
          if (isFull()) return progress
        }
        if (rows.length < limit) progress.nextSequence = storedEnd + 1
      } else {
        const sequence = view.tail?.reportFrom(progress.nextSequence)
        if (sequence === undefined || sequence > endSequence) {
          progress.nextSequence = endSequence + 1
          break
        }
        const { bytes, start, end } = view.tail!.body(sequence)
        this.#writeEvent(view, requestId, bytes, start, end)
        progress.count += 1
        progress.nextSequence = sequence + 1
      }
    }
    return progress
  }

  /** Orders of the store with sequences from `from` to `to`, of the first (or last) `limit` that may pass those that do. */
  async #storedOrders(
    view: AccountView,
    filter: OrderFilter | undefined,
    from: number,
    to: number,
    limit: number,
    isDescending: boolean,
  ): Promise<StoredOrders> {
    const { dialect } = view.store
    const source = sourceOf(view, filter, from, to)
    const parameters = [...source.parameters, limit]
    let life = ''
    if (asksForLife(filter)) {
      life =
        ', (SELECT l.status FROM execution_reports l WHERE l.order_id = s.order_id AND l.query_sequence <= ? ' +
        'ORDER BY l.sequence DESC LIMIT 1)'
      parameters.unshift(view.cut)
    }
    const rows = await view.store.rows(
      `SELECT ${submissionsOf(dialect)}, a.query_sequence${life} ${source.sql} ` +
        `ORDER BY s.query_sequence ${isDescending ? 'DESC' : 'ASC'} LIMIT ?`,
      parameters,
    )
    const isWhole = rows.length < limit
    const examinedTo = isWhole ? (isDescending ? from : to) : (rows.at(-1)![SubmissionColumn.orderSequence] as number)
    const orders = rows.map(row => this.#orderOfRow(view, row)).filter(order => passes(filter, order))
    return { orders, examinedTo, examined: rows.length }
  }

  #orderOfRow(view: AccountView, row: Row): FoundOrder {
    const orderId = row[SubmissionColumn.orderId] as number
    const { tail } = view
    return {
      row,
      accepted: undefined,
      orderId,
      orderSequence: row[SubmissionColumn.orderSequence] as number,
      timestamp: row[SubmissionColumn.timestamp] as number,
      shortFlag: row[SubmissionColumn.shortFlag] === 1,
      symbol: row[SubmissionColumn.symbol] as string,
      venue: row[SubmissionColumn.venue] as string,
      /** No terminal report up to the cut. */
      get isLive() {
        return !isTerminal(row[LAST_STATUS] as OrderStatus) && !(tail?.hasEnded(orderId) ?? false)
      },
    }
  }

  #orderOfTail(view: AccountView, accepted: TailOrder): FoundOrder {
    const { orderId, orderSequence, timestamp } = accepted
    const tail = view.tail!
    let event: AcceptedEvent | undefined
    const read = () => (event ??= this.#readAccepted(tail, accepted.reportSequence))
    const ticker = () => readTicker(read().ticker, this.#definitions)
    return {
      row: undefined,
      accepted,
      orderId,
      orderSequence,
      timestamp,
      // Few filters ask for what only the journal tells.
      get shortFlag() {
        return read().shortFlag
      },
      get symbol() {
        return ticker().symbol
      },
      get venue() {
        return ticker().venue
      },
      get isLive() {
        return !tail.hasEnded(orderId)
      },
    }
  }

  #readAccepted(tail: AccountTail, reportSequence: number): AcceptedEvent {
    const { bytes, start, end } = tail.body(reportSequence)
    const event = decodeOrderEvent(bytes, start, end - start)
    assert(event.kind === Kind.OrderAccepted, 'the index told acceptances from reports')
    return event
  }

  #writeOrder(view: AccountView, requestId: number, order: FoundOrder, stored: readonly Row[]): void {
    const page = this.#page
    const nested = this.#nested
    const { row, accepted, orderId } = order
    page.beginFrame()
    page.head(ORDER_RECORD_ELEMENTS, Kind.OrderRecord, requestId, view.account)
    const inTail = view.tail?.reportsOf(orderId) ?? []
    if (row !== undefined) {
      nested.position = 0
      this.#eventRows.encodeAccepted(nested, row, 0, row[ACCEPTED_REPORT_SEQUENCE] as number)
      page.rawBytes(nested.bytes, FRAME_HEADER_BYTES, nested.position)
    } else this.#writeBody(view.tail!, accepted!.reportSequence)
    page.reserve(LIST_HEADER_BYTES)
    page.arrayHeader(stored.length + inTail.length)
    for (const report of stored) {
      nested.position = 0
      this.#eventRows.encodeReport(nested, report, 0)
      page.rawBytes(nested.bytes, FRAME_HEADER_BYTES, nested.position)
    }
    for (const reportSequence of inTail) this.#writeBody(view.tail!, reportSequence)
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

  /** Writes an event that lies in [start, end) of `bytes`: as a ReportRecord, or as it is where there is no request. */
  #writeEvent(view: AccountView, requestId: number | undefined, bytes: Uint8Array, start: number, end: number): void {
    const page = this.#page
    page.beginFrame()
    if (requestId !== undefined) page.head(REPORT_RECORD_ELEMENTS, Kind.ReportRecord, requestId, view.account)
    this.#copyEvent(bytes, start, end)
    page.endFrame()
  }

  #writeBody(tail: AccountTail, reportSequence: number): void {
    const { bytes, start, end } = tail.body(reportSequence)
    this.#copyEvent(bytes, start, end)
  }

  /** The request that an event answered is nobody else's business. */
  #copyEvent(bytes: Uint8Array, start: number, end: number): void {
    const page = this.#page
    const at = page.position
    page.rawBytes(bytes, start, end)
    page.bytes.fill(0, at + EventOffset.requestId, at + EventOffset.requestId + 4)
  }

  #takePage({ lastOrderSequence }: AccountView, rest: Continuation, count: number): Page {
    const isLast = rest.left === 0 || rest.nextSequence > rest.endSequence
    const frames = this.#page.bytes.slice(0, this.#page.position)
    return { frames, count, continuation: isLast ? undefined : rest, lastOrderSequence }
  }
}

/** Kind, request id, account, acceptance, reports. */
const ORDER_RECORD_ELEMENTS = 5
/** Kind, request id, account, event. */
const REPORT_RECORD_ELEMENTS = 4
/** The longest header of a list. */
const LIST_HEADER_BYTES = 5
/** What follows the submission's columns in rows of orders. */
const ACCEPTED_REPORT_SEQUENCE = SUBMISSION_COLUMN_COUNT
const LAST_STATUS = SUBMISSION_COLUMN_COUNT + 1

/** Rows to ask for where there is room for so many bytes, and for no more than `most`. */
function rowsFor(bytes: number, rowBytes: number, rowsMax: number, most: number): number {
  return Math.min(Math.max(Math.ceil(bytes / rowBytes), ROWS_MIN), rowsMax, most)
}

/** The stored orders that may pass, from FROM on, without an order. */
function sourceOf(
  { store, account, cut }: AccountView,
  filter: OrderFilter | undefined,
  from: number,
  to: number,
): { sql: string; parameters: StoreValue[] } {
  const { dialect } = store
  const condition = filterCondition(filter, dialect)
  const inRange = 's.account = ? AND s.query_sequence BETWEEN ? AND ?'
  const accepted = `${dialect.join} execution_reports a ON a.order_id = s.order_id AND a.sequence = 0`
  // Few orders are live, or named by id, so those are looked at one by one; all others by the sequence index.
  const orderIds = demandedOrderIds(filter)
  if (orderIds !== undefined) {
    const list = dialect.list([...orderIds].filter(id => Number.isSafeInteger(id)))
    return {
      // A sign keeps the index of sequences out of it.
      sql: `FROM submissions s ${accepted} WHERE s.order_id IN ${list.sql} AND +${inRange} AND ${condition.sql}`,
      parameters: [...list.parameters, account, from, to, ...condition.parameters],
    }
  }
  if (demandsLive(filter)) {
    return {
      // Live at the cut is what is live now, and what has changed since the cut and may have ended by that.
      sql:
        'FROM (SELECT order_id FROM live_orders WHERE account = ? UNION ' +
        'SELECT order_id FROM execution_reports WHERE account = ? AND query_sequence > ?) c ' +
        `${dialect.join} submissions s ON s.order_id = c.order_id ${accepted} WHERE +${inRange} AND ${condition.sql}`,
      parameters: [account, account, cut, account, from, to, ...condition.parameters],
    }
  }
  return {
    sql: `FROM submissions s ${accepted} WHERE ${inRange} AND ${condition.sql}`,
    parameters: [account, from, to, ...condition.parameters],
  }
}

/** The first reports in [from, to], with their submissions where they are acceptances. */
function storedReports({ store, account }: AccountView, from: number, to: number, limit: number) {
  const { dialect } = store
  return store.rows(
    `SELECT ${reportsOf(dialect)}, ${submissionsOf(dialect)} FROM execution_reports r ` +
      'LEFT JOIN submissions s ON r.sequence = 0 AND s.order_id = r.order_id ' +
      'WHERE r.account = ? AND r.query_sequence BETWEEN ? AND ? ORDER BY r.query_sequence LIMIT ?',
    [account, from, to, limit],
  )
}

/** The orders accepted in the tail that may pass, up and down. */
function tailOrdersOf({ tail }: AccountView, filter: OrderFilter | undefined) {
  const orderIds = tail && demandedOrderIds(filter)
  if (tail === undefined || orderIds === undefined) {
    return {
      from: (sequence: number) => tail?.orderFrom(sequence),
      until: (sequence: number) => tail?.orderUntil(sequence),
    }
  }
  const named = [...orderIds]
    .map(id => tail.findOrder(id))
    .filter(order => order !== undefined)
    .sort((a, b) => a.orderSequence - b.orderSequence)
  /** How many lie before the sequence. */
  const before = (sequence: number) => {
    let low = 0
    let high = named.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (named[middle]!.orderSequence < sequence) low = middle + 1
      else high = middle
    }
    return low
  }
  return {
    from: (sequence: number) => named[before(sequence)],
    until: (sequence: number) => named[before(sequence + 1) - 1],
  }
}

/** Turns points into sequences. */
async function pointsToRange(
  { start, end, limitKind, limitSize }: RangeQuery,
  lastSequence: number,
  /** The first sequence at or after a time, the last at or before it. */
  find: Record<'since' | 'until', (timestamp: number) => Promise<number | undefined>>,
): Promise<Continuation> {
  if (limitKind === LimitKind.None) return NOTHING
  const left = limitKind === LimitKind.Unlimited ? Number.MAX_SAFE_INTEGER : limitSize
  if (start === RangePoint.Last || start === RangePoint.Present || left === 0) return NOTHING
  const endsAtCut = end === RangePoint.Last || end === RangePoint.Present
  const nextSequence = typeof start === 'number' ? Math.max(start, 1) : await find.since(start[0])
  const endSequence =
    typeof end !== 'number' ? await find.until(end[0]) : endsAtCut ? lastSequence : Math.min(end, lastSequence)
  if (nextSequence === undefined || endSequence === undefined || nextSequence > endSequence) return NOTHING
  return { nextSequence, endSequence, left }
}

/** The times of an account's rows in one table, by their sequence. */
function times(store: StoreView, table: string, account: number, end: number, slack: number): SequencedRows {
  const { dialect } = store
  return searchOf(store, `${table} q`, dialect.time('q.timestamp'), account, end, slack, (comparison, us) => {
    const literal = dialect.timeLiteral(us)
    if (literal !== undefined) return `q.timestamp ${comparison} ${literal}`
    // Beyond all that columns can hold: everything lies on one side of it.
    return us < 0 === (comparison === '>=') ? '1 = 1' : '1 = 0'
  })
}

/** The report sequences of an account's acceptances, by their order sequence. */
function acceptances(store: StoreView, account: number, end: number): SequencedRows {
  const table = `submissions q ${store.dialect.join} execution_reports r ON r.order_id = q.order_id AND r.sequence = 0`
  return searchOf(store, table, 'r.query_sequence', account, end, 0, (comparison, value) => {
    return `r.query_sequence ${comparison} ${value}`
  })
}

/** Searches through the sequence index of one account for values of `value`. */
function searchOf(
  store: StoreView,
  table: string,
  value: string,
  account: number,
  end: number,
  slack: number,
  condition: (comparison: '>=' | '<=', value: number) => string,
): SequencedRows {
  const select = `FROM ${table} WHERE q.account = ? AND q.query_sequence`
  const scan = async (from: number, to: number, met: string, direction: string) => {
    const sql = `SELECT q.query_sequence ${select} BETWEEN ? AND ? AND ${met} ORDER BY q.query_sequence ${direction} LIMIT 1`
    return (await rowOf(store, sql, [account, from, to]))?.[0] as number | undefined
  }
  return {
    end,
    slack,
    places: store.dialect.searchPlaces,
    at: async sequences => {
      const one = (number: number) =>
        `SELECT * FROM (SELECT ${number} place, q.query_sequence sequence, ${value} value ${select} <= ? ` +
        `ORDER BY q.query_sequence DESC LIMIT 1) p${number}`
      const rows = await store.rows(
        sequences.map((_, number) => one(number)).join(' UNION ALL '),
        sequences.flatMap(sequence => [account, sequence]),
      )
      const found: ({ sequence: number; value: number } | undefined)[] = sequences.map(() => undefined)
      for (const [place, sequence, value] of rows as readonly number[][]) {
        found[place!] = { sequence: sequence!, value: value! }
      }
      return found
    },
    scanAtLeast: (from, to, value) => scan(from, to, condition('>=', value), 'ASC'),
    scanAtMost: (from, to, value) => scan(from, to, condition('<=', value), 'DESC'),
  }
}
