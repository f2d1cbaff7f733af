// Stage 4: the writer's thread, which brings the stores to the end of the journals and keeps them there. The server goes
// on as soon as one store has everything.

import { type SharedMemory, storeLane, WRITER_THREAD } from '../shared-memory/memory-map.ts'
import { createWriterShared, STORE_STATE_NAMES, WriterShared } from '../shared-memory/writer-shared.ts'
import type { StoreEndpoint } from '../stores/store-endpoint.ts'
import type { JournalPlace } from './journals.ts'
import { type StageParts, settled, threadFile } from './stage.ts'
import type { HostedThread } from './threads.ts'

/** A store is made to keep what it has after so much or so long. */
const CONFIRM_BYTES = 256 << 20
const CONFIRM_MS = 5000
/** How often a start that waits for a store says how far each of them is. */
const TELL_MS = 5000

export interface WriterStageOptions {
  readonly memory: SharedMemory
  readonly journals: readonly JournalPlace[]
  readonly stores: readonly StoreEndpoint[]
  readonly standIn: StoreEndpoint | undefined
  readonly dataDirectory: string
  readonly adoptsStore: boolean
  readonly definitions: unknown
}

export interface RunningWriter {
  readonly memory: SharedArrayBuffer
  readonly shared: WriterShared
  /** All stores by their numbers, the stand-in last. */
  readonly stores: readonly StoreEndpoint[]
  /** The store that has everything the journals hold. */
  readonly caughtUp: StoreEndpoint
}

export async function startWriter(parts: StageParts, options: WriterStageOptions): Promise<RunningWriter> {
  const { config, log, startThread, onTheWayDown } = parts
  const { memory, journals, stores, standIn, dataDirectory, adoptsStore, definitions } = options
  const { writer, journal, durability, engine } = config
  const all = standIn === undefined ? stores : [...stores, standIn]
  const writerMemory = createWriterShared(journals.length, all.length, standIn !== undefined)
  const shared = new WriterShared(writerMemory)
  const thread = startThread('writer', threadFile('../writer/writer-thread'), {
    shared: writerMemory,
    journals,
    stores,
    standInFile: standIn?.kind === 'embedded' ? standIn.file : undefined,
    dataDirectory,
    adoptsStore,
    durability,
    segmentBytes: journal.segmentBytes,
    spareSegments: journal.spareSegments,
    definitions,
    batchRowsMax: writer.batchRowsMax,
    batchBytesMax: writer.batchBytesMax,
    batchAgeMs: writer.batchAgeMs,
    confirmBytes: CONFIRM_BYTES,
    confirmMs: CONFIRM_MS,
    copiesAlways: writer.copy === 'always',
    lagMaxMs: writer.lagMsMax,
    catchUpShare: writer.catchUpShare,
    pauses: { firstMs: writer.retryFirstMs, longestMs: writer.retryLongestMs },
    stopMsMax: writer.stopMsMax,
    nice: writer.nice,
    lanes: memory.lanes,
    laneBytes: memory.sizes.laneBytes,
    lane: WRITER_THREAD,
    storeLanes: all.map((_, store) => storeLane(engine.shards, store)),
    log: log.share,
  })
  onTheWayDown('writer', async () => {
    shared.stop()
    await settled(thread)
  })
  // A wait on shared memory does not keep a process alive; this does, and whoever looks on sees that it gets on.
  const tell = setInterval(() => log.info('no store has what the journals hold yet', howFar(all, shared)), TELL_MS)
  const caughtUp = await Promise.race([shared.caughtUp(), endedEarly(thread)]).finally(() => clearInterval(tell))
  return { memory: writerMemory, shared, stores: all, caughtUp: all[caughtUp] }
}

async function endedEarly(thread: HostedThread): Promise<never> {
  await thread.ended
  throw new Error('the writer ended before a store had what the journals hold')
}

/** State of each store by its name, and the entries it is known to lack. */
function howFar(stores: readonly StoreEndpoint[], shared: WriterShared): Record<string, string> {
  return Object.fromEntries(
    stores.map(({ name }, store) => [
      name,
      `${STORE_STATE_NAMES[shared.state(store)]}, lacks ${shared.totalLag(store).records}`,
    ]),
  )
}
