// What the shards are loaded with at a start, once the writer has brought the store to the end of the journals: for each
// account where its sequences stand, its positions, and its live orders. Positions are a snapshot and the fills behind
// it, in the order in which they happened; nothing else of finished orders is read.
//
//   accounts → positions of the snapshots → fills behind them → live orders → client order ids, oldest first
//
// Each part is complete for all accounts before the next begins. Fills of one account come in their order, those of
// different accounts by turns.
//
// Everything is read in pages: a few thousand rows by one statement, whichever accounts and orders they belong to. While
// one page is worked on, the store gets the next one ready.

import type { Definitions } from '../domain/definitions.ts'
import type { Money, Price, Quantity } from '../domain/money.ts'
import { OrderStatus, statusAfter, tellsOfReplace } from '../domain/order-status.ts'
import type { Side } from '../domain/side.ts'
import { formatTicker } from '../domain/tickers.ts'
import type { AcceptedFields, SnapshotEntry } from '../protocol/order-events.ts'
import { EventRows, SubmissionColumn, submissionsOf } from './event-rows.ts'
import { type ReadableStore, type Row, rowOf, type SequenceRange, type StoreView } from './readable-store.ts'

export interface RecoveryOptions {
  readonly store: ReadableStore
  readonly definitions: Definitions
  /** How many client order ids to remember, the most recent ones of all accounts together. */
  readonly clOrdIdsMax: number
  /**
   * For accounts without snapshot: only orders accepted from then on, and live ones, count for their positions; µs since
   * the epoch, UTC. Absent: all orders count.
   */
  readonly sessionStart?: number | undefined
}

/** Where the numbering goes on over all accounts; 0 where nothing is stored. */
export interface RecoveredMarks {
  readonly lastOrderId: number
  /** µs since the epoch, UTC. */
  readonly lastTimestamp: number
}

/** An account that has a history. */
export interface RecoveredAccount {
  readonly part: 'account'
  account: number
  /** Sequences of its last order and its last report, 0 for none. */
  orderSequence: number
  reportSequence: number
  /** Every fill up to this report is in the positions that follow; undefined without an exact snapshot. */
  snapshotReportSequence: number | undefined
  /** Currency in which the snapshot counts expenditure; 0 without snapshot. */
  snapshotCurrency: number
}

/** One ticker of an account's snapshot. */
export interface RecoveredPosition extends SnapshotEntry {
  readonly part: 'position'
  account: number
}

/** An execution that the snapshot does not hold, of a finished order or of a live one. */
export interface RecoveredFill {
  readonly part: 'fill'
  account: number
  reportSequence: number
  ticker: string
  /** Currency of the order. */
  currency: number
  side: Side
  lastQty: Quantity
  lastPx: Price
  /** All of the execution's fees together, commission included. */
  fees: Money
}

/** What a replace asked for, or brought. */
export interface RecoveredTerms {
  /** Empty for none. */
  readonly clOrdId: string
  readonly quantity: Quantity
  readonly price: Price
  readonly shortFlag: boolean
  /** 0 where the replace was refused. */
  readonly holdPrice: Price
}

/** A live order as it stands, its fills included. */
export interface RecoveredOrder {
  readonly part: 'order'
  accepted: AcceptedFields
  status: OrderStatus
  cumQty: Quantity
  /** The sequence its next report gets. */
  reportCount: number
  /** Time of its last report. */
  timestamp: number
  /**
   * What it asks for since it was replaced; undefined where it never was. The client order id is that of the last replace
   * that had one.
   */
  terms: RecoveredTerms | undefined
  /** Of a replace that has no answer yet. */
  pending: RecoveredTerms | undefined
}

/** The client order id of a replace, whatever came of that: of a live order right behind it, of others by order id. */
export interface RecoveredReplaceId {
  readonly part: 'replaceId'
  account: number
  orderId: number
  clOrdId: string
  quantity: Quantity
  price: Price
}

/** An order whose client order id is remembered, live or not. */
export interface RecoveredClOrdId {
  readonly part: 'clOrdId'
  /** Without its report sequence. */
  accepted: AcceptedFields
}

/** Each is one object that is filled in again and again: it is good until the next is taken. */
export type Recovered =
  | RecoveredAccount
  | RecoveredPosition
  | RecoveredFill
  | RecoveredOrder
  | RecoveredClOrdId
  | RecoveredReplaceId

