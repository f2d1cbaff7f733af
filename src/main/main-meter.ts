// What main counts: its own lane, and one for each link, in which it notes what it sees of a shard from outside. What
// happens is counted where it happens; what merely is (a depth, a state, memory) is looked up here when somebody asks.

import fs from 'node:fs/promises'
import { RuleState } from '../compliance/schema.ts'
import {
  DEGRADED_PARTS,
  HALT_SCOPE_NAMES,
  LANE_BYTES,
  Metric,
  slotOfRiskState,
  WATCHED_SERVICES,
} from '../metrics/catalogue.ts'
import type { NamedLane } from '../metrics/exposition.ts'
import { LoopMeter } from '../metrics/loop-meter.ts'
import { Lane } from '../shared-memory/lanes.ts'
import { MAIN_THREAD, type SharedMemory, shardThread, storeLane, WRITER_THREAD } from '../shared-memory/memory-map.ts'
import type { RingConsumer } from '../shared-memory/ring.ts'
import type { WriterShared } from '../shared-memory/writer-shared.ts'
import type { Accounts } from './accounts.ts'
import type { AdminPort } from './admin-port.ts'
import type { Compliance } from './compliance.ts'
import type { Halts } from './halts.ts'
import type { HaltCount, Health } from './health.ts'
import type { Market } from './market.ts'
import type { ShardLink } from './shard-link.ts'
import { ShardPulse } from './shard-pulse.ts'

/** What is looked at when somebody asks; each is there from some stage of the start on. */
export interface MeteredParts {
  readonly port?: AdminPort
  readonly writer?: WriterShared
  readonly links?: readonly ShardLink[]
  readonly reportRings?: readonly RingConsumer[]
  readonly accounts?: Pick<Accounts, 'riskStates'>
  readonly halts?: Pick<Halts, 'inForce'>
  readonly market?: Pick<Market, 'received' | 'dropped'>
  readonly rules?: () => Iterable<{ readonly state: RuleState }>
  readonly compliance?: Pick<Compliance, 'violations'>
}

/** Between two looks at the room on the disk. */
const DISK_MS = 5_000
/** Between two at the pulse of the shards. */
const PULSE_MS = 1_000

export class MainMeter {
  /** All lanes of the server, for reading, in the order of the exposition. */
  readonly lanes: readonly NamedLane[]
  /** Main's own. */
  readonly lane: Lane
  #parts: MeteredParts = {}
  readonly #health: Health
  readonly #links: readonly Lane[]
  readonly #loop: LoopMeter
  readonly #disk: NodeJS.Timeout
  readonly #pulse: NodeJS.Timeout

