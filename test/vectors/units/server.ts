// Unit `server`: the whole service in rehearsal, with a market that only does what the script says. The vectors know one
// subscription per kind of message; here a session follows accounts, and everything of an account comes in one stream of
// orders and reports. So this page keeps what each session of a vector asked for, and tells each event of a stream as the
// messages that the vector expects of it. A coded refusal stands for the empty answer or the silence of the vectors.

import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { openDatabase, openDatabaseToRead } from '../../../src/base/sqlite.ts'
import type { Destination } from '../../../src/destinations/destination.ts'
import { formatDecimal } from '../../../src/domain/decimal.ts'
import { type Definitions, definitionsData, definitionsFromData } from '../../../src/domain/definitions.ts'
import { numberOfMicros } from '../../../src/domain/money.ts'
import { OrderStatus, orderStatusNames } from '../../../src/domain/order-status.ts'
import { orderTypeNames } from '../../../src/domain/order-type.ts'
import { Reason, reasonName } from '../../../src/domain/reasons.ts'
import { sideNames } from '../../../src/domain/side.ts'
import { TagType } from '../../../src/domain/tags.ts'
import { readTicker } from '../../../src/domain/tickers.ts'
import { timeInForceNames } from '../../../src/domain/time-in-force.ts'
import { Kind, LimitKind, RangePoint } from '../../../src/protocol/kinds.ts'
import { MessageWriter } from '../../../src/protocol/message-writer.ts'
import { pack, type Value } from '../../../src/protocol/msgpack.ts'
import { encodeAccepted, encodeReport } from '../../../src/protocol/order-events.ts'
import type { OrderLife } from '../../../src/shards/order-life.ts'
import { NO_SLOT } from '../../../src/shards/order-table.ts'
import type { ShardState } from '../../../src/shards/shard-state.ts'
import { EmbeddedStore } from '../../../src/stores/embedded-store.ts'
import { EventBatch } from '../../../src/stores/event-batch.ts'
import { Rehearsal } from '../../simulation/rehearsal.ts'
import type { RehearsedPeer } from '../../simulation/rehearsed-peer.ts'
import { ScriptedDirectory } from '../../simulation/scripted-directory.ts'
import { differences } from '../compare.ts'
import type { Vector, VectorUnit } from '../unit.ts'
import { type Amount, amount, currencyCode, currencyId } from '../values.ts'

interface Fields {
  readonly ticker?: string | { readonly symbol?: string; readonly venue?: string }
  readonly account?: string
  readonly currency?: string
  readonly type?: string
  readonly side?: string
  readonly destination?: string
  readonly quantity?: Amount
  readonly price?: Amount
  readonly time_in_force?: string
  readonly expiry?: string
  readonly additional_fields?: readonly { readonly key: number; readonly type: string; readonly value: unknown }[]
}

interface Report {
  readonly status: string
  /** Account-wide, in a seed. */
  readonly sequence?: number
  readonly time?: string
  readonly last_quantity?: Amount
  readonly last_price?: Amount
  readonly text?: string
  readonly last_market?: string
}

interface SeededOrder {
  readonly order_id: number
  readonly label: string
  readonly account: string
  readonly sequence: number
  readonly time: string
  readonly fields: Fields
  readonly reports: readonly Report[]
}

interface SeededSnapshot {
  readonly account: string
  readonly sequence: number
  readonly excluded?: readonly number[]
  readonly inventories?: readonly {
    readonly ticker: string
    readonly currency: string
    readonly quantity?: Amount
    readonly cost_basis?: Amount
    readonly gross?: Amount
    readonly fees?: Amount
    readonly volume?: Amount
    readonly transactions?: number
  }[]
}

type RangeText = string | { readonly start: string | number; readonly end: string | number }

