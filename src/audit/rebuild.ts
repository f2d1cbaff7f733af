// Makes one store whole again, from another store or from the journals, by the road on which the writer fills it: events,
// in batches, each applied once. A rebuild that was interrupted goes on where it was.
//
//   take the store away, empty it ─→ from a store: for each account, the events it lacks; once more for what came meanwhile
//                                 └→ from the journals: their entries, each account in its order
//   ─→ give the store back at the positions it then has; the server's stream goes on from there

import { assert } from '../base/assert.ts'
import type { Definitions } from '../domain/definitions.ts'
import { formatTicker } from '../domain/tickers.ts'
import { type JournalRange, journalRange } from '../journal/journal-range.ts'
import { JournalReader } from '../journal/journal-reader.ts'
import { FRAME_HEADER_BYTES } from '../protocol/frames.ts'
import { Kind } from '../protocol/kinds.ts'
import { MessageWriter } from '../protocol/message-writer.ts'
import { accountAt, EventOffset, encodeSnapshot, reportSequenceAt } from '../protocol/order-events.ts'
import { EventBatch } from '../stores/event-batch.ts'
import { EventRows, REPORT_COLUMN_COUNT, ReportColumn, reportsOf, submissionsOf } from '../stores/event-rows.ts'
import { openStore } from '../stores/open-store.ts'
import type { OrderStore } from '../stores/order-store.ts'
import type { Row, SequenceRange, StoreView } from '../stores/readable-store.ts'
import type { MysqlEndpoint, StoreEndpoint } from '../stores/store-endpoint.ts'
import type { JournalToScan } from './journal-scan.ts'
import { PAGE_ROWS, PagedRows } from './paged-rows.ts'
import { REBUILD_JOURNAL, RebuildTarget } from './rebuild-target.ts'
import { readFacts } from './store-status.ts'
import { type StoreTables, withTables } from './store-tables.ts'

/** The rebuild cannot be done, or what it would be made from is not whole. */
export class RebuildFailed extends Error {
  override name = 'RebuildFailed'
}

export interface RebuildOptions {
  readonly definitions: Definitions
  readonly journals: readonly JournalToScan[]
  readonly batchRowsMax: number
  readonly batchBytesMax: number
  /** Events written so far, of about so many. */
  readonly onProgress?: (done: number, total: number) => void | Promise<void>
}

export interface RebuildSummary {
  /** Events written by this run. */
  readonly events: number
  /** True where an earlier run was gone on with. */
  readonly isResumed: boolean
}

/** Times that what came meanwhile is fetched, before the journals must have the rest. */
const ROUNDS_MAX = 20
/** Events fetched from the source at once. */
const FETCH_ROWS = 10_000

interface AccountEnd {
  readonly orderSequence: number
  readonly reportSequence: number
}

/**
 * Rebuilds `target` from `source`, another store of the same installation.
 * @throws RebuildFailed, StoreUnavailable, StoreMismatch, SchemaTooNew; running it again goes on.
 */
export async function rebuildFromStore(
  target: MysqlEndpoint,
  source: StoreEndpoint,
  installation: string,
  options: RebuildOptions,
): Promise<RebuildSummary> {
  await makeTables(target, options.definitions)
  if (await haveSameTables(target, source)) {
    throw new RebuildFailed(`${target.name} and ${source.name} are the same tables: there is nothing to rebuild from.`)
  }
  await checkOwner(source, installation)
  const names = options.journals.map(({ name }) => name)
  const control = await RebuildTarget.open(target, installation)
  try {
    // What was begun from a store that was further than this one cannot be gone on with.
    const isResumed = (await control.isBegun('stores')) && !(await isAhead(target, source))
    if (!isResumed) await control.empty(names, 'stores')
    const filling = new Filling(target, options)
    for (let round = 1; ; round++) {
      const { positions, setAside, accountEnds } = await withTables(source, tables => filling.round(tables))
      await control.finish({ positions, setAside, accountEnds })
      if (names.every(name => isHeld(options.journals, name, positions.get(name) ?? 0))) {
        return { events: filling.events, isResumed }
      }
      if (round === ROUNDS_MAX) {
        throw new RebuildFailed(
          `${target.name} has what ${source.name} had, but the journals already begin behind that: stop the server and ` +
            'run the rebuild again, or give the server less to do meanwhile.',
        )
      }
      await control.takeAgain(names, filling.position)
    }
  } finally {
    await control.close()
  }
}

