// The entry of a shard's thread: a task of the thread pool that ends when main stops the shard, or when the shard fails.
// A shard that breaks one of its own promises, or whose journal cannot be written, must not go on: its error travels to
// main, which stops the process; recovery is the ordinary start.

import { Log, type LogShare } from '../base/log.ts'
import type { CheckName } from '../checks/chain.ts'
import { definitionsFromData } from '../domain/definitions.ts'
import { acrossThreads } from '../journal/journal-errors.ts'
import { JournalWriter } from '../journal/journal-writer.ts'
import type { Durability } from '../journal/segment.ts'
import { AccountTable } from '../shared-memory/account-table.ts'
import { CommitSlot } from '../shared-memory/commit-slot.ts'
import { Doorbell } from '../shared-memory/doorbell.ts'
import { HaltTable } from '../shared-memory/halt-table.ts'
import { Lane } from '../shared-memory/lanes.ts'
import { MAIN_THREAD, type SharedMemory, shardThread } from '../shared-memory/memory-map.ts'
import { PositionTable } from '../shared-memory/position-table.ts'
import { QuoteTable } from '../shared-memory/quote-table.ts'
import { RateTable } from '../shared-memory/rate-table.ts'
import { RingConsumer, RingProducer } from '../shared-memory/ring.ts'
import { SharedClock } from '../shared-memory/shared-clock.ts'
import { WriterShared } from '../shared-memory/writer-shared.ts'
import { JournalSink } from './journal-sink.ts'
import { assembleShard } from './shard.ts'
import type { ShardLimits } from './shard-state.ts'
import { TracedSink } from './traced-sink.ts'

/** Plain data, as it crosses from main into the thread. */
export interface ShardThreadOptions {
  readonly shard: number
  readonly memory: SharedMemory
  /** The writer's memory, and the number of this shard's journal in it. */
  readonly writerShared: SharedArrayBuffer
  readonly journalNumber: number
  readonly journalDirectory: string
  /** Where the journal begins, if it has not begun yet. */
  readonly journalFirstSequence: number
  readonly durability: Durability
  /** To the committing thread; without it the shard writes every block itself. */
  readonly commitSlot: SharedArrayBuffer | undefined
  readonly segmentBytes: number
  /** As `definitionsFromData` takes them. */
  readonly definitions: unknown
  readonly checks: readonly CheckName[]
  readonly limits: ShardLimits
  readonly snapshotReports: number
  readonly commandsPerTurnMax: number
  readonly spinUs: number
  readonly log: LogShare
}

export default function runShard(options: ShardThreadOptions): void {
  try {
    run(options)
  } catch (error) {
    throw acrossThreads(error)
  }
}

function run(options: ShardThreadOptions): void {
  const { memory, shard } = options
  const { sizes } = memory
  const log = new Log({ component: `shard-${shard}` }, options.log)
  const journal = JournalWriter.open({
    directory: options.journalDirectory,
    durability: options.durability,
    segmentBytes: options.segmentBytes,
    firstSequence: options.journalFirstSequence,
  })
  if (journal.repaired !== undefined) log.warning('the torn tail of the journal was cut off', { ...journal.repaired })
  const slot = options.commitSlot === undefined ? undefined : new CommitSlot(options.commitSlot)
  const sink = new JournalSink(journal, new WriterShared(options.writerShared), options.journalNumber, slot)
  const clock = new SharedClock(memory.clock)
  const { cycle } = assembleShard({
    ...options,
    definitions: definitionsFromData(options.definitions),
    accounts: new AccountTable(memory.accounts, sizes.accountsMax),
    positions: new PositionTable(memory.positions[shard], sizes.positionsPerShardMax),
    quotes: new QuoteTable(memory.quotes, sizes.tickersMax),
    rates: new RateTable(memory.rates, sizes.ratesMax),
    halts: new HaltTable(memory.halts, sizes.destinationsMax),
    commands: new RingConsumer(memory.commandRings[shard]),
    reports: new RingProducer(memory.reportRings[shard]),
    doorbell: new Doorbell(memory.doorbells, shardThread(shard), options.spinUs),
    mainDoorbell: new Doorbell(memory.doorbells, MAIN_THREAD),
    lane: new Lane(memory.lanes, shardThread(shard), sizes.laneBytes),
    clockUs: () => clock.nowUs(),
    journal: new TracedSink(sink, log),
  })
  try {
    cycle.run()
  } finally {
    sink.close()
  }
}