/** A step; which members it has depends on what it does. */
interface Step extends Report {
  readonly do: string
  readonly accounts: readonly string[]
  readonly administrators?: readonly string[]
  readonly groups?: readonly { readonly name: string; readonly managers: string[]; readonly traders: string[] }[]
  readonly group: string
  readonly trader: string
  readonly orders?: readonly SeededOrder[]
  readonly snapshots?: readonly SeededSnapshot[] | Readonly<Record<string, Omit<SeededSnapshot, 'account'>>>
  readonly auto_new?: boolean
  readonly session: string
  readonly account?: string
  readonly label: string
  readonly fields: Fields
  readonly order: string
  readonly report: Report
  readonly range?: RangeText
  readonly limit?: string | { readonly type: string; readonly size: number }
  readonly filter?: { readonly live?: boolean; readonly venue?: string; readonly orders?: readonly string[] }
  readonly query: string
}

/** One query as a session asked it. */
interface Query {
  readonly label: string
  readonly isReports: boolean
  readonly account: number
  readonly start: Value
  readonly filter: Step['filter']
  subscriptionId: number
}

interface VectorSession {
  readonly peer: RehearsedPeer
  readonly account: string
  readonly queries: Query[]
  /** Accounts whose order updates the session gets. */
  readonly updates: Set<number>
  readonly messages: Record<string, unknown>[]
}

interface KnownOrder {
  readonly label: string
  readonly id: number
  readonly account: number
  readonly sequence: number
}

/** An id that no order has. */
const UNKNOWN_ORDER_ID = 2 ** 40
const NO_BYTES = { bytes: new Uint8Array(0), start: 0, end: 0 }
/** Refusals that the vectors know as a success without effect. */
const IDLE_UPDATES: readonly string[] = [reasonName(Reason.OrderTerminal), reasonName(Reason.UnknownOrder)]

/** The market of a script: confirms an order if it is told to, and otherwise waits for `publish`. */
class ScriptedMarket implements Destination {
  readonly answersLater = true
  readonly calls: { call: 'submit' | 'cancel' | 'update' | 'restore'; orderId: number; accountRow: number }[] = []
  readonly #life: OrderLife
  readonly #state: ShardState
  readonly #confirms: boolean

  constructor(life: OrderLife, state: ShardState, confirms: boolean) {
    this.#life = life
    this.#state = state
    this.#confirms = confirms
  }

  submit(slot: number, _order: unknown, timestampUs: number): void {
    this.#note('submit', slot)
    if (this.#confirms) this.#life.report(slot, OrderStatus.New, 0, 0, timestampUs, Reason.None, '')
  }

  cancel(slot: number): void {
    this.#note('cancel', slot)
  }

  /** The vectors know no replace. */
  replace(): never {
    throw new Error('an order of a vector is replaced')
  }

  update(slot: number): void {
    this.#note('update', slot)
  }

  restore(slot: number): void {
    this.#note('restore', slot)
  }

  /** A report of the market; one that comes after the order's end is dropped. */
  publish(orderId: number, report: Report, nowUs: number): void {
    const slot = this.#state.orders.find(orderId)
    if (slot === NO_SLOT) return
    this.#life.fields.text = report.text ?? ''
    this.#life.report(
      slot,
      ordinal(orderStatusNames, report.status) as OrderStatus,
      amount(report.last_quantity),
      amount(report.last_price),
      report.time === undefined ? nowUs : microseconds(report.time),
      Reason.None,
      report.last_market ?? '',
    )
  }

  #note(call: 'submit' | 'cancel' | 'update' | 'restore', slot: number): void {
    const { orders } = this.#state
    this.calls.push({ call, orderId: orders.orderId[slot]!, accountRow: orders.accountRow[slot]! })
  }
}

class Service {
  readonly results: Record<string, unknown> = {}
  readonly driverCalls: unknown[] = []
  readonly #folder: string
  readonly #definitions: Definitions
  #directory = new ScriptedDirectory([])
  #rehearsal: Rehearsal | undefined
  #market: ScriptedMarket | undefined
  readonly #sessions = new Map<string, VectorSession>()
  readonly #byLabel = new Map<string, KnownOrder>()
  readonly #byId = new Map<number, KnownOrder>()
  #restored: Record<string, string[]> = {}

  constructor(folder: string) {
    this.#folder = folder
    this.#definitions = definitionsFromData(definitionsData)
  }

