// Stage 5: one thread for each shard, and what main knows of them: whether they have restored their accounts, whether they
// have stopped, and what they count.

import { LANE_BYTES, Metric } from '../metrics/catalogue.ts'
import { createCommitSlot } from '../shared-memory/commit-slot.ts'
import { Doorbell } from '../shared-memory/doorbell.ts'
import { Lane, Latencies } from '../shared-memory/lanes.ts'
import { type SharedMemory, shardThread } from '../shared-memory/memory-map.ts'
import { Command } from '../shared-memory/records.ts'
import { RingProducer } from '../shared-memory/ring.ts'
import type { JournalPlace } from './journals.ts'
import { ShardLink } from './shard-link.ts'
import { type StageParts, threadFile } from './stage.ts'
import type { HostedThread } from './threads.ts'
import type { RunningWriter } from './writer-stage.ts'

const NOTHING = new Uint8Array(0)
/** Blocks up to this size are written beside the shard, which is nearly all. */
const COMMIT_SLOT_BYTES = 2 << 20

export class Shards {
  readonly links: readonly ShardLink[]
  readonly #lanes: readonly Lane[]
  readonly #threads: readonly HostedThread[]
  #ready = 0
  #stopped = 0
  #onChange: () => void = () => undefined

  /** Starts a thread for each of the first journals, as many as there are rings. */
  constructor(
    { config, log, startThread }: StageParts,
    memory: SharedMemory,
    journals: readonly JournalPlace[],
    writer: Pick<RunningWriter, 'memory' | 'shared'>,
    definitions: unknown,
  ) {
    const { engine, marketData } = config
    this.links = memory.commandRings.map(
      (ring, shard) => new ShardLink(new RingProducer(ring), new Doorbell(memory.doorbells, shardThread(shard))),
    )
    this.#lanes = this.links.map((_, shard) => new Lane(memory.lanes, shardThread(shard), LANE_BYTES))
    // Only a disk that is waited for is worth a thread of its own.
    const commitSlots = this.links.map(() =>
      config.durability === 'fsync' ? createCommitSlot(COMMIT_SLOT_BYTES) : undefined,
    )
    for (const [shard, slot] of commitSlots.entries()) {
      if (slot === undefined) continue
      startThread(`commit-${shard}`, threadFile('../shards/commit-thread'), {
        slot,
        doorbells: memory.doorbells,
        shardDoorbell: shardThread(shard),
      })
    }
    this.#threads = this.links.map((_, shard) =>
      startThread(`shard-${shard}`, threadFile('../shards/shard-thread'), {
        shard,
        memory,
        writerShared: writer.memory,
        journalNumber: shard,
        journalDirectory: journals[shard].directory,
        journalFirstSequence: writer.shared.beginning(shard),
        durability: config.durability,
        commitSlot: commitSlots[shard],
        segmentBytes: config.journal.segmentBytes,
        definitions,
        checks: config.checks,
        limits: {
          liveOrdersMax: engine.liveOrdersPerShardMax,
          clOrdIdsMax: engine.clOrdIdsPerShardMax,
          listingsMax: engine.tickersMax,
          positionsMax: engine.positionsPerShardMax,
          firstUseUs: marketData.subscribe === 'everything' ? 0 : 1_000 * marketData.firstUseMs,
          // What one client may have unanswered; and what waits altogether is no more than would fill the ring once.
          parkedCommandsMax: config.limits.inFlightMax,
          parkedBytesMax: engine.commandRingBytes,
        },
        snapshotReports: engine.snapshotReports,
        commandsPerTurnMax: engine.batchCommandsMax,
        spinUs: engine.spinUs,
        log: log.share,
      }),
    )
  }

  /** By the pump, for each shard that has restored its accounts, or stopped. */
  noteReady(): void {
    this.#ready += 1
    this.#onChange()
  }

  noteStopped(): void {
    this.#stopped += 1
    this.#onChange()
  }

  /** Settles once all shards have their accounts. */
  whenReady(): Promise<void> {
    return this.#when(() => this.#ready === this.links.length)
  }

  /** Sends the time to all shards. */
  tick(nowUs: number): void {
    this.#post(Command.Time, nowUs)
  }

  /** Stops them; what they have been handed before is judged, made durable and published. */
  async stop(nowUs: number): Promise<void> {
    const hasStopped = () => this.#stopped === this.links.length
    if (hasStopped()) return
    this.#post(Command.Stop, nowUs)
    const failed = this.#threads.map(({ ended }) => ended.then(() => new Promise<never>(() => undefined)))
    await Promise.race([this.#when(hasStopped), Promise.all(failed)])
  }

  /** What they have done so far, all together. */
  figures(): Record<string, number> {
    const commits = new Latencies()
    let orders = 0
    let batches = 0
    for (const lane of this.#lanes) {
      commits.add(lane.histogram(Metric.CommitLatency))
      orders += lane.value(Metric.OrdersAccepted)
      batches += lane.value(Metric.Batches)
    }
    return { orders, batches, commitP50Us: commits.percentile(0.5), commitP99Us: commits.percentile(0.99) }
  }

  #post(command: Command, nowUs: number): void {
    for (const link of this.links) {
      link.post(command, 0, nowUs, 0, NOTHING)
      link.flush()
    }
  }

  #when(reached: () => boolean): Promise<void> {
    return new Promise(resolve => {
      const look = () => {
        if (!reached()) return
        this.#onChange = () => undefined
        resolve()
      }
      this.#onChange = look
      look()
    })
  }
}