/** Whether the target has reports of any account that the source does not have. */
async function isAhead(target: StoreEndpoint, source: StoreEndpoint): Promise<boolean> {
  const has = await withTables(target, ({ view }) => endsOf(view))
  const ends = await withTables(source, ({ view }) => endsOf(view))
  return [...has].some(([account, end]) => end > (ends.get(account) ?? 0))
}

/** Whether the journal still has what follows the position. */
function isHeld(journals: readonly JournalToScan[], name: string, position: number): boolean {
  const { first } = journalRange(journals.find(journal => journal.name === name)!.directory)
  return first === undefined || first <= position + 1
}

/** Before anything is emptied. */
async function checkOwner(source: StoreEndpoint, installation: string): Promise<void> {
  const { owner } = await withTables(source, ({ view }) => readFacts(view))
  if (owner === installation) return
  throw new RebuildFailed(`${source.name} belongs to ${owner ?? 'nobody'}, not to this installation, ${installation}.`)
}

/** Opens the store as its writer does, so that its tables are there and of this version. */
async function makeTables(target: MysqlEndpoint, definitions: Definitions): Promise<void> {
  const store = await openStore(target, { definitions })
  await store.close()
}

/** True for two names of one schema, or the same schema on two nodes of one cluster. */
async function haveSameTables(target: MysqlEndpoint, source: StoreEndpoint): Promise<boolean> {
  if (source.kind !== 'mysql' || source.schema !== target.schema) return false
  const [a, b] = await Promise.all(
    [target, source].map(endpoint =>
      withTables(endpoint, async ({ view }) => [await serverOf(view), await clusterOf(view)]),
    ),
  )
  return a![0] === b![0] || (a![1] !== undefined && a![1] === b![1])
}

/** What tells two servers apart. */
async function serverOf(view: StoreView): Promise<string> {
  const [row] = await view.rows('SELECT @@hostname, @@port, @@datadir')
  return JSON.stringify(row)
}

async function clusterOf(view: StoreView): Promise<string | undefined> {
  const [row] = await view.rows("SHOW STATUS LIKE 'wsrep_cluster_state_uuid'")
  const id = row?.[1]
  return typeof id === 'string' && id !== '' && !/^[0-]+$/.test(id) ? id : undefined
}

/** Writes what a source has and the target lacks. */
class Filling {
  readonly #target: MysqlEndpoint
  readonly #options: RebuildOptions
  readonly #writer = new MessageWriter(1 << 14, 1 << 26)
  readonly #rows: EventRows
  readonly #batch: EventBatch
  #total = 0
  events = 0
  /** Of what stands in place of the journal. */
  position = 0

  constructor(target: MysqlEndpoint, options: RebuildOptions) {
    this.#target = target
    this.#options = options
    this.#rows = new EventRows(options.definitions)
    this.#batch = new EventBatch(options.batchRowsMax)
  }