/** Rows of one statement. */
const PAGE_ROWS = 8192
/** Reports looked through for fills by one statement, and in one round over all accounts. */
const PAGE_REPORTS = 1 << 16
const ROUND_REPORTS = 1 << 18
/** Client order ids passed over by one statement. */
const PAGE_CL_ORD_IDS = 1 << 17
/** Live orders whose reports are read by one statement, and how many rows it may give. */
const PAGE_ORDERS = 4096
const ORDER_REPORTS_MAX = 1 << 16

/** The sequences of one account, and of its snapshot. */
interface AccountSequences {
  readonly account: number
  readonly orderSequence: number
  readonly reportSequence: number
  /** Null without snapshot. */
  readonly snapshotOrderSequence: number | null
  /** Null where other tools made the snapshot. */
  readonly snapshotReportSequence: number | null
  readonly snapshotCurrency: number | null
}

export class Recovery {
  readonly #options: RecoveryOptions
  readonly #rows: EventRows

  constructor(options: RecoveryOptions) {
    this.#options = options
    this.#rows = new EventRows(options.definitions)
  }

  /** @throws StoreUnavailable */
  marks(): Promise<RecoveredMarks> {
    return this.#options.store.inView(async view => {
      const { time } = view.dialect
      const orders = await rowOf(view, 'SELECT max(order_id) FROM submissions')
      const times = await rowOf(
        view,
        `SELECT ${time('max(order_timestamp)')}, ${time('max(report_timestamp)')} FROM account_sequences`,
      )
      const [orderTime, reportTime] = (times ?? []) as readonly (number | null)[]
      return {
        lastOrderId: (orders?.[0] ?? 0) as number,
        lastTimestamp: Math.max(orderTime ?? 0, reportTime ?? 0),
      }
    })
  }

  /** Everything, in the order told above, from one state of the store, page by page. @throws StoreUnavailable */
  async *read(): AsyncGenerator<Iterable<Recovered>, void> {
    const view = await this.#options.store.view()
    try {
      const accounts = await this.#accountSequences(view)
      yield this.#accounts(accounts)
      yield* this.#positions(view)
      yield* this.#fills(view, accounts)
      yield* this.#orders(view)
      yield* this.#clOrdIds(view)
    } finally {
      await view.close()
    }
  }

  async #accountSequences(view: StoreView): Promise<AccountSequences[]> {
    const accounts: AccountSequences[] = []
    let after = -1
    const next = () =>
      view.rows(
        'SELECT a.account, a.order_sequence, a.report_sequence, i.sequence, i.report_sequence, i.currency ' +
          'FROM account_sequences a LEFT JOIN order_execution_inventory_sequences i ON i.account = a.account ' +
          'WHERE a.account > ? ORDER BY a.account LIMIT ?',
        [after, PAGE_ROWS],
      )
    for (let rows = await next(); ; rows = await next()) {
      for (const row of rows) {
        accounts.push({
          account: row[0] as number,
          orderSequence: row[1] as number,
          reportSequence: row[2] as number,
          snapshotOrderSequence: row[3] as number | null,
          snapshotReportSequence: row[4] as number | null,
          snapshotCurrency: row[5] as number | null,
        })
      }
      if (rows.length < PAGE_ROWS) return accounts
      after = accounts.at(-1)!.account
    }
  }

  *#accounts(accounts: readonly AccountSequences[]): Generator<RecoveredAccount> {
    const item: RecoveredAccount = {
      part: 'account',
      account: 0,
      orderSequence: 0,
      reportSequence: 0,
      snapshotReportSequence: undefined,
      snapshotCurrency: 0,
    }
    for (const sequences of accounts) {
      item.account = sequences.account
      item.orderSequence = sequences.orderSequence
      item.reportSequence = sequences.reportSequence
      item.snapshotReportSequence = sequences.snapshotReportSequence ?? undefined
      item.snapshotCurrency = sequences.snapshotCurrency ?? 0
      yield item
    }
  }

  async *#positions(view: StoreView): AsyncGenerator<Iterable<RecoveredPosition>> {
    const { amount } = view.dialect
    const columns =
      `e.account, e.symbol, e.venue, e.currency, ${amount('e.quantity')}, ${amount('e.cost_basis')}, ` +
      `${amount('e.gross_profit_and_loss')}, ${amount('e.fees')}, ${amount('e.volume')}, e.transaction_count, ` +
      `${amount('e.expenditure')}`
    const entries = `SELECT ${columns} FROM order_execution_inventory_entries e WHERE`
    let after = -1
    let rest: Row | undefined
    // Whole accounts, so that a page goes on behind an account; one that fills a page alone is read by its key.
    for (;;) {
      const rows = await view.rows(
        rest === undefined
          ? `${entries} e.account > ? ORDER BY e.account, e.symbol, e.venue, e.currency LIMIT ?`
          : `${entries} e.account = ? AND (e.symbol > ? OR (e.symbol = ? AND (e.venue > ? OR (e.venue = ? AND ` +
              'e.currency > ?)))) ORDER BY e.account, e.symbol, e.venue, e.currency LIMIT ?',
        rest === undefined
          ? [after, PAGE_ROWS]
          : [rest[0]!, rest[1]!, rest[1]!, rest[2]!, rest[2]!, rest[3]!, PAGE_ROWS],
      )
      yield this.#positionsOf(rows)
      if (rows.length === PAGE_ROWS) rest = rows.at(-1)
      else if (rest === undefined) return
      else {
        after = rest[0] as number
        rest = undefined
      }
    }
  }

  *#positionsOf(rows: readonly Row[]): Generator<RecoveredPosition> {
    const item: RecoveredPosition = {
      part: 'position',
      account: 0,
      ticker: '',
      currency: 0,
      quantity: 0,
      costBasis: 0,
      gross: 0,
      fees: 0,
      volume: 0,
      transactions: 0,
      expenditure: 0,
    }
    for (const row of rows) {
      item.account = row[0] as number
      item.ticker = this.#ticker(row, 1)
      item.currency = row[3] as number
      item.quantity = row[4] as number
      item.costBasis = row[5] as number
      item.gross = row[6] as number
      item.fees = row[7] as number
      item.volume = row[8] as number
      item.transactions = row[9] as number
      item.expenditure = row[10] as number
      yield item
    }
  }

  async *#fills(view: StoreView, accounts: readonly AccountSequences[]): AsyncGenerator<Iterable<RecoveredFill>> {
    const { amount, join, timeLiteral } = view.dialect
    // The index alone tells the fills among the reports; only of those is more read, and no more than is needed.
    const fills =
      'SELECT i.account, i.query_sequence, s.symbol, s.venue, s.currency, s.side, ' +
      `${amount('r.last_quantity')}, ${amount('r.last_price')}, ` +
      `${amount('(r.execution_fee + r.processing_fee + r.commission)')} FROM execution_reports i ` +
      `${join} execution_reports r ON r.order_id = i.order_id AND r.sequence = i.sequence ` +
      `${join} submissions s ON s.order_id = r.order_id `
    const isFill = 'i.last_quantity <> 0 AND'
    const { sessionStart } = this.#options
    const since = sessionStart === undefined ? undefined : (timeLiteral(sessionStart) ?? timeLiteral(0))
    const sinceTime =
      since === undefined
        ? ''
        : `OR (k.account IS NULL AND (s.timestamp >= ${since} OR s.order_id IN (SELECT order_id FROM live_orders)))`
    const sources = {
      all: `${fills} WHERE ${isFill}`,
      // A snapshot of other tools lacks its excluded orders whole, and those behind its order sequence.
      some:
        `${fills} LEFT JOIN order_execution_inventory_sequences k ON k.account = i.account WHERE ${isFill} ` +
        '(k.report_sequence IS NOT NULL OR (k.account IS NOT NULL AND (s.query_sequence > k.sequence OR s.order_id IN ' +
        `(SELECT id FROM order_execution_inventory_excluded_orders e WHERE e.account = s.account))) ${sinceTime}) AND`,
    }
    const read = ({ ranges, isWhole }: FillPage) => view.rowsInRanges(isWhole ? sources.all : sources.some, 'i', ranges)
    for await (const rows of readAhead(fillPages(accounts, sessionStart !== undefined), read)) yield this.#fillsOf(rows)
  }

  *#fillsOf(rows: readonly Row[]): Generator<RecoveredFill> {
    const item: RecoveredFill = {
      part: 'fill',
      account: 0,
      reportSequence: 0,
      ticker: '',
      currency: 0,
      side: 0,
      lastQty: 0,
      lastPx: 0,
      fees: 0,
    }
    for (const row of rows) {
      item.account = row[0] as number
      item.reportSequence = row[1] as number
      item.ticker = this.#ticker(row, 2)
      item.currency = row[4] as number
      item.side = row[5] as Side
      item.lastQty = row[6] as number
      item.lastPx = row[7] as number
      item.fees = row[8] as number
      yield item
    }
  }

  async *#orders(view: StoreView): AsyncGenerator<Iterable<RecoveredOrder | RecoveredReplaceId>> {
    const { dialect } = view
    let after: readonly [number, number] = [-1, -1]
    const next = () =>
      view.rows(
        `SELECT ${submissionsOf(dialect)}, l.account FROM live_orders l ` +
          `${dialect.join} submissions s ON s.order_id = l.order_id ` +
          `WHERE ${dialect.behind(['l.account', 'l.order_id'], after)} ORDER BY l.account, l.order_id LIMIT ?`,
        [PAGE_ORDERS],
      )
    let coming = next()
    for (;;) {
      const rows = await coming
      const isLast = rows.length < PAGE_ORDERS
      if (!isLast) after = [rows.at(-1)!.at(-1) as number, rows.at(-1)![SubmissionColumn.orderId] as number]
      const reports = this.#lastReports(view, rows)
      if (!isLast) coming = next()
      // Where the reports fail, the page behind fails as well, and nobody waits for it any more.
      if (!isLast) coming.catch(() => undefined)
      yield this.#ordersOf(rows, await reports)
      if (isLast) return
    }
  }

  /** Where each of the orders stands after its reports. */
  async #lastReports(view: StoreView, orders: readonly Row[]): Promise<Map<number, Standing>> {
    const standings = new Map<number, Standing>()
    const { dialect } = view
    const ids = orders.map(row => row[SubmissionColumn.orderId] as number)
    // Most live orders have a few reports; where some have very many, fewer orders are read at a time.
    const pending = [ids.sort((a, b) => a - b)]
    for (let group = pending.pop(); group !== undefined; group = pending.pop()) {
      if (group.length === 0) continue
      let after = -1
      for (;;) {
        const list = dialect.list(group)
        const rows = await view.rows(
          `SELECT r.order_id, r.sequence, r.status, ${dialect.amount('r.cumulative_quantity')}, ` +
            `${dialect.time('r.timestamp')}, r.query_sequence, r.client_order_id, ${dialect.amount('r.quantity')}, ` +
            `${dialect.amount('r.price')}, r.shorting_flag, ${dialect.amount('r.hold_price')} FROM execution_reports r WHERE r.order_id IN ${list.sql} ` +
            'AND r.sequence > ? ORDER BY r.order_id, r.sequence LIMIT ?',
          [...list.parameters, after, ORDER_REPORTS_MAX],
        )
        if (rows.length === ORDER_REPORTS_MAX && group.length > 1) {
          const middle = group.length >> 1
          pending.push(group.slice(middle), group.slice(0, middle))
          break
        }
        for (const row of rows) fold(standings, row)
        if (rows.length < ORDER_REPORTS_MAX) break
        after = rows.at(-1)![1] as number
      }
    }
    return standings
  }

  *#ordersOf(
    rows: readonly Row[],
    standings: ReadonlyMap<number, Standing>,
  ): Generator<RecoveredOrder | RecoveredReplaceId> {
    const { accepted } = this.#rows
    const item: RecoveredOrder = {
      part: 'order',
      accepted,
      status: OrderStatus.PendingNew,
      cumQty: 0,
      reportCount: 0,
      timestamp: 0,
      terms: undefined,
      pending: undefined,
    }
    for (const row of rows) {
      const standing = standings.get(row[SubmissionColumn.orderId] as number)
      item.status = standing?.status ?? OrderStatus.PendingNew
      item.cumQty = standing?.cumQty ?? 0
      item.reportCount = standing?.reportCount ?? 0
      item.timestamp = standing?.timestamp ?? (row[SubmissionColumn.timestamp] as number)
      item.terms = standing?.terms
      item.pending = standing?.pending
      this.#rows.readAccepted(row, 0, standing?.acceptedReportSequence ?? 0)
      yield item
      if (standing?.replaceIds !== undefined)
        yield* standing.replaceIds.map(id => ({ ...id, account: accepted.account }))
    }
  }

  async *#clOrdIds(view: StoreView): AsyncGenerator<Iterable<RecoveredClOrdId | RecoveredReplaceId>> {
    const { clOrdIdsMax } = this.#options
    if (clOrdIdsMax === 0) return
    let from = await this.#oldestClOrdId(view, clOrdIdsMax)
    let beginning = from
    const next = () =>
      view.rows(
        `SELECT ${submissionsOf(view.dialect)} FROM submissions s ` +
          'WHERE s.client_order_id IS NOT NULL AND s.order_id >= ? ORDER BY s.order_id LIMIT ?',
        [from, PAGE_ROWS],
      )
    let coming = next()
    for (;;) {
      const rows = await coming
      const isLast = rows.length < PAGE_ROWS
      if (!isLast) {
        from = (rows.at(-1)![SubmissionColumn.orderId] as number) + 1
        coming = next()
        // Whoever stops here does not wait for it.
        coming.catch(() => undefined)
      }
      yield this.#clOrdIdsOf(rows)
      // Those of replaces lie with the reports of the same orders.
      yield* this.#replaceIds(view, beginning, isLast ? Number.MAX_SAFE_INTEGER : from - 1)
      beginning = from
      if (isLast) return
    }
  }

  /** The client order ids of replaces of the orders from `first` to `last`. */
  async *#replaceIds(view: StoreView, first: number, last: number): AsyncGenerator<Iterable<RecoveredReplaceId>> {
    const { dialect } = view
    let after: readonly [number, number] = [first, -1]
    for (;;) {
      const rows = await view.rows(
        `SELECT r.account, r.order_id, r.sequence, r.client_order_id, ${dialect.amount('r.quantity')}, ` +
          `${dialect.amount('r.price')} FROM replace_client_order_ids i ` +
          `${dialect.join} execution_reports r ON r.order_id = i.order_id AND r.sequence = i.sequence ` +
          `WHERE i.order_id BETWEEN ? AND ? AND ${dialect.behind(['i.order_id', 'i.sequence'], after)} ` +
          'ORDER BY i.order_id, i.sequence LIMIT ?',
        [first, last, PAGE_ROWS],
      )
      yield this.#replaceIdsOf(rows)
      if (rows.length < PAGE_ROWS) return
      after = [rows.at(-1)![1] as number, rows.at(-1)![2] as number]
    }
  }

  *#replaceIdsOf(rows: readonly Row[]): Generator<RecoveredReplaceId> {
    const item: RecoveredReplaceId = { part: 'replaceId', account: 0, orderId: 0, clOrdId: '', quantity: 0, price: 0 }
    for (const row of rows) {
      item.account = row[0] as number
      item.orderId = row[1] as number
      item.clOrdId = row[3] as string
      item.quantity = row[4] as number
      item.price = row[5] as number
      yield item
    }
  }

  /** The order whose client order id is the oldest to be remembered; 0 where all are. */
  async #oldestClOrdId(view: StoreView, clOrdIdsMax: number): Promise<number> {
    let before = Number.MAX_SAFE_INTEGER
    // Some stores walk through the orders themselves to get there, so each statement goes a part of the way.
    for (let left = clOrdIdsMax; left > 0; left -= PAGE_CL_ORD_IDS) {
      const row = await rowOf(
        view,
        'SELECT order_id FROM submissions WHERE client_order_id IS NOT NULL AND order_id < ? ' +
          'ORDER BY order_id DESC LIMIT 1 OFFSET ?',
        [before, Math.min(left, PAGE_CL_ORD_IDS) - 1],
      )
      if (row === undefined) return 0
      before = row[0] as number
    }
    return before
  }

  *#clOrdIdsOf(rows: readonly Row[]): Generator<RecoveredClOrdId> {
    const item: RecoveredClOrdId = { part: 'clOrdId', accepted: this.#rows.accepted }
    for (const row of rows) {
      this.#rows.readAccepted(row, 0, 0)
      yield item
    }
  }

  #ticker(row: Row, at: number): string {
    return formatTicker({ symbol: row[at] as string, venue: row[at + 1] as string }, this.#options.definitions)
  }
}