  async step(step: Step): Promise<void> {
    switch (step.do) {
      case 'world':
        this.#directory = new ScriptedDirectory(step.accounts, step.administrators)
        for (const { name, managers, traders } of step.groups ?? []) this.#directory.addGroup(name, managers, traders)
        return
      case 'grant':
        this.#directory.change(() => this.#directory.group(step.group).traders.add(step.trader))
        this.#rehearsal?.membershipsChanged()
        break
      case 'seed':
        this.#seed(step)
        return
      case 'start':
        await this.#start(step)
        break
      case 'clock':
        this.#running.nowUs = microseconds(step.time!)
        return
      case 'login': {
        const peer = await this.#running.login(step.account!)
        const messages = this.#sessions.get(step.session)?.messages ?? []
        this.#sessions.set(step.session, { peer, account: step.account!, queries: [], updates: new Set(), messages })
        break
      }
      case 'logout':
        this.#running.hangUp(this.#session(step).peer)
        break
      case 'mark':
        for (const { messages } of this.#sessions.values()) messages.length = 0
        return
      case 'submit':
        await this.#submit(step)
        break
      case 'cancel': {
        const order = this.#byLabel.get(step.order)
        await this.#ask(step, Kind.Cancel, order?.account ?? 0, order?.id ?? UNKNOWN_ORDER_ID)
        break
      }
      case 'update':
        await this.#update(step)
        break
      case 'driver':
        this.#market!.publish(this.#orderId(step.order), step, this.#running.nowUs)
        // The market's reports leave with the shard's next turn.
        this.#running.tellTime()
        break
      case 'query_submissions':
      case 'query_reports':
        await this.#query(step, step.do === 'query_reports')
        break
      case 'end_submissions':
      case 'end_reports':
        await this.#end(step, step.do === 'end_reports')
        break
      case 'load':
        await this.#load(step)
        break
      default:
        throw new Error(`there is no step ${step.do}`)
    }
    await this.#running.settle()
    this.#noteCalls(step)
    for (const session of this.#sessions.values()) this.#deliver(session, session.peer.take())
  }

  /** What came out, as far as `expect` asks for it. */
  async outcome(expect: Record<string, unknown>): Promise<Record<string, unknown>> {
    const rehearsal = this.#running
    while (await rehearsal.turnWriter());
    const database = openDatabaseToRead(rehearsal.storeFile)
    const rows = (sql: string, ...parameters: (string | number)[]) => database.prepare(sql).all(...parameters)
    const stored = Object.keys((expect.stored ?? {}) as object).map(label => {
      const sql = 'SELECT * FROM execution_reports WHERE order_id = ? ORDER BY sequence'
      return [label, rows(sql, this.#orderId(label)).map(storedReport)]
    })
    const live = rows('SELECT order_id FROM live_orders').map(row => this.#label(Number(row.order_id)))
    const snapshots = rows('SELECT account FROM order_execution_inventory_sequences').map(row =>
      this.#directory.nameOf(Number(row.account)),
    )
    database.close()
    return {
      results: this.results,
      stored: Object.fromEntries(stored),
      live: live.sort(),
      driver_calls: this.driverCalls,
      messages: Object.fromEntries([...this.#sessions].map(([name, { messages }]) => [name, messages])),
      snapshots: snapshots.sort(),
      restored: this.#restored,
    }
  }

  async close(): Promise<void> {
    await this.#rehearsal?.kill()
  }

  get #running(): Rehearsal {
    if (this.#rehearsal === undefined) throw new Error('the server is not started')
    return this.#rehearsal
  }

  async #start(step: Step): Promise<void> {
    await this.#rehearsal?.kill()
    const nowUs = microseconds(step.time!)
    const confirms = step.auto_new ?? true
    this.#rehearsal = await Rehearsal.start({
      folder: this.#folder,
      directory: this.#directory,
      definitions: this.#definitions,
      nowUs,
      destinations: (life, state) => {
        const market = new ScriptedMarket(life, state, confirms)
        this.#market = market
        return { simulated: market, manual: market }
      },
    })
    this.#rehearsal.nowUs = nowUs
    const restored = new Map<string, KnownOrder[]>()
    for (const { call, orderId } of this.#market!.calls.splice(0)) {
      const order = this.#byId.get(orderId)
      if (call !== 'restore' || order === undefined) continue
      const account = this.#directory.nameOf(order.account)
      restored.set(account, [...(restored.get(account) ?? []), order])
    }
    this.#restored = Object.fromEntries(
      [...restored].map(([account, orders]) => [
        account,
        orders.sort((a, b) => a.sequence - b.sequence).map(({ label }) => label),
      ]),
    )
  }

  #noteCalls(step: Step): void {
    for (const { call, orderId } of this.#market!.calls.splice(0)) {
      const label = call === 'submit' ? step.label : this.#label(orderId)
      this.driverCalls.push(call === 'cancel' ? [call, label, this.#session(step).account] : [call, label])
    }
  }

  /** Sends a request and gives its answers, of which the last ends it; pushes among them are delivered. */
  async #ask(step: Step, kind: Kind, account: number, ...elements: unknown[]): Promise<Value[][]> {
    const session = this.#session(step)
    const requestId = session.peer.request(kind, account, ...elements)
    await this.#running.settle()
    const messages = session.peer.take()
    this.#deliver(
      session,
      messages.filter(message => message[1] !== requestId || message[0] === Kind.OrderAccepted),
    )
    return messages.filter(message => message[1] === requestId)
  }

  async #submit(step: Step): Promise<void> {
    const { fields, label } = step
    const account = fields.account === undefined ? 0 : this.#directory.id(fields.account)
    // The order gets its label before its own reports are told.
    const session = this.#session(step)
    const id = this.#running.nextOrderId
    const known = { label, id, account: account === 0 ? this.#directory.id(session.account) : account, sequence: 0 }
    this.#remember(known)
    const [answer] = await this.#ask(step, Kind.Submit, account, ...submitElements(fields))
    if (answer?.[0] !== Kind.OrderAccepted) {
      this.#byLabel.delete(label)
      this.#byId.delete(id)
      this.results[label] = { error: reasonName(Number(answer?.[3])) }
      return
    }
    const [, , owner, , orderId, sequence, timestamp, submitter, , currency, , , destination] = answer
    this.#remember({ ...known, sequence: Number(sequence) })
    this.results[label] = {
      order_id: orderId,
      sequence,
      account: this.#directory.nameOf(Number(owner)),
      submission_account: this.#directory.nameOf(Number(submitter)),
      destination,
      currency: currency === 0 ? null : currencyCode(Number(currency)),
      short: answer[19] === 1,
      time: isoTime(Number(timestamp)),
    }
  }

  async #update(step: Step): Promise<void> {
    const order = this.#byLabel.get(step.order)
    const { report } = step
    const [answer] = await this.#ask(
      step,
      Kind.Update,
      order?.account ?? 0,
      order?.id ?? UNKNOWN_ORDER_ID,
      ordinal(orderStatusNames, report.status),
      numberOfMicros(amount(report.last_quantity)),
      numberOfMicros(amount(report.last_price)),
      report.text ?? '',
      report.last_market ?? '',
      '',
      0,
      0,
      0,
      report.time === undefined ? 0 : microseconds(report.time),
    )
    this.results[step.label] = answer?.[0] === Kind.Done ? 'ok' : { error: reasonName(Number(answer?.[3])) }
  }

