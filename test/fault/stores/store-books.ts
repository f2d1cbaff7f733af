// The clients' books against what the server keeps: every event there ever was stands in the journals and in the rows of
// each endpoint, as it was told to the clients, and nothing else does. Rows are read by plain SQL, as a person would.

import { deepEqual, ok, strictEqual } from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import type { MysqlRow } from '../../../src/base/mysql.ts'
import { definitionsData, definitionsFromData } from '../../../src/domain/definitions.ts'
import { MICROS } from '../../../src/domain/money.ts'
import { OrderStatus } from '../../../src/domain/order-status.ts'
import { readTicker } from '../../../src/domain/tickers.ts'
import { JournalReader } from '../../../src/journal/journal-reader.ts'
import { listSegments } from '../../../src/journal/segment.ts'
import { Kind } from '../../../src/protocol/kinds.ts'
import { unpack } from '../../../src/protocol/msgpack.ts'
import { Accepted, type AccountBooks, Report } from '../account-books.ts'
import type { Message } from '../wire-client.ts'

const definitions = definitionsFromData(definitionsData)

/** Rows read by one statement. */
const PAGE_ROWS = 10_000

/** Whoever can be asked for rows. */
export interface Askable {
  query(sql: string): Promise<MysqlRow[]>
}

/** The schema of one endpoint. */
export interface HeldRows {
  readonly name: string
  readonly server: Askable
  readonly schema: string
}

/** Where each journal ends: the sequence of its last entry, by name. */
export type JournalEnds = ReadonlyMap<string, number>

// ── journals ──────────────────────────────────────────────────────────────────────────────────────────────────────────

/** Keeps a second name for every segment of the journals, so that what the server deletes can still be read. */
export class JournalKeep {
  readonly folder: string
  readonly #data: string
  #timer: NodeJS.Timeout | undefined

  constructor(dataFolder: string) {
    this.#data = path.join(dataFolder, 'journal')
    this.folder = path.join(dataFolder, '..', 'kept-journal')
  }

  /** Looks for new segments now and again; a segment lives long enough to be seen. */
  start(): void {
    this.#timer = setInterval(() => this.link(), 50)
    this.#timer.unref()
  }

