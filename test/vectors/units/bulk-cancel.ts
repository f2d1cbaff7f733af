// Unit `bulk_cancel`: the utility as it is, by force, against a server in rehearsal with a real socket, whose store was
// filled beforehand. Each run has that store for itself, since the orders of a vector do not change between runs. What
// comes out are the reports that a run has added, and what it had to say where it failed.
//
// The vectors give moments and mean the day into which they fall at the venue; the utility takes that day.

import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { Writable } from 'node:stream'
import { setImmediate as eventLoopTurn } from 'node:timers/promises'
import { openDatabase, openDatabaseToRead } from '../../../src/base/sqlite.ts'
import { type CancelAllFlags, cancelAll, cancelAllOrder } from '../../../src/cli/commands/cancel-all.ts'
import { Output } from '../../../src/cli/output.ts'
import { Progress } from '../../../src/cli/progress.ts'
import { connect } from '../../../src/client/index.ts'
import { definitionsData, definitionsFromData } from '../../../src/domain/definitions.ts'
import { isTerminal, OrderStatus, orderStatusNames } from '../../../src/domain/order-status.ts'
import { OrderType } from '../../../src/domain/order-type.ts'
import { Reason } from '../../../src/domain/reasons.ts'
import { parseScope } from '../../../src/domain/scopes.ts'
import { Side } from '../../../src/domain/side.ts'
import { readTicker } from '../../../src/domain/tickers.ts'
import { TimeInForce } from '../../../src/domain/time-in-force.ts'
import { localDay } from '../../../src/domain/venue-time.ts'
import { Listener } from '../../../src/main/listener.ts'
import { LANE_BYTES } from '../../../src/metrics/catalogue.ts'
import { MessageWriter } from '../../../src/protocol/message-writer.ts'
import { encodeAccepted, encodeReport } from '../../../src/protocol/order-events.ts'
import { Lane } from '../../../src/shared-memory/lanes.ts'
import { EmbeddedStore } from '../../../src/stores/embedded-store.ts'
import { EventBatch } from '../../../src/stores/event-batch.ts'
import { Rehearsal } from '../../simulation/rehearsal.ts'
import { ScriptedDirectory } from '../../simulation/scripted-directory.ts'
import { differences } from '../compare.ts'
import type { Vector, VectorUnit } from '../unit.ts'

interface OrderStep {
  readonly do: 'order'
  readonly order_id: number
  readonly account: string
  readonly ticker: string
  readonly time: string
  readonly reports: readonly string[]
}

interface RunStep {
  readonly do: 'run'
  readonly order?: number
  readonly account?: string
  readonly scope?: string
  readonly begin?: string
  readonly end?: string
  readonly message?: string
}

/** What a run did, in the words of the vectors. */
type Told = ['error', string] | ['update', number, string, string]

const definitions = definitionsFromData(definitionsData)
const ROOT = 'root'
const QUANTITY = 100_000_000
const PRICE = 1_000_000
/** Executed by a report that tells of an execution. */
const PART = 10_000_000
const NO_BYTES = { bytes: new Uint8Array(0), start: 0, end: 0 }

async function run(vector: Vector): Promise<string[]> {
  const steps = vector.steps as unknown as (OrderStep | RunStep)[]
  const orders = steps.filter(step => step.do === 'order')
  const told: Told[] = []
  for (const step of steps) if (step.do === 'run') told.push(...(await outcomeOf(step, orders)))
  const placeOf = ([kind, second]: Told) => (kind === 'error' ? 0 : Number(second))
  told.sort((a, b) => placeOf(a) - placeOf(b))
  return differences(vector.expect, told)
}

export const units: VectorUnit[] = [{ name: 'bulk_cancel', run }]

/** One run of the utility against a server that has these orders. */
async function outcomeOf(step: RunStep, orders: readonly OrderStep[]): Promise<Told[]> {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'bulk-cancel-vector-'))
  try {
    const directory = new ScriptedDirectory([ROOT, ...new Set(orders.map(({ account }) => account))], [ROOT])
    seed(folder, directory, orders)
    const lastUs = Math.max(0, ...orders.map(({ time }) => microseconds(time)))
    const rehearsal = await Rehearsal.start({ folder, directory, nowUs: lastUs + 3_600e6 })
    try {
      const failure = await cancel(rehearsal, step)
      while (await rehearsal.turnWriter());
      return failure === undefined ? updates(rehearsal.storeFile, orders) : [['error', failure]]
    } finally {
      await rehearsal.kill()
    }
  } finally {
    fs.rmSync(folder, { recursive: true, force: true })
  }
}

/** Runs the utility. @returns what it failed with */
async function cancel(rehearsal: Rehearsal, step: RunStep): Promise<string | undefined> {
  const listener = new Listener(rehearsal.gate, {
    allowed: [],
    connectionsMax: 100,
    loginMs: 5_000,
    lane: new Lane(new SharedArrayBuffer(LANE_BYTES), 0, LANE_BYTES),
    log: () => undefined,
  })
  const { port } = await listener.open('127.0.0.1', 0)
  const silent = new Writable({ write: (_, __, done) => done() })
  let isOver = false
  const cancelled = (async () => {
    const order = cancelAllOrder(flagsOf(step))
    await cancelAll(
      () => connect({ port, username: ROOT, password: ROOT, reconnect: false }),
      new Output(silent, silent, {}),
      what => new Progress(silent, what),
      order,
    )
  })()
    .then(
      () => undefined,
      (error: Error) => /^([A-Z_]+): /.exec(error.message)?.[1] ?? error.message,
    )
    .finally(() => {
      isOver = true
    })
  while (!isOver) {
    await rehearsal.settle()
    await eventLoopTurn()
  }
  listener.close()
  return await cancelled
}