/** What the reports of an order come to. */
interface Standing {
  status: OrderStatus
  cumQty: number
  reportCount: number
  timestamp: number
  acceptedReportSequence: number
  terms: RecoveredTerms | undefined
  pending: RecoveredTerms | undefined
  /** Of its replaces, in their order; undefined where there were none. */
  replaceIds: RecoveredReplaceId[] | undefined
}

/** Adds a report: order, sequence, status, cumulative quantity, time, query sequence, and the terms of a replace. */
function fold(standings: Map<number, Standing>, row: Row): void {
  const [orderId, sequence, status, cumQty, timestamp, reportSequence] = row as readonly number[]
  let standing = standings.get(orderId!)
  if (standing === undefined) {
    standing = {
      status: OrderStatus.PendingNew,
      cumQty: 0,
      reportCount: 0,
      timestamp: 0,
      acceptedReportSequence: 0,
      terms: undefined,
      pending: undefined,
      replaceIds: undefined,
    }
    standings.set(orderId!, standing)
  }
  standing.status = statusAfter(standing.status, status as OrderStatus)
  standing.cumQty = cumQty!
  standing.reportCount = sequence! + 1
  standing.timestamp = timestamp!
  if (sequence === 0) standing.acceptedReportSequence = reportSequence!
  if (tellsOfReplace(status as OrderStatus)) foldReplace(standing, orderId!, status as OrderStatus, termsOf(row))
}