  /** @param storeNames of all stores, in the order of their numbers. */
  constructor(memory: SharedMemory, storeNames: readonly string[], health: Health, dataDirectory: string) {
    const { shards } = memory.sizes
    const lane = (number: number) => new Lane(memory.lanes, number, LANE_BYTES)
    // Of interest to main alone, and so beside the memory that threads share.
    const ownMemory = new SharedArrayBuffer(shards * LANE_BYTES)
    const shardNumbers = Array.from({ length: shards }, (_, shard) => shard)
    this.lane = lane(MAIN_THREAD)
    this.#links = shardNumbers.map(shard => new Lane(ownMemory, shard, LANE_BYTES))
    this.lanes = [
      { kind: 'main', thread: 'main', lane: this.lane },
      { kind: 'writer', thread: 'writer', lane: lane(WRITER_THREAD) },
      ...storeNames.map((name, store) => ({
        kind: 'store' as const,
        thread: name,
        lane: lane(storeLane(shards, store)),
      })),
      ...this.#links.map((link, shard) => ({ kind: 'link' as const, thread: `shard-${shard}`, lane: link })),
      ...shardNumbers.map(shard => ({
        kind: 'shard' as const,
        thread: `shard-${shard}`,
        lane: lane(shardThread(shard)),
      })),
    ]
    this.#health = health
    this.#loop = new LoopMeter(this.lane)
    const look = () => void this.#lookAtDisk(dataDirectory)
    this.#disk = setInterval(look, DISK_MS).unref()
    look()
    const pulse = new ShardPulse(shardNumbers.map(shard => lane(shardThread(shard))))
    // Before clients may come nobody sends the shards the time.
    this.#pulse = setInterval(() => {
      if (health.stage === 'trading') pulse.look()
    }, PULSE_MS).unref()
    health.silentShards = () => pulse.silent()
    this.lane.set(Metric.StartTime, performance.timeOrigin / 1_000)
  }

  /** Looks at these as well from now on. */
  watch(parts: MeteredParts): void {
    this.#parts = { ...this.#parts, ...parts }
  }

  stop(): void {
    this.#loop.stop()
    clearInterval(this.#disk)
    clearInterval(this.#pulse)
  }

  /** Notes in main's lanes how everything is now. */
  refresh(): void {
    const { lane } = this
    const { port, market, accounts, rules, compliance } = this.#parts
    const { isReady, degraded } = this.#health.report()
    lane.set(Metric.Ready, isReady ? 1 : 0)
    for (const [place, part] of DEGRADED_PARTS.entries()) {
      lane.set(Metric.Degraded + place, degraded.some(each => each.part === part) ? 1 : 0)
    }
    const cpu = process.cpuUsage()
    lane.set(Metric.ProcessCpu, (cpu.user + cpu.system) / 1e6)
    lane.set(Metric.ResidentBytes, process.memoryUsage.rss())
    for (const [place, service] of WATCHED_SERVICES.entries()) {
      lane.set(Metric.ServiceAvailable + place, this.#health.services.get(service) === true ? 1 : 0)
    }
    for (const [place, { count }] of this.haltCounts().entries()) lane.set(Metric.Halts + place, count)
    if (accounts !== undefined) {
      for (const [type, count] of accounts.riskStates) lane.set(slotOfRiskState(type), count)
    }
    if (rules !== undefined) {
      let active = 0
      for (const { state } of rules()) if (state === RuleState.Active) active += 1
      lane.set(Metric.Rules, active)
    }
    lane.set(Metric.Violations, compliance?.violations ?? 0)
    lane.set(Metric.MarketEvents, market?.received ?? 0)
    lane.set(Metric.MarketEventsDropped, market?.dropped ?? 0)
    lane.set(Metric.AdminConnections, port?.connections ?? 0)
    lane.set(Metric.AdminRequests, port?.requests ?? 0)
    lane.set(Metric.AdminRefused, port?.refused ?? 0)
    for (const shard of this.#links.keys()) this.#link(shard)
  }

  /** Halts in force, in the order of what can be halted. */
  haltCounts(): HaltCount[] {
    const counts = HALT_SCOPE_NAMES.map(scope => ({ scope: scope as string, count: 0 }))
    for (const { scope } of this.#parts.halts?.inForce() ?? []) counts[scope]!.count += 1
    return counts
  }

  #link(shard: number): void {
    const lane = this.#links[shard]!
    const { links, reportRings, writer } = this.#parts
    const link = links?.[shard]
    if (link !== undefined) {
      lane.set(Metric.CommandRing, link.commands.usedBytes())
      lane.set(Metric.CommandRingSize, link.commands.capacityBytes)
      lane.set(Metric.CommandsWaiting, link.waiting)
    }
    const ring = reportRings?.[shard]
    if (ring !== undefined) {
      lane.set(Metric.ReportRing, ring.usedBytes())
      lane.set(Metric.ReportRingSize, ring.capacityBytes)
    }
    if (writer === undefined) return
    const next = writer.durableNext(shard)
    lane.set(Metric.JournalBacklog, next === 0 ? 0 : Math.max(0, next - 1 - writer.confirmed(shard)))
  }

  async #lookAtDisk(directory: string): Promise<void> {
    try {
      const { bavail, blocks, bsize } = await fs.statfs(directory)
      this.#health.diskFreeBytes = bavail * bsize
      this.lane.set(Metric.DiskFree, bavail * bsize)
      this.lane.set(Metric.DiskSize, blocks * bsize)
    } catch {
      // A directory that cannot be looked at: the journals will say so in a way that nobody overlooks.
    }
  }
}