function flagsOf({ order, account, scope, begin, end, message }: RunStep): CancelAllFlags {
  const zone = zoneOf(scope ?? '*')
  return {
    force: true,
    connections: '2',
    ...(order !== undefined && { order: String(order) }),
    ...(account !== undefined && { account }),
    ...(scope !== undefined && { scope }),
    ...(begin !== undefined && { begin: dayOf(begin, zone) }),
    ...(end !== undefined && { end: dayOf(end, zone) }),
    ...(message !== undefined && { message }),
  }
}

/** The zone of a venue in the scope. */
function zoneOf(text: string): string {
  const scope = parseScope(text, definitions)
  const mic = [...(scope?.venues ?? [])][0] ?? [...(scope?.tickers.values() ?? [])][0]?.venue
  const venue = definitions.venues.find(venue => venue.mic === mic || scope?.countries.has(venue.country))
  return venue?.timeZone ?? 'UTC'
}

function dayOf(moment: string, zone: string): string {
  const { year, month, day } = localDay(zone, microseconds(moment))
  return `${year}-${String(month).padStart(2, '0')}-${String(day).padStart(2, '0')}`
}

/** Reports that were not there before, by order and in their sequence. */
function updates(file: string, orders: readonly OrderStep[]): Told[] {
  const database = openDatabaseToRead(file)
  const rows = database.prepare(
    'SELECT status, text FROM execution_reports WHERE order_id = ? AND sequence >= ? ORDER BY sequence',
  )
  const told = orders.flatMap(({ order_id: orderId, reports }) =>
    rows.all(orderId, reports.length).map(({ status, text }): Told => {
      return ['update', orderId, orderStatusNames[Number(status) as OrderStatus], String(text ?? '')]
    }),
  )
  database.close()
  return told
}

/** Fills the store as a server has that took these orders; one without reports has not even the first. */
function seed(folder: string, directory: ScriptedDirectory, orders: readonly OrderStep[]): void {
  const file = path.join(folder, 'store.db')
  const store = EmbeddedStore.open({ file, definitions })
  const writer = new MessageWriter(4096, 1 << 20)
  const batch = new EventBatch(
    Math.max(
      1,
      orders.reduce((count, { reports }) => count + reports.length + 1, 0),
    ),
  )
  batch.begin('seed')
  const sequences = new Map<string, { orders: number; reports: number }>()
  let entries = 0
  const add = (write: () => void) => {
    writer.position = 0
    write()
    batch.add(++entries, Buffer.from(writer.bytes), 4, writer.position - 4)
  }
  for (const { order_id: orderId, account: name, ticker, time, reports } of orders) {
    const account = directory.id(name)
    const at = sequences.get(name) ?? { orders: 0, reports: 0 }
    sequences.set(name, at)
    const timestamp = microseconds(time)
    const { venue } = readTicker(ticker, definitions)
    add(() =>
      encodeAccepted(writer, {
        requestId: 0,
        account,
        reportSequence: ++at.reports,
        orderId,
        orderSequence: ++at.orders,
        timestamp,
        submissionAccount: account,
        ticker,
        currency: definitions.venue(venue)!.currency,
        type: OrderType.Limit,
        side: Side.Bid,
        destination: definitions.preferredDestination(venue),
        quantity: QUANTITY,
        price: PRICE,
        timeInForce: TimeInForce.Gtc, // no session ends it before the run
        expiry: 0,
        clOrdId: NO_BYTES,
        tags: NO_BYTES,
        shortFlag: false,
        holdPrice: PRICE,
      }),
    )
    let cumQty = 0
    for (const [sequence, word] of reports.entries()) {
      if (sequence === 0) continue // the acceptance stands for it
      const status = statusOf(word)
      const isFilled = status === OrderStatus.Filled
      const lastQty = isFilled ? QUANTITY - cumQty : status === OrderStatus.PartiallyFilled ? PART : 0
      cumQty += lastQty
      add(() =>
        encodeReport(writer, {
          account,
          reportSequence: ++at.reports,
          orderId,
          sequence,
          timestamp,
          status,
          lastQty,
          lastPx: lastQty === 0 ? 0 : PRICE,
          cumQty,
          leavesQty: isTerminal(status) ? 0 : QUANTITY - cumQty,
          liquidityFlag: '',
          lastMarket: '',
          executionFee: 0,
          processingFee: 0,
          commission: 0,
          reason: Reason.None,
          params: [],
          text: '',
          tags: NO_BYTES,
          operator: 0,
        }),
      )
    }
  }
  const refused = store.applyNow(batch)
  if (refused.length > 0) throw new Error(`the orders cannot be stored: ${refused[0]!.reason}`)
  void store.close()
  const database = openDatabase(file, 'normal')
  for (const { order_id: orderId, reports } of orders) {
    if (reports.length === 0) database.prepare('DELETE FROM execution_reports WHERE order_id = ?').run(orderId)
  }
  database.close()
}

function statusOf(word: string): OrderStatus {
  const found = Object.entries(orderStatusNames).find(([, name]) => name === word)
  if (found === undefined) throw new Error(`there is no ${word}`)
  return Number(found[0]) as OrderStatus
}

function microseconds(text: string): number {
  return Date.parse(text) * 1_000
}