function termsOf(row: Row): RecoveredTerms {
  const [clOrdId, quantity, price, shortFlag, holdPrice] = row.slice(6) as [string, number, number, number, number]
  return { clOrdId, quantity, price, shortFlag: shortFlag === 1, holdPrice }
}

function foldReplace(standing: Standing, orderId: number, status: OrderStatus, terms: RecoveredTerms): void {
  const { clOrdId, quantity, price } = terms
  // The first report on a replace is the one that has what was asked for.
  if (clOrdId !== '' && standing.pending === undefined) {
    standing.replaceIds ??= []
    standing.replaceIds.push({ part: 'replaceId', account: 0, orderId, clOrdId, quantity, price })
  }
  if (status === OrderStatus.Replaced) {
    standing.terms = { ...terms, clOrdId: clOrdId === '' ? (standing.terms?.clOrdId ?? '') : clOrdId }
  }
  standing.pending = status === OrderStatus.PendingReplace ? terms : undefined
}

/** Ranges of reports that are looked through by one statement. */
interface FillPage {
  readonly ranges: readonly SequenceRange[]
  /** Every fill in them counts. */
  readonly isWhole: boolean
}

/**
 * The reports behind the snapshots. They come in rounds, in which each account goes on by a like part of its history: so
 * what is read together happened at about the same time and lies together, and a store reads each page of it once.
 */