  /** Brings the target to where the source is. */
  async round(source: StoreTables) {
    const { view, name } = source
    const facts = await readFacts(view)
    const store = await openStore(this.#target, { definitions: this.#options.definitions })
    try {
      this.position = (await store.positions()).get(REBUILD_JOURNAL) ?? 0
      this.#begin()
      const ends = await withTables(this.#target, ({ view }) => endsOf(view))
      this.#total = this.events + (await lacking(view, ends))
      const accountEnds = new Map<number, AccountEnd>()
      let missing = 0
      await forRanges(view, ends, async (ranges, last) => {
        missing += await this.#copyReports(store, view, ranges)
        for (const [account, end] of last) accountEnds.set(account, end)
      })
      if (missing > facts.setAside) {
        throw new RebuildFailed(
          `${name} lacks ${missing} reports itself: compare it with the journals by oes store verify.`,
        )
      }
      await this.#copySnapshots(store, source)
      await this.#apply(store)
      const setAside = await view.rows('SELECT journal, sequence, reason, bytes FROM set_aside')
      // Only where something was set aside may an account stand behind its rows.
      return { positions: facts.positions, setAside, accountEnds: facts.setAside > 0 ? accountEnds : undefined }
    } finally {
      await store.close()
    }
  }

  /** @returns how many events of the ranges the source does not have. */
  async #copyReports(store: OrderStore, view: StoreView, ranges: readonly SequenceRange[]): Promise<number> {
    const rows = await view.rowsInRanges(
      `SELECT ${reportsOf(view.dialect)}, ${submissionsOf(view.dialect)} FROM execution_reports r ` +
        'LEFT JOIN submissions s ON s.order_id = r.order_id AND r.sequence = 0 WHERE',
      'r',
      ranges,
    )
    for (const row of rows) {
      this.#encode(row)
      await this.#add(store)
    }
    await this.#options.onProgress?.(this.events + this.#batch.count, this.#total)
    return ranges.reduce((sum, { first, last }) => sum + last - first + 1, 0) - rows.length
  }

  #encode(row: Row): void {
    this.#writer.position = 0
    if (row[ReportColumn.sequence] !== 0) {
      this.#rows.encodeReport(this.#writer, row, 0)
      return
    }
    const orderId = row[ReportColumn.orderId]
    if (row[REPORT_COLUMN_COUNT] === null) {
      throw new RebuildFailed(`The source lacks the submission of order ${orderId}: see oes store audit.`)
    }
    this.#rows.encodeAccepted(this.#writer, row, REPORT_COLUMN_COUNT, row[ReportColumn.reportSequence] as number)
  }

  /** Adds the event that was encoded. */
  async #add(store: OrderStore): Promise<void> {
    const batch = this.#batch
    if (batch.isFull || batch.sizeBytes >= this.#options.batchBytesMax) await this.#apply(store)
    const bytes = bufferOf(this.#writer.bytes)
    const length = this.#writer.position - FRAME_HEADER_BYTES
    batch.add(this.position + batch.count + 1, bytes, FRAME_HEADER_BYTES, length)
  }

  #begin(): void {
    this.#batch.begin(REBUILD_JOURNAL)
  }

  async #apply(store: OrderStore): Promise<void> {
    const batch = this.#batch
    if (batch.count === 0) return
    const [refused] = await store.apply(batch)
    if (refused !== undefined) {
      throw new RebuildFailed(`${store.name} does not take a row that the source has: ${refused.reason}.`)
    }
    this.position = batch.lastSequence
    this.events += batch.count
    this.#begin()
    await this.#options.onProgress?.(this.events, this.#total)
  }

  /** Snapshots that are exact; what other tools made is not needed where all reports are there. */
  async #copySnapshots(store: OrderStore, { view }: StoreTables): Promise<void> {
    const { dialect } = view
    const sequence = 'SELECT account, sequence, report_sequence'
    const has = await withTables(this.#target, ({ view }) => snapshotsOf(view))
    const heads = new PagedRows(last =>
      view.rows(
        `${sequence}, ${dialect.time('timestamp')}, currency FROM order_execution_inventory_sequences ` +
          `WHERE account > ? AND report_sequence IS NOT NULL ORDER BY account LIMIT ${PAGE_ROWS}`,
        [last?.[0] ?? -1],
      ),
    )
    for (await heads.fill(); heads.row !== undefined; heads.needsPage && (await heads.fill())) {
      const [account, orderSequence, reportSequence, timestamp, currency] = heads.row.map(Number)
      heads.advance()
      if (has.get(account!) === reportSequence) continue
      const amounts = ['quantity', 'cost_basis', 'gross_profit_and_loss', 'fees', 'volume'].map(column =>
        dialect.amount(column),
      )
      const entries = await view.rows(
        `SELECT symbol, venue, currency, ${amounts.join(', ')}, transaction_count, ${dialect.amount('expenditure')} ` +
          'FROM order_execution_inventory_entries WHERE account = ? ORDER BY symbol, venue, currency',
        [account!],
      )
      const live = await view.rows(
        'SELECT id FROM order_execution_inventory_excluded_orders WHERE account = ? ORDER BY id',
        [account!],
      )
      this.#writer.position = 0
      encodeSnapshot(this.#writer, {
        account: account!,
        reportSequence: reportSequence!,
        orderSequence: orderSequence!,
        timestamp: timestamp!,
        currency: currency!,
        entries: entries.map(([symbol, venue, ...numbers]) => {
          const [currency, quantity, costBasis, gross, fees, volume, transactions, expenditure] = numbers.map(Number)
          const ticker = formatTicker({ symbol: String(symbol), venue: String(venue) }, this.#options.definitions)
          return {
            ticker,
            currency: currency!,
            quantity: quantity!,
            costBasis: costBasis!,
            gross: gross!,
            fees: fees!,
            volume: volume!,
            transactions: transactions!,
            expenditure: expenditure!,
          }
        }),
        liveOrderIds: live.map(([id]) => Number(id)),
      })
      await this.#add(store)
    }
  }
}

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

