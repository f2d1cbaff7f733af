// The writer thread: copies the journals into the stores, and keeps the journals' segments. One task of the thread pool
// that ends only when main stops it (what is durable is then in every store that takes it) or when it fails.
//
//   start → whose directory is this, where do its journals begin → one stream per store, all at once
//         → the first store that has what the journals hold: main is told → … → stop: the rest is copied → end
//
// Where no store answers at the start, and the journals hold every entry there ever was, a file takes their place, built
// from the journals by a stream like the others: recovery reads it, and so do readers until a store is there again. It
// is thrown away at the end, and built anew whenever it is needed.

import fs from 'node:fs'
import { setTimeout as timer } from 'node:timers/promises'
import { Log, type LogShare } from '../base/log.ts'
import { lowerThreadPriority } from '../base/thread-priority.ts'
import { definitionsFromData } from '../domain/definitions.ts'
import type { Durability } from '../journal/segment.ts'
import { Metric } from '../metrics/catalogue.ts'
import { LoopMeter } from '../metrics/loop-meter.ts'
import { Lane } from '../shared-memory/lanes.ts'
import { StoreState, WriterShared } from '../shared-memory/writer-shared.ts'
import { openStore } from '../stores/open-store.ts'
import type { OrderStore } from '../stores/order-store.ts'
import type { StoreEndpoint } from '../stores/store-endpoint.ts'
import { type Beginning, findBeginning } from './beginning.ts'
import { CARE_MS, JournalCare, type WriterJournal } from './journal-care.ts'
import { OpeningTurns } from './opening-turns.ts'
import { Pacing } from './pacing.ts'
import { PieceTurns } from './piece-turns.ts'
import { StartRefused } from './start-rules.ts'
import { StoreMeter } from './store-meter.ts'
import { type RetryPauses, StoreStream } from './store-stream.ts'

/** Plain data, as it crosses from main into the thread. */
export interface WriterThreadOptions {
  /** Made by `createWriterShared` for these journals and stores, in this order, and the stand-in where there is one. */
  readonly shared: SharedArrayBuffer
  readonly journals: readonly WriterJournal[]
  readonly stores: readonly StoreEndpoint[]
  /** The stand-in's file, where there may be one. */
  readonly standInFile?: string | undefined
  /** Where the file of the installation is. */
  readonly dataDirectory: string
  /** A directory without journals goes on from what the stores hold. */
  readonly adoptsStore: boolean
  readonly durability: Durability
  /** Size of the segments made ahead of time. */
  readonly segmentBytes: number
  /** How many are kept ready in quiet times. */
  readonly spareSegments: number
  /** As `definitionsFromData` takes them. */
  readonly definitions: unknown
  /** Most entries of a batch, and the size at which it is closed. */
  readonly batchRowsMax: number
  readonly batchBytesMax: number
  /** How long entries may wait in the journal for a batch of their own. */
  readonly batchAgeMs: number
  /** A store is confirmed after so many bytes of entries, and after so long where there are any. */
  readonly confirmBytes: number
  readonly confirmMs: number
  /** False where nothing is copied once a store has caught up; segments are looked after all the same. */
  readonly copiesAlways: boolean
  /** How far a store may fall behind while the processors are wanted by others. */
  readonly lagMaxMs: number
  /** Percent of the time that a store which was away may take for catching up while orders come in. */
  readonly catchUpShare: number
  readonly pauses: RetryPauses
  /** How long the end may wait for stores to take what they lack. */
  readonly stopMsMax: number
  /** How far the thread stands back behind the others: 0 to 19. */
  readonly nice: number
  /** Memory of the metrics, the size of a lane in it, and the numbers of the writer's lane and of those of the stores. */
  readonly lanes: SharedArrayBuffer
  readonly laneBytes: number
  readonly lane: number
  readonly storeLanes: readonly number[]
  readonly log: LogShare
}

/** A store that takes no batch for so long after the order to stop is not waited for. */
const STALL_MS_MIN = 5_000
const STOP_LOOK_MS = 20

export default async function writerThread(options: WriterThreadOptions): Promise<void> {
  const writer = new Writer(options)
  const meter = new LoopMeter(new Lane(options.lanes, options.lane, options.laneBytes))
  try {
    await writer.run()
  } catch (error) {
    throw told(error)
  } finally {
    meter.stop()
  }
}