function* fillPages(accounts: readonly AccountSequences[], hasSessionStart: boolean): Generator<FillPage> {
  const isWholeOf = ({ snapshotOrderSequence, snapshotReportSequence }: AccountSequences) =>
    snapshotReportSequence !== null || (snapshotOrderSequence === null && !hasSessionStart)
  for (const isWhole of [true, false]) {
    const spans = accounts
      .filter(account => isWholeOf(account) === isWhole)
      .map(({ account, reportSequence, snapshotReportSequence }) => {
        const before = snapshotReportSequence ?? 0
        return { account, before, reports: reportSequence - before }
      })
    const rounds = Math.ceil(spans.reduce((sum, { reports }) => sum + reports, 0) / ROUND_REPORTS)
    for (let round = 1; round <= rounds; round++) {
      let ranges: SequenceRange[] = []
      let room = PAGE_REPORTS
      for (const { account, before, reports } of spans) {
        const end = before + Math.floor((reports * round) / rounds)
        for (let first = before + 1 + Math.floor((reports * (round - 1)) / rounds); first <= end; ) {
          const last = Math.min(end, first + room - 1)
          ranges.push({ account, first, last })
          room -= last - first + 1
          first = last + 1
          if (room > 0) continue
          yield { ranges, isWhole }
          ranges = []
          room = PAGE_REPORTS
        }
      }
      if (ranges.length > 0) yield { ranges, isWhole }
    }
  }
}

/** What `read` gives for each of the questions, one of them asked ahead. */
async function* readAhead<Question, Answer>(
  questions: Iterable<Question>,
  read: (question: Question) => Promise<Answer>,
): AsyncGenerator<Answer> {
  let coming: Promise<Answer> | undefined
  for (const question of questions) {
    const answer = coming
    coming = read(question)
    // A failure is met where it is waited for, unless whoever asked has stopped by then.
    coming.catch(() => undefined)
    if (answer !== undefined) yield await answer
  }
  if (coming !== undefined) yield await coming
}