/** Report sequence of each account's snapshot. */
async function snapshotsOf(view: StoreView): Promise<Map<number, number>> {
  const found = new Map<number, number>()
  const rows = new PagedRows(last =>
    view.rows(
      'SELECT account, report_sequence FROM order_execution_inventory_sequences ' +
        `WHERE account > ? AND report_sequence IS NOT NULL ORDER BY account LIMIT ${PAGE_ROWS}`,
      [last?.[0] ?? -1],
    ),
  )
  for (await rows.fill(); rows.row !== undefined; rows.needsPage && (await rows.fill())) {
    found.set(Number(rows.row[0]), Number(rows.row[1]))
    rows.advance()
  }
  return found
}

function endPages(view: StoreView): PagedRows {
  return new PagedRows(last =>
    view.rows(
      'SELECT account, order_sequence, report_sequence FROM account_sequences ' +
        `WHERE account > ? ORDER BY account LIMIT ${PAGE_ROWS}`,
      [last?.[0] ?? -1],
    ),
  )
}

/** Last report sequence of each account. */
async function endsOf(view: StoreView): Promise<Map<number, number>> {
  const ends = new Map<number, number>()
  const rows = endPages(view)
  for (await rows.fill(); rows.row !== undefined; rows.needsPage && (await rows.fill())) {
    ends.set(Number(rows.row[0]), Number(rows.row[2]))
    rows.advance()
  }
  return ends
}

/** How many reports the view has beyond these ends. */
async function lacking(view: StoreView, ends: ReadonlyMap<number, number>): Promise<number> {
  let total = 0
  for (const [account, end] of await endsOf(view)) total += Math.max(0, end - (ends.get(account) ?? 0))
  return total
}

/** Calls `copy` with what the view has beyond the ends, FETCH_ROWS reports at once, in the order of accounts. */
async function forRanges(
  view: StoreView,
  ends: ReadonlyMap<number, number>,
  copy: (ranges: readonly SequenceRange[], last: ReadonlyMap<number, AccountEnd>) => Promise<void>,
): Promise<void> {
  let ranges: SequenceRange[] = []
  let last = new Map<number, AccountEnd>()
  let rows = 0
  const flush = async () => {
    await copy(ranges, last)
    ranges = []
    last = new Map()
    rows = 0
  }
  const accounts = endPages(view)
  for (await accounts.fill(); accounts.row !== undefined; accounts.needsPage && (await accounts.fill())) {
    const [account, orderSequence, reportSequence] = accounts.row.map(Number)
    accounts.advance()
    for (let first = (ends.get(account!) ?? 0) + 1; first <= reportSequence!; ) {
      const until = Math.min(reportSequence!, first + FETCH_ROWS - rows - 1)
      ranges.push({ account: account!, first, last: until })
      rows += until - first + 1
      first = until + 1
      if (first > reportSequence!) {
        last.set(account!, { orderSequence: orderSequence!, reportSequence: reportSequence! })
      }
      if (rows >= FETCH_ROWS) await flush()
    }
  }
  if (ranges.length > 0) await flush()
}