  async #query(step: Step, isReports: boolean): Promise<void> {
    const session = this.#session(step)
    const account = this.#directory.id(step.account ?? session.account)
    const { start, end } = rangeOf(step.range)
    const [limitKind, limitSize] = limitOf(step.limit)
    const query: Query = { label: step.label, isReports, account, start, filter: step.filter, subscriptionId: 0 }
    const filter = isReports ? [] : [this.#wireFilter(step.filter)]
    const answers = await this.#ask(
      step,
      isReports ? Kind.QueryReports : Kind.QueryOrders,
      account,
      start,
      end,
      limitKind,
      limitSize,
      ...filter,
    )
    const last = answers.pop()
    const isAnswered = last?.[0] === Kind.QueryEnd
    if (isAnswered) {
      query.subscriptionId = Number(last[4])
      if (query.subscriptionId !== 0) session.queries.push(query)
      if (!isReports) await this.#follow(step, account)
    }
    const subscribed = query.subscriptionId !== 0
    if (isReports) {
      const reports = answers.map(record => {
        const { sequence, orderId, status } = eventOf(record[3] as Value[])
        return [sequence, this.#label(orderId), status]
      })
      this.results[step.label] = { subscribed, reports }
    } else {
      const orders = answers.map(record => this.#label(Number((record[3] as Value[])[4])))
      this.results[step.label] = { subscribed, orders }
    }
  }

  /** From now on the session gets the order updates of the account. */
  async #follow(step: Step, account: number): Promise<void> {
    const { updates } = this.#session(step)
    if (updates.has(account)) return
    const [answer] = await this.#ask(step, Kind.Subscribe, account, 0, 0)
    if (answer?.[0] !== Kind.Subscribed) throw new Error('an account that was queried cannot be followed')
    updates.add(account)
  }