class Writer {
  readonly #options: WriterThreadOptions
  readonly #log: Log
  readonly #shared: WriterShared
  readonly #lane: Lane
  readonly #definitions: ReturnType<typeof definitionsFromData>
  readonly #streams: StoreStream[] = []
  readonly #turns = new OpeningTurns()
  readonly #pieceTurns = new PieceTurns()
  readonly #ended = new Set<StoreStream>()
  #beganMs = 0
  #standIn: StoreStream | undefined
  #cares: readonly JournalCare[] = []
  #hasArrived = false
  /** A stream ended otherwise than it was told to: our own fault, or that of a journal. */
  #failure: { error: unknown } | undefined
  #hasChanged = false

  constructor(options: WriterThreadOptions) {
    this.#options = options
    this.#log = new Log({ component: 'writer' }, options.log)
    this.#shared = new WriterShared(options.shared)
    this.#lane = new Lane(options.lanes, options.lane, options.laneBytes)
    this.#definitions = definitionsFromData(options.definitions)
  }

  async run(): Promise<void> {
    const { journals, stores, nice } = this.#options
    const shared = this.#shared
    const refusal = lowerThreadPriority(nice)
    if (refusal !== undefined) this.#log.info('the thread keeps the priority of the process', { reason: refusal })
    this.#removeStandIn()
    this.#beganMs = performance.now()
    const beginning = await findBeginning({
      ...this.#options,
      shared,
      stores: stores.map(endpoint => ({ name: endpoint.name, open: () => this.#open(endpoint) })),
      answerMsMax: this.#answerMsMax,
      log: this.#log,
    })
    const careOf = (journal: WriterJournal, index: number) =>
      new JournalCare(journal, index, this.#options, shared, this.#log)
    this.#cares = journals.map(careOf)
    for (const [number, endpoint] of stores.entries()) {
      this.#startStream(number, endpoint, beginning, beginning.opened.get(number))
    }
    try {
      while (!shared.isStopping) {
        this.#hasChanged = false
        if (this.#failure !== undefined) throw this.#failure.error
        if (!this.#hasArrived) this.#makeStart(beginning)
        this.#retireStandIn()
        for (const care of this.#cares) care.tend(performance.now())
        this.#count()
        await shared.doorbell.parkAsync(CARE_MS, () => shared.isStopping || this.#hasChanged)
      }
      await this.#stopStreams()
      await Promise.all(this.#cares.map(care => care.finish()))
    } finally {
      for (const stream of this.#streams) stream.abandon()
      this.#removeStandIn()
    }
    if (this.#failure !== undefined) throw this.#failure.error
  }

  #open(endpoint: StoreEndpoint): Promise<OrderStore> {
    return this.#turns.take(() => openStore(endpoint, { definitions: this.#definitions, log: this.#log }))
  }

  #startStream(number: number, endpoint: StoreEndpoint, beginning: Beginning, opened?: OrderStore): StoreStream {
    const { lanes, storeLanes, laneBytes } = this.#options
    const stream = new StoreStream({
      ...this.#options,
      number,
      name: endpoint.name,
      open: () => this.#open(endpoint),
      installation: beginning.installation,
      ranges: beginning.ranges,
      changes: beginning.changes,
      shared: this.#shared,
      pacing: new Pacing(this.#options),
      pieceTurns: this.#pieceTurns,
      meter: new StoreMeter(new Lane(lanes, storeLanes[number]!, laneBytes), this.#shared, number),
      log: this.#log,
      onChange: this.#changed,
      onCaughtUp: () => this.#arrived(number),
    })
    this.#streams.push(stream)
    stream
      .run(opened)
      .catch((error: unknown) => {
        this.#failure ??= { error }
      })
      .finally(() => {
        this.#ended.add(stream)
        this.#changed()
      })
    return stream
  }

  readonly #changed = (): void => {
    this.#hasChanged = true
    this.#shared.doorbell.ring()
  }

  /** The first store that has what the journals hold lets the server begin. */
  #arrived(number: number): void {
    if (this.#hasArrived) return
    this.#hasArrived = true
    Promise.all(this.#cares.map(care => care.makeRoom())).then(
      () => this.#shared.publishCaughtUp(number),
      (error: unknown) => {
        this.#failure ??= { error }
        this.#changed()
      },
    )
  }

  /** How long stores that do not answer may keep the server from deciding without them. */
  get #answerMsMax(): number {
    const limits = this.#options.stores.map(store => (store.kind === 'mysql' ? store.connectTimeoutMs : 0))
    return Math.max(...limits)
  }

  /** No store has caught up yet: waits for one that may, does without, or gives up. @throws StartRefused */
  #makeStart(beginning: Beginning): void {
    const endpoints = this.#streams.filter(stream => stream !== this.#standIn)
    const { Opening, CatchingUp, Following } = StoreState
    const isComing = ({ state }: StoreStream) => state === Opening || state === CatchingUp || state === Following
    if (this.#standIn !== undefined || endpoints.some(isComing)) return
    const reasons = endpoints.map(({ name, reason }) => `${name}: ${reason}`).join('; ')
    if (!endpoints.some(({ number }) => this.#shared.takesPart(number))) {
      throw new StartRefused(`No store can be used, so the server does not start. ${reasons}`)
    }
    const { standInFile } = this.#options
    const number = this.#shared.standIn
    if (beginning.reachesBack && standInFile !== undefined && number !== undefined) {
      this.#log.warning('no store answers; the server starts from its journals, which hold everything', {
        standIn: standInFile,
      })
      const endpoint: StoreEndpoint = { kind: 'embedded', name: 'stand-in', file: standInFile }
      this.#standIn = this.#startStream(number, endpoint, beginning)
      return
    }
    if (performance.now() - this.#beganMs < this.#answerMsMax) return
    throw new StartRefused(
      'No store answers, and the journals alone do not hold everything: older entries are only in the stores, and ' +
        `accounts would be missing. Start again when a store is there. ${reasons}`,
    )
  }

  /** The stand-in has served its time once a store follows. Its file stays for whoever is reading it. */
  #retireStandIn(): void {
    const standIn = this.#standIn
    if (standIn === undefined || this.#shared.state(standIn.number) === StoreState.Unused) return
    const hasStore = this.#streams.some(stream => stream !== standIn && stream.state === StoreState.Following)
    if (!hasStore || this.#shared.caughtUpStore === undefined) return
    standIn.stop()
    this.#shared.publishState(standIn.number, StoreState.Unused)
    this.#log.info('a store is there again; the stand-in is not needed any more')
  }

  #removeStandIn(): void {
    const { standInFile } = this.#options
    if (standInFile === undefined) return
    for (const ending of ['', '-wal', '-shm']) fs.rmSync(standInFile + ending, { force: true })
  }

  /** What is counted over all stores. */
  #count(): void {
    const shared = this.#shared
    let usable = 0
    let lag = 0
    for (let store = 0; store < shared.endpoints; store++) {
      const state = shared.state(store)
      if (state === StoreState.Following || state === StoreState.CatchingUp) usable += 1
    }
    for (let journal = 0; journal < shared.journals; journal++) {
      const next = shared.durableNext(journal)
      if (next > 0) lag += Math.max(0, next - 1 - shared.confirmed(journal))
    }
    this.#lane.set(Metric.StoresUsable, usable)
    this.#lane.set(Metric.StoreLag, lag)
  }

  /** Lets every stream copy what there is, and gives up on those whose store does not take it. */
  async #stopStreams(): Promise<void> {
    const { stopMsMax } = this.#options
    const beganMs = performance.now()
    const stallMs = Math.max(STALL_MS_MIN, this.#answerMsMax)
    for (const stream of this.#streams) stream.stop()
    for (const stream of this.#streams) {
      while (!this.#ended.has(stream)) {
        const now = performance.now()
        const isStalled = now - Math.max(stream.progressMs, beganMs) > stallMs
        if (isStalled || now - beganMs > stopMsMax) {
          stream.abandon()
          this.#log.warning('the store has not taken everything in time; the next start goes on from there', {
            store: stream.name,
            lacks: this.#shared.totalLag(stream.number).records,
          })
          break
        }
        this.#hasChanged = false
        await timer(STOP_LOOK_MS)
      }
    }
    this.#count()
  }
}

/** On the way between threads an error loses its class; one that is a sentence for an operator keeps that and no more. */
function told(error: unknown): unknown {
  if (error instanceof StartRefused) error.stack = `${error.name}: ${error.message}`
  return error
}