/**
 * Rebuilds `target` from journals that reach back to their first entries.
 * @throws RebuildFailed, StoreUnavailable, StoreMismatch, SchemaTooNew, JournalDamaged; running it again goes on.
 */
export async function rebuildFromJournals(
  target: MysqlEndpoint,
  installation: string,
  options: RebuildOptions,
): Promise<RebuildSummary> {
  await makeTables(target, options.definitions)
  const control = await RebuildTarget.open(target, installation)
  try {
    const isResumed = await control.isBegun('journals')
    if (!isResumed) {
      await control.empty(
        options.journals.map(({ name }) => name),
        'journals',
      )
    }
    const store = await openStore(target, { definitions: options.definitions })
    try {
      const ends = await withTables(target, ({ view }) => endsOf(view))
      const events = await copyJournals(store, ends, options)
      await store.confirm()
      await control.finish({})
      return { events, isResumed }
    } finally {
      await store.close()
    }
  } finally {
    await control.close()
  }
}

/** One journal on its way into a store. */
interface Tail {
  readonly journal: JournalToScan
  readonly reader: JournalReader
  readonly range: JournalRange
}

/** An entry has to wait for one of another journal: the account was there before. */
const WAITS = new Error('an entry waits for another journal')

/**
 * Applies what the journals hold beyond the store's positions. Accounts may have moved from journal to journal when the
 * number of shards changed; each account's events are applied in their order all the same.
 * @param ends last report sequence of each account; kept up to date.
 * @returns how many entries were applied.
 */
export async function copyJournals(
  store: OrderStore,
  ends: Map<number, number>,
  { journals, batchRowsMax, batchBytesMax, onProgress }: Omit<RebuildOptions, 'definitions'>,
): Promise<number> {
  const positions = await store.positions()
  const tails = journals.map((journal): Tail => {
    const stored = positions.get(journal.name) ?? 0
    return {
      journal,
      reader: JournalReader.open(journal.directory, stored + 1),
      range: journalRange(journal.directory),
    }
  })
  const total = tails.reduce((sum, { reader, range }) => sum + Math.max(0, range.next - reader.nextSequence), 0)
  const batch = new EventBatch(batchRowsMax)
  let done = 0
  try {
    for (let isForced = false; ; ) {
      let copied = 0
      for (const tail of tails) {
        const entries = fill(batch, tail, ends, batchBytesMax, isForced && copied === 0)
        if (entries === 0) continue
        await store.apply(batch)
        copied += entries
        await onProgress?.(done + copied, total)
      }
      done += copied
      // Where every journal waits, what is waited for was set aside or never was: the first of them goes on.
      if (copied > 0) isForced = false
      else if (isForced || tails.every(({ reader, range }) => reader.nextSequence >= range.next)) break
      else isForced = true
    }
  } finally {
    for (const { reader } of tails) reader.close()
  }
  assert(done <= total)
  return done
}

/** Takes entries of the journal as long as their accounts are so far. @param isForced the first may come too early. */
function fill(
  batch: EventBatch,
  { journal, reader, range }: Tail,
  ends: Map<number, number>,
  bytesMax: number,
  isForced: boolean,
): number {
  batch.begin(journal.name)
  try {
    while (reader.nextSequence < range.next && !batch.isFull && batch.sizeBytes < bytesMax) {
      reader.read(
        (sequence, bytes, offset, length) => {
          if (length >= EventOffset.reportSequence + 8) {
            const account = accountAt(bytes, offset)
            const end = ends.get(account) ?? 0
            const reportSequence = reportSequenceAt(bytes, offset)
            const isSnapshot = bytes[offset + EventOffset.kind] === Kind.InventorySnapshot
            const isTooEarly = reportSequence > (isSnapshot ? end : end + 1)
            if (isTooEarly && !(isForced && batch.count === 0)) throw WAITS
            if (!isSnapshot && reportSequence > end) ends.set(account, reportSequence)
          }
          batch.add(sequence, bytes, offset, length)
        },
        { entriesMax: Math.min(256, batch.rowsMax - batch.count), untilSequence: range.next },
      )
    }
  } catch (error) {
    if (error !== WAITS) throw error
  }
  return batch.count
}