  stop(): void {
    clearInterval(this.#timer)
    this.link()
  }

  link(): void {
    if (!fs.existsSync(this.#data)) return
    for (const name of fs.readdirSync(this.#data)) {
      const kept = path.join(this.folder, name)
      fs.mkdirSync(kept, { recursive: true })
      for (const { file } of listSegments(path.join(this.#data, name))) {
        const second = path.join(kept, path.basename(file))
        if (fs.existsSync(second)) continue
        try {
          fs.linkSync(file, second)
        } catch (error) {
          // Deleted between the look and the link: then it is missing, and reading the journal will show it.
          if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
        }
      }
    }
  }
}

/** Reads the journals from their first entry to their last and holds them against the books. @returns their ends */
export function verifyJournals(folder: string, books: readonly AccountBooks[]): JournalEnds {
  const known = new Map(books.map(each => [each.account, each]))
  const found = new Map(books.map(each => [each.account, 0]))
  const ends = new Map<string, number>()
  for (const name of fs.readdirSync(folder).sort()) {
    const reader = JournalReader.open(path.join(folder, name), 1)
    reader.read((_, bytes, offset, length) => {
      const event = unpack(bytes, offset, offset + length) as Message // every entry is a message
      if (event[0] === Kind.InventorySnapshot) return
      const account = event[2] as number
      const owner = known.get(account)
      ok(owner !== undefined, `a journal has an event of account ${account}, which nobody traded`)
      event[1] = 0
      const sequence = event[3] as number
      deepEqual(event, owner.events[sequence - 1], `${owner.name}: report ${sequence} is journaled otherwise than told`)
      found.set(account, found.get(account)! + 1)
    })
    ends.set(name, reader.nextSequence - 1)
    reader.close()
  }
  for (const { account, name, next } of books) {
    strictEqual(found.get(account), next - 1, `${name}: the journals have another number of events than were told`)
  }
  return ends
}

/** Where the journals end, without a look at what is in them. */
export function journalEnds(dataFolder: string): JournalEnds {
  const folder = path.join(dataFolder, 'journal')
  const ends = new Map<string, number>()
  for (const name of fs.readdirSync(folder).sort()) {
    const last = listSegments(path.join(folder, name)).at(-1)
    if (last === undefined) continue
    const reader = JournalReader.open(path.join(folder, name), last.firstSequence)
    reader.read(() => undefined)
    ends.set(name, reader.nextSequence - 1)
    reader.close()
  }
  return ends
}

// ── rows ──────────────────────────────────────────────────────────────────────────────────────────────────────────────

/** How far the journals have been copied, as the rows say. */
export async function positionsOf({ server, schema }: HeldRows): Promise<Map<string, number>> {
  const rows = await server.query(`SELECT journal, sequence FROM ${schema}.journal_positions ORDER BY journal`)
  return new Map(rows.map(({ journal, sequence }) => [String(journal), Number(sequence)]))
}

/** Holds everything in the tables against the books. @param ends where the journals end. */
export async function verifyRows(
  held: HeldRows,
  books: readonly AccountBooks[],
  ends: JournalEnds,
): Promise<{ orders: number; reports: number }> {
  const { server, schema, name } = held
  const positions = await positionsOf(held)
  deepEqual(
    [...positions],
    [...ends].filter(([, end]) => end > 0),
    `${name}: other positions than the journals end at`,
  )
  deepEqual(await server.query(`SELECT journal, sequence, reason FROM ${schema}.set_aside`), [], `${name}: set aside`)

  const total = { orders: 0, reports: 0 }
  for (const each of books) {
    const events = each.events.slice(0, each.next - 1)
    const orders = events.filter(event => event[0] === Kind.OrderAccepted)
    await compare(held, each, 'submissions', submissionColumns, orders.map(submissionRow))
    await compare(held, each, 'execution_reports', reportColumns, events.map(reportRow))
    total.orders += orders.length
    total.reports += events.length

    const { live } = each.after(events.length)
    const rows = await server.query(`SELECT order_id FROM ${schema}.live_orders WHERE account = ${each.account}`)
    const found = rows.map(({ order_id }) => Number(order_id))
    deepEqual(new Set(found), live, `${name}: other live orders of ${each.name}`)
    await compareViews(held, each, live.size, orders.length)

    const last = orders.at(-1)
    const [sequences] = await server.query(
      `SELECT order_sequence, report_sequence FROM ${schema}.account_sequences WHERE account = ${each.account}`,
    )
    deepEqual(
      [sequences?.order_sequence, sequences?.report_sequence].map(Number),
      [last?.[Accepted.orderSequence] ?? 0, events.length].map(Number),
      `${name}: other sequences of ${each.name}`,
    )
    await compareSnapshot(held, each)
  }
  // Nothing of anybody else.
  for (const [table, count] of [
    ['submissions', total.orders],
    ['execution_reports', total.reports],
  ] as const) {
    const [row] = await server.query(`SELECT COUNT(*) AS n FROM ${schema}.${table}`)
    strictEqual(Number(row!.n), count, `${name}: ${table} has another number of rows than there were events`)
  }
  return total
}

/** Columns with what they hold, as texts that compare. */
type Columns = Readonly<Record<string, (value: unknown) => string>>

const plain = (value: unknown) => String(value ?? '')
const bytes = (value: unknown) => {
  if (value === null || value === undefined) return 'null'
  return (value as Buffer).length === 0 ? 'null' : JSON.stringify(unpack(value as Buffer))
}

const submissionColumns: Columns = {
  order_id: plain,
  submission_account: plain,
  symbol: plain,
  venue: plain,
  currency: plain,
  type: plain,
  side: plain,
  destination: plain,
  quantity: microsText,
  price: microsText,
  time_in_force: plain,
  time_in_force_expiry: timeText,
  additional_fields: bytes,
  shorting_flag: plain,
  timestamp: timeText,
  query_sequence: plain,
  client_order_id: plain,
  hold_price: microsText,
}

function submissionRow(event: Message): string[] {
  const [, , , , orderId, orderSequence, timestamp, submitter, tickerText, currency, type, side, destination] = event
  const [quantity, price, timeInForce, expiry, clOrdId, tags, shortFlag, holdPrice] = event.slice(13)
  const { symbol, venue } = readTicker(String(tickerText), definitions)
  return [
    plain(orderId),
    plain(submitter),
    symbol,
    venue,
    plain(currency),
    plain(type),
    plain(side),
    plain(destination),
    wireMicros(quantity),
    wireMicros(price),
    plain(timeInForce),
    plain(expiry ?? 0),
    JSON.stringify(tags ?? null),
    plain(shortFlag ?? 0),
    plain(timestamp),
    plain(orderSequence),
    plain(clOrdId),
    plain(holdPrice ?? 0),
  ]
}

const reportColumns: Columns = {
  order_id: plain,
  sequence: plain,
  status: plain,
  last_quantity: microsText,
  last_price: microsText,
  cumulative_quantity: microsText,
  leaves_quantity: microsText,
  liquidity_flag: plain,
  last_market: plain,
  execution_fee: microsText,
  processing_fee: microsText,
  commission: microsText,
  text: plain,
  timestamp: timeText,
  query_sequence: plain,
  reason: plain,
  params: plain,
  additional_tags: bytes,
  operator: plain,
  client_order_id: plain,
  quantity: microsText,
  price: microsText,
  shorting_flag: plain,
  hold_price: microsText,
}

function reportRow(event: Message): string[] {
  if (event[0] === Kind.OrderAccepted) {
    const quantity = wireMicros(event[Accepted.quantity])
    const [orderId, timestamp, sequence] = [event[Accepted.orderId], event[Accepted.timestamp], event[3]].map(plain)
    const none = ['0', '0', '0']
    const head = [orderId!, '0', plain(OrderStatus.PendingNew), ...none, quantity, '', '', ...none]
    return [...head, '', timestamp!, sequence!, '0', '', 'null', '0', '', '0', '0', '0', '0']
  }
  const [lastQty, lastPx, cumQty, leavesQty, liquidityFlag, lastMarket, ...fees] = event.slice(Report.lastQty, 17)
  const [reason, params, text, tags, operator, clOrdId, quantity, price, shortFlag, holdPrice] = event.slice(
    Report.reason,
  )
  const [executionFee, processingFee, commission] = fees
  const hasParams = Array.isArray(params) && params.length > 0
  return [
    plain(event[Report.orderId]),
    plain(event[Report.sequence]),
    plain(event[Report.status]),
    wireMicros(lastQty),
    wireMicros(lastPx),
    wireMicros(cumQty),
    wireMicros(leavesQty),
    plain(liquidityFlag),
    plain(lastMarket),
    wireMicros(executionFee),
    wireMicros(processingFee),
    wireMicros(commission),
    plain(text),
    plain(event[Report.timestamp]),
    plain(event[Report.reportSequence]),
    plain(reason ?? 0),
    hasParams ? JSON.stringify(params) : '',
    JSON.stringify(tags ?? null),
    plain(operator ?? 0),
    plain(clOrdId ?? ''),
    wireMicros(quantity ?? 0),
    wireMicros(price ?? 0),
    plain(shortFlag ?? 0),
    plain(holdPrice ?? 0),
  ]
}

/** Compares a table's rows of one account with those there have to be, page by page. */
async function compare(
  { server, schema, name }: HeldRows,
  books: AccountBooks,
  table: string,
  columns: Columns,
  expected: readonly string[][],
): Promise<void> {
  const names = Object.keys(columns)
  let behind = 0
  for (let start = 0; ; ) {
    const rows = await server.query(
      `SELECT ${names.join()} FROM ${schema}.${table} WHERE account = ${books.account} AND query_sequence > ${behind} ` +
        `ORDER BY query_sequence LIMIT ${PAGE_ROWS}`,
    )
    const found = rows.map(row => names.map(column => columns[column]!(row[column])))
    const wanted = expected.slice(start, start + Math.max(1, rows.length))
    // One comparison for the page; a difference is then shown row by row.
    if (JSON.stringify(found) !== JSON.stringify(wanted)) {
      for (const [index, row] of wanted.entries()) {
        deepEqual(
          named(names, found[index]),
          named(names, row),
          `${name}: ${table} of ${books.name}, row ${start + index}`,
        )
      }
      strictEqual(found.length, wanted.length, `${name}: ${table} of ${books.name} has rows nobody was told of`)
    }
    start += rows.length
    if (rows.length === 0) return
    behind = Number(rows.at(-1)!.query_sequence)
  }
}

function named(names: readonly string[], values: readonly string[] | undefined): Record<string, string> | undefined {
  return values && Object.fromEntries(names.map((column, index) => [column, values[index]!]))
}

async function compareViews(held: HeldRows, books: AccountBooks, live: number, orders: number): Promise<void> {
  const { server, schema, name } = held
  const count = async (view: string) => {
    const [row] = await server.query(`SELECT COUNT(*) AS n FROM ${schema}.${view} WHERE account = ${books.account}`)
    return Number(row!.n)
  }
  const counts = [await count('live_submissions'), await count('terminal_submissions')]
  deepEqual(counts, [live, orders - live], `${name}: live and ended orders of ${books.name}`)
}

/** The account's inventory snapshot, where there is one, holds what was traded up to its report. */
async function compareSnapshot({ server, schema, name }: HeldRows, books: AccountBooks): Promise<void> {
  const where = `WHERE account = ${books.account}`
  const [head] = await server.query(
    `SELECT report_sequence FROM ${schema}.order_execution_inventory_sequences ${where}`,
  )
  const rows = await server.query(
    'SELECT symbol, venue, quantity, cost_basis, gross_profit_and_loss, fees, volume, transaction_count ' +
      `FROM ${schema}.order_execution_inventory_entries ${where}`,
  )
  const found = new Map(
    rows.map(row => [
      `${row.symbol}.${row.venue}`,
      [row.quantity, row.cost_basis, row.gross_profit_and_loss, row.fees, row.volume]
        .map(microsText)
        .concat(plain(row.transaction_count)),
    ]),
  )
  const wanted = new Map<string, string[]>()
  if (head !== undefined) {
    for (const [text, inventory] of books.after(Number(head.report_sequence)).inventories) {
      const { symbol, venue } = readTicker(text, definitions)
      const { quantity, costBasis, gross, fees, volume, transactions } = inventory
      if (transactions > 0)
        wanted.set(`${symbol}.${venue}`, [quantity, costBasis, gross, fees, volume, transactions].map(plain))
    }
  }
  deepEqual([...found].sort(), [...wanted].sort(), `${name}: the snapshot of ${books.name}`)
}

/** An exact decimal, as the driver gives it, in whole micros. */
function microsText(value: unknown): string {
  const [, sign, whole, fraction = ''] = /^(-?)(\d+)(?:\.(\d{1,6}))?$/.exec(String(value)) ?? []
  ok(whole !== undefined, `${String(value)} is no exact decimal of at most six places`)
  const micros = BigInt(whole + fraction.padEnd(6, '0'))
  return String(sign === '-' ? -micros : micros)
}

/** A time, as the driver gives it, in µs since the epoch; none is 0. */
function timeText(value: unknown): string {
  if (value === null || value === undefined) return '0'
  const [, day, time, fraction = ''] = /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)(?:\.(\d{1,6}))?$/.exec(String(value)) ?? []
  ok(day !== undefined, `${String(value)} is no time`)
  return String(BigInt(Date.parse(`${day}T${time}Z`)) * 1000n + BigInt(fraction.padEnd(6, '0')))
}

/** An amount on the wire in whole micros. */
function wireMicros(amount: unknown): string {
  return String(Math.round(Number(amount ?? 0) * MICROS) + 0)
}