  async #end(step: Step, isReports: boolean): Promise<void> {
    const { queries } = this.#session(step)
    const index = queries.findIndex(query => query.label === step.query && query.isReports === isReports)
    // A subscription of another session has no number in this one.
    const [query] = index < 0 ? [] : queries.splice(index, 1)
    await this.#ask(step, Kind.Unsubscribe, 0, query?.subscriptionId ?? UNKNOWN_ORDER_ID)
  }

  async #load(step: Step): Promise<void> {
    const [record] = await this.#ask(step, Kind.LoadOrder, 0, this.#byLabel.get(step.order)?.id ?? UNKNOWN_ORDER_ID)
    if (record?.[0] !== Kind.OrderRecord) {
      this.results[step.label] = null
      return
    }
    const account = Number(record[2])
    const accepted = record[3] as Value[]
    const events = [accepted, ...(record[4] as Value[][])].map(eventOf)
    this.results[step.label] = {
      account: this.#directory.nameOf(account),
      sequence: accepted[5],
      reports: events.map(({ status }) => status),
    }
    const isLive = this.#running.shards.some(({ state }) => state.orders.find(Number(accepted[4])) !== NO_SLOT)
    if (isLive) await this.#follow(step, account)
  }

  /** Tells the events of a session's streams as the messages that it asked for. */
  #deliver(session: VectorSession, pushed: readonly Value[][]): void {
    for (const message of pushed) {
      const [kind, requestId, ownerValue] = message
      if (kind !== Kind.OrderAccepted && kind !== Kind.ExecutionReport) continue
      const account = Number(ownerValue)
      const event = eventOf(message)
      const order = this.#label(event.orderId)
      const { status } = event
      if (kind === Kind.OrderAccepted && requestId === 0) {
        const orderSequence = Number(message[5])
        const isWanted = session.queries.some(
          query =>
            !query.isReports &&
            query.account === account &&
            isFrom(query.start, orderSequence, event.timestamp) &&
            this.#passes(query.filter, message, order),
        )
        if (isWanted) session.messages.push({ type: 'submission', order, sequence: orderSequence })
      }
      if (session.updates.has(account)) session.messages.push({ type: 'update', order, status, seq: event.seq })
      const isReported = session.queries.some(
        query => query.isReports && query.account === account && isFrom(query.start, event.sequence, event.timestamp),
      )
      if (isReported) session.messages.push({ type: 'report', order, status, sequence: event.sequence })
    }
  }

  #passes(filter: Step['filter'], accepted: Value[], label: string): boolean {
    if (filter?.live === false) return false
    if (filter?.orders !== undefined && !filter.orders.includes(label)) return false
    if (filter?.venue === undefined) return true
    const { venue } = readTicker(String(accepted[8]), this.#definitions)
    return venue === this.#definitions.findVenue(filter.venue)?.mic
  }

  #wireFilter(filter: Step['filter']): Value {
    if (filter === undefined) return null
    const parts: Value[] = []
    if (filter.live !== undefined) parts.push(['=', 'is_live', filter.live ? 1 : 0])
    if (filter.venue !== undefined) parts.push(['=', 'venue', this.#definitions.findVenue(filter.venue)?.mic ?? ''])
    if (filter.orders !== undefined) {
      parts.push(['or', ...filter.orders.map(label => ['=', 'order_id', this.#orderId(label)])])
    }
    return parts.length === 1 ? parts[0]! : ['and', ...parts]
  }

  #seed(step: Step): void {
    const file = path.join(this.#folder, 'store.db')
    const store = EmbeddedStore.open({ file, definitions: this.#definitions })
    const writer = new MessageWriter(4096, 1 << 24)
    const events: { account: number; reportSequence: number; write(): void }[] = []
    for (const seeded of step.orders ?? []) {
      const account = this.#directory.id(seeded.account)
      this.#remember({ label: seeded.label, id: seeded.order_id, account, sequence: seeded.sequence })
      this.#seedOrder(seeded, account, writer, events)
    }
    events.sort((a, b) => a.account - b.account || a.reportSequence - b.reportSequence)
    const batch = new EventBatch(Math.max(1, events.length))
    batch.begin(`seed-${fs.readdirSync(this.#folder).length}`)
    for (const [index, event] of events.entries()) {
      writer.position = 0
      event.write()
      batch.add(index + 1, Buffer.from(writer.bytes), 4, writer.position - 4)
    }
    const refused = store.applyNow(batch)
    if (refused.length > 0) throw new Error(`the seed cannot be stored: ${refused[0]!.reason}`)
    void store.close()
    this.#seedSnapshots(file, step.snapshots ?? [])
  }

  #seedOrder(
    seeded: SeededOrder,
    account: number,
    writer: MessageWriter,
    events: { account: number; reportSequence: number; write(): void }[],
  ): void {
    const [ticker, type, side, quantity, price, timeInForce, destination, currency, , expiry, tags] = submitElements(
      seeded.fields,
    )
    const resolved = readTicker(String(ticker), this.#definitions)
    const timestamp = microseconds(seeded.time)
    const packed = tags === null ? undefined : pack(tags)
    const sequences = seeded.reports.map(report => report.sequence ?? 0)
    const first = sequences[0] ?? 1 + Math.max(0, ...events.map(event => event.reportSequence))
    const micros = (units: unknown) => amount(String(units))
    events.push({
      account,
      reportSequence: first,
      write: () =>
        encodeAccepted(writer, {
          requestId: 0,
          account,
          reportSequence: first,
          orderId: seeded.order_id,
          orderSequence: seeded.sequence,
          timestamp,
          submissionAccount: account,
          ticker: String(ticker),
          currency: Number(currency) || (this.#definitions.venue(resolved.venue)?.currency ?? 0),
          type: Number(type) as 0,
          side: Number(side) as 0,
          destination: String(destination) || this.#definitions.preferredDestination(resolved.venue),
          quantity: micros(quantity),
          price: micros(price),
          timeInForce: Number(timeInForce) as 0,
          expiry: Number(expiry),
          clOrdId: NO_BYTES,
          tags: packed === undefined ? NO_BYTES : { bytes: packed, start: 0, end: packed.length },
          shortFlag: false,
          holdPrice: micros(price),
        }),
    })
    let cumQty = 0
    for (const [index, report] of seeded.reports.entries()) {
      const lastQty = amount(report.last_quantity)
      cumQty += lastQty
      if (index === 0) continue
      const done = cumQty
      events.push({
        account,
        reportSequence: sequences[index]!,
        write: () =>
          encodeReport(writer, {
            account,
            reportSequence: sequences[index]!,
            orderId: seeded.order_id,
            sequence: index,
            timestamp: report.time === undefined ? timestamp : microseconds(report.time),
            status: ordinal(orderStatusNames, report.status) as OrderStatus,
            lastQty,
            lastPx: amount(report.last_price),
            cumQty: done,
            leavesQty: Math.max(0, micros(quantity) - done),
            liquidityFlag: '',
            lastMarket: report.last_market ?? '',
            executionFee: 0,
            processingFee: 0,
            commission: 0,
            reason: Reason.None,
            params: [],
            text: report.text ?? '',
            tags: NO_BYTES,
            operator: 0,
          }),
      })
    }
  }

  #seedSnapshots(file: string, snapshots: NonNullable<Step['snapshots']>): void {
    const list = Array.isArray(snapshots)
      ? (snapshots as readonly SeededSnapshot[])
      : Object.entries(snapshots as Record<string, Omit<SeededSnapshot, 'account'>>).map(([account, snapshot]) => ({
          ...snapshot,
          account,
        }))
    const database = openDatabase(file, 'normal')
    for (const { account: name, sequence, excluded = [], inventories = [] } of list) {
      const account = this.#directory.id(name)
      database
        .prepare('INSERT INTO order_execution_inventory_sequences (account, sequence) VALUES (?, ?)')
        .run(account, sequence)
      const exclude = database.prepare('INSERT INTO order_execution_inventory_excluded_orders VALUES (?, ?)')
      for (const id of excluded) exclude.run(account, typeof id === 'number' ? id : this.#orderId(id))
      for (const inventory of inventories) {
        const { symbol, venue } = readTicker(inventory.ticker, this.#definitions)
        database
          .prepare(
            'INSERT INTO order_execution_inventory_entries (account, symbol, venue, currency, quantity, cost_basis, ' +
              'gross_profit_and_loss, fees, volume, transaction_count) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
          )
          .run(
            account,
            symbol,
            venue,
            currencyId(inventory.currency),
            amount(inventory.quantity),
            amount(inventory.cost_basis),
            amount(inventory.gross),
            amount(inventory.fees),
            amount(inventory.volume),
            inventory.transactions ?? 0,
          )
      }
    }
    database.close()
  }

  #session({ session }: Step): VectorSession {
    const found = this.#sessions.get(session)
    if (found === undefined) throw new Error(`there is no session ${session}`)
    return found
  }

  #remember(order: KnownOrder): void {
    this.#byLabel.set(order.label, order)
    this.#byId.set(order.id, order)
  }

  #label(orderId: number): string {
    return this.#byId.get(orderId)?.label ?? String(orderId)
  }

  #orderId(label: string): number {
    return this.#byLabel.get(label)?.id ?? UNKNOWN_ORDER_ID
  }
}

/** Elements of a Submit behind the account. */
function submitElements(fields: Fields): Value[] {
  const { ticker } = fields
  const text = typeof ticker === 'object' ? tickerText(ticker.symbol ?? '', ticker.venue ?? '') : (ticker ?? '')
  const tags = (fields.additional_fields ?? []).map(({ key, type, value }) =>
    type === 'money'
      ? [key, TagType.Money, numberOfMicros(amount(value as Amount))]
      : [key, TagType.Text, String(value)],
  )
  return [
    text,
    ordinal(orderTypeNames, fields.type ?? 'LIMIT'),
    ordinal(sideNames, fields.side ?? 'BID'),
    numberOfMicros(amount(fields.quantity ?? 100)),
    numberOfMicros(amount(fields.price)),
    ordinal(timeInForceNames, fields.time_in_force ?? 'DAY'),
    fields.destination ?? '',
    fields.currency === undefined ? 0 : currencyId(fields.currency),
    '',
    fields.expiry === undefined ? 0 : microseconds(fields.expiry),
    tags.length === 0 ? null : tags,
  ]
}

function tickerText(symbol: string, venue: string): string {
  return venue === '' ? symbol : `${symbol}.${venue}`
}

/** What the messages and results tell of an OrderAccepted or an ExecutionReport. */
function eventOf(event: Value[]): {
  sequence: number
  orderId: number
  seq: number
  timestamp: number
  status: string
} {
  const isAccepted = event[0] === Kind.OrderAccepted
  return {
    sequence: Number(event[3]),
    orderId: Number(event[4]),
    seq: isAccepted ? 0 : Number(event[5]),
    timestamp: Number(event[6]),
    status: orderStatusNames[isAccepted ? OrderStatus.PendingNew : (Number(event[7]) as OrderStatus)],
  }
}

function rangeOf(range: RangeText | undefined): { start: Value; end: Value } {
  if (typeof range === 'object') return { start: pointOf(range.start), end: pointOf(range.end) }
  const { First, Last, Present } = RangePoint
  switch (range) {
    case 'TOTAL':
      return { start: First, end: Last }
    case 'HISTORICAL':
      return { start: First, end: Present }
    case 'REAL_TIME':
      return { start: Present, end: Last }
    case 'EMPTY':
    case undefined:
      return { start: First, end: First }
    default:
      throw new Error(`there is no range ${range}`)
  }
}

function pointOf(point: string | number): Value {
  if (typeof point === 'number') return point
  switch (point) {
    case 'FIRST':
    case '-INFINITY':
      return RangePoint.First
    case 'LAST':
    case 'INFINITY':
      return RangePoint.Last
    case 'PRESENT':
      return RangePoint.Present
    default:
      return /^\d+$/.test(point) ? Number(point) : [microseconds(point)]
  }
}

/** Whether something live lies at or behind the start of a range. */
function isFrom(start: Value, sequence: number, timestamp: number): boolean {
  if (Array.isArray(start)) return timestamp >= Number(start[0])
  return start === RangePoint.Present || (start !== RangePoint.Last && sequence >= Number(start))
}

function limitOf(limit: Step['limit']): [kind: number, size: number] {
  if (limit === undefined || limit === 'NONE') return [LimitKind.None, 0]
  if (limit === 'UNLIMITED') return [LimitKind.Unlimited, 0]
  if (typeof limit === 'string') throw new Error(`there is no limit ${limit}`)
  return [limit.type === 'HEAD' ? LimitKind.Head : LimitKind.Tail, limit.size]
}

function storedReport(row: Record<string, unknown>): Record<string, unknown> {
  return {
    seq: row.sequence,
    status: orderStatusNames[row.status as OrderStatus],
    time: isoTime(Number(row.timestamp)),
    last_quantity: formatDecimal(Number(row.last_quantity)),
    last_price: formatDecimal(Number(row.last_price)),
    last_market: row.last_market,
    code: reasonName(Number(row.reason)),
    text: row.text,
  }
}

/** The expectation in the spelling of the results: amounts of reports, and updates that had nothing to do. */
function respelled(expect: unknown): unknown {
  if (Array.isArray(expect)) return expect.map(respelled)
  if (typeof expect !== 'object' || expect === null) return expect
  return Object.fromEntries(
    Object.entries(expect).map(([key, value]) => {
      const isAmount = key === 'last_quantity' || key === 'last_price'
      return [key, isAmount ? formatDecimal(amount(value as Amount)) : respelled(value)]
    }),
  )
}

function ordinal(names: Readonly<Record<number, string>>, name: string): number {
  const found = Object.entries(names).find(([, known]) => known === name)
  if (found === undefined) throw new Error(`there is no ${name}`)
  return Number(found[0])
}

function microseconds(text: string): number {
  const milliseconds = Date.parse(text)
  if (Number.isNaN(milliseconds)) throw new Error(`${text} is no time`)
  return milliseconds * 1000
}

function isoTime(timestamp: number): string {
  return new Date(timestamp / 1000).toISOString()
}

async function run(vector: Vector): Promise<string[]> {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'server-vector-'))
  const service = new Service(folder)
  try {
    for (const step of vector.steps) await service.step(step as unknown as Step)
    const expect = respelled(vector.expect) as Record<string, unknown>
    const outcome = await service.outcome(expect)
    for (const [label, expected] of Object.entries((expect.results ?? {}) as Record<string, unknown>)) {
      const found = service.results[label] as { error?: string } | undefined
      if (expected === 'ok' && IDLE_UPDATES.includes(found?.error ?? '')) service.results[label] = 'ok'
    }
    if (Array.isArray(expect.snapshots)) expect.snapshots.sort()
    return [...differences(expect, outcome), ...tooMany(expect, outcome, 'restored')]
  } finally {
    await service.close()
    fs.rmSync(folder, { recursive: true, force: true })
  }
}

/** Keys that came out though the vector, which lists them all, does not have them. */
function tooMany(expect: Record<string, unknown>, outcome: Record<string, unknown>, key: string): string[] {
  if (expect[key] === undefined) return []
  const expected = Object.keys(expect[key] as object)
  return Object.keys(outcome[key] as object)
    .filter(name => !expected.includes(name))
    .map(name => `expect.${key}.${name}: is one too many`)
}

export const units: VectorUnit[] = [{ name: 'server', run }]
