// Runs the phases of a load over its connections: closed loop, where each connection keeps so many orders in flight, and
// open loop, where orders fall due by the clock whether the server keeps up or not.

import { assert } from '../../src/base/assert.ts'
import { type CheckResult, type LoadPlan, OrderPattern, type Phase, type PhaseResult } from './load-plan.ts'
import { OrderConnection, PhaseClock } from './order-connection.ts'
import { SubmitFrames } from './submit-frames.ts'

/** Places per connection in open loop; the server's own limit on what is in flight is lower. */
const OPEN_LOOP_PLACES = 16_384
const CLOSED_LOOP_PLACES_PER_ORDER = 16
const HEARTBEAT_MS = 3_000
const DRAIN_MS_MAX = 60_000

export class Load {
  readonly #plan: LoadPlan
  readonly #connections: OrderConnection[]
  readonly #heartbeats: NodeJS.Timeout
  readonly #run = Math.floor(Math.random() * 36 ** 5).toString(36)
  #phases = 0

  private constructor(plan: LoadPlan, connections: OrderConnection[]) {
    this.#plan = plan
    this.#connections = connections
    this.#heartbeats = setInterval(() => {
      for (const connection of connections) connection.heartbeat()
    }, HEARTBEAT_MS)
  }

  static async open(plan: LoadPlan): Promise<Load> {
    const names = plan.tickers.map(({ ticker }) => ticker)
    const connections = await Promise.all(
      plan.connections.map(connection => OrderConnection.open(connection, plan.host, plan.port, names)),
    )
    return new Load(plan, connections)
  }

  get accounts(): number {
    return this.#connections.reduce((sum, { accounts }) => sum + accounts.length, 0)
  }

  get durability(): string {
    return this.#connections[0]?.durability ?? ''
  }

  /** Runs one phase until its last order is done. Rejects with the first wrong answer. */
  async run(phase: Phase): Promise<PhaseResult> {
    const connections = this.#connections.slice(0, phase.connections ?? this.#connections.length)
    const clock = new PhaseClock(phase.isHalted === true)
    this.#phases += 1
    connections.forEach((connection, number) => {
      const frames = new SubmitFrames({
        pattern: phase.pattern,
        accounts: connection.accounts.slice(0, phase.accountsPerConnection ?? connection.accounts.length),
        tickers: this.#plan.tickers.slice(0, phase.tickers ?? this.#plan.tickers.length),
        placesMin: placesMin(phase, connections.length),
        idPrefix: `${this.#run}.${this.#phases.toString(36)}.${number.toString(36)}.`,
      })
      connection.begin(frames, clock, phase.pattern === OrderPattern.Resting)
    })
    const failed = new Promise<never>((_, reject) => {
      for (const connection of connections) connection.onFailure = reject
    })
    // Whoever awaits the phase sees the failure; between two awaits nobody may be waiting.
    failed.catch(() => undefined)
    try {
      return await (phase.rate === undefined
        ? closedLoop(connections, clock, phase, failed)
        : openLoop(connections, clock, phase, phase.rate, failed))
    } finally {
      for (const connection of connections) {
        connection.onInput = () => {}
        connection.onFailure = () => {}
      }
    }
  }

  /** Connects again, to another port perhaps; books and sequences are kept and have to go on. */
  async reconnect(port: number): Promise<void> {
    await Promise.all(this.#connections.map(connection => connection.reopen(this.#plan.host, port)))
  }

  async check(): Promise<CheckResult> {
    const checks = await Promise.all(this.#connections.map(connection => connection.check()))
    return checks.reduce((sum, { accounts, reports, positions }) => ({
      accounts: sum.accounts + accounts,
      reports: sum.reports + reports,
      positions: sum.positions + positions,
    }))
  }

  close(): void {
    clearInterval(this.#heartbeats)
    for (const connection of this.#connections) connection.close()
  }
}

function placesMin(phase: Phase, connections: number): number {
  if (phase.rate !== undefined) return OPEN_LOOP_PLACES
  // Resting orders are spread over price levels by their place, so each gets its own.
  const spread = phase.pattern === OrderPattern.Resting ? Math.ceil((phase.orders ?? 0) / connections) : 0
  return Math.max(CLOSED_LOOP_PLACES_PER_ORDER * phase.inFlight!, spread)
}

async function closedLoop(
  connections: readonly OrderConnection[],
  clock: PhaseClock,
  phase: Phase,
  failed: Promise<never>,
): Promise<PhaseResult> {
  const inFlight = phase.inFlight!
  let left = phase.orders ?? Number.POSITIVE_INFINITY
  let isSending = true
  const fill = (connection: OrderConnection, nowMs: number) => {
    if (!isSending) return
    const room = Math.min(inFlight - connection.inFlight, left)
    if (room > 0) left -= connection.send(room, nowMs, 0, nowMs)
  }
  const begin = performance.now()
  clock.fromMs = begin + phase.warmUpMs
  for (const connection of connections) {
    connection.onInput = nowMs => fill(connection, nowMs)
    fill(connection, begin)
  }
  const measurement = phase.orders === undefined ? await measureFor(clock, phase, failed) : new Measurement(clock)
  if (phase.orders === undefined) isSending = false
  await drained(connections, () => left <= 0 || !isSending, failed)
  return measurement.end(clock)
}

async function openLoop(
  connections: readonly OrderConnection[],
  clock: PhaseClock,
  phase: Phase,
  rate: number,
  failed: Promise<never>,
): Promise<PhaseResult> {
  assert(phase.orders === undefined, 'an open loop runs for a time')
  const stepMs = (1_000 / rate) * connections.length
  const begin = performance.now()
  const due = connections.map((_, index) => begin + (index * 1_000) / rate)
  const endMs = begin + phase.warmUpMs + phase.measureMs
  clock.fromMs = begin + phase.warmUpMs
  const sendDue = (nowMs: number) => {
    for (let i = 0; i < connections.length; i++) {
      const first = due[i]!
      const until = Math.min(nowMs, endMs)
      if (first > until) continue
      const count = Math.floor((until - first) / stepMs) + 1
      due[i] = first + connections[i]!.send(count, first, stepMs, nowMs) * stepMs
    }
  }
  for (const connection of connections) connection.onInput = sendDue
  let isSending = true
  const pace = () => {
    if (!isSending) return
    sendDue(performance.now())
    setTimeout(pace, 1)
  }
  pace()
  try {
    const measurement = await measureFor(clock, phase, failed)
    await drained(connections, () => due.every(next => next >= endMs), failed)
    return measurement.end(clock)
  } finally {
    isSending = false
  }
}

async function measureFor(clock: PhaseClock, phase: Phase, failed: Promise<never>): Promise<Measurement> {
  await Promise.race([pause(phase.warmUpMs), failed])
  const measurement = new Measurement(clock)
  await Promise.race([pause(phase.measureMs), failed])
  measurement.stop(clock)
  return measurement
}

async function drained(
  connections: readonly OrderConnection[],
  isAllSent: () => boolean,
  failed: Promise<never>,
): Promise<void> {
  const giveUpMs = performance.now() + DRAIN_MS_MAX
  let least = Number.POSITIVE_INFINITY
  let deadlineMs = giveUpMs
  while (!isAllSent() || connections.some(({ inFlight }) => inFlight > 0)) {
    await Promise.race([pause(5), failed])
    const now = performance.now()
    const waiting = connections.reduce((sum, { inFlight }) => sum + inFlight, 0)
    if (waiting !== least) {
      least = waiting
      deadlineMs = now + DRAIN_MS_MAX
    }
    if (now > deadlineMs) throw new Error(`${waiting} orders were not answered within ${DRAIN_MS_MAX} ms`)
  }
}

/** What was done between two instants. */
class Measurement {
  readonly #fromMs = performance.now()
  readonly #cpu = process.cpuUsage()
  readonly #doneBefore: number
  #orders = 0
  #elapsedMs = 0
  #cpuUs = 0

  constructor(clock: PhaseClock) {
    this.#doneBefore = clock.done
  }

  stop(clock: PhaseClock): void {
    const now = performance.now()
    clock.toMs = now
    const { user, system } = process.cpuUsage(this.#cpu)
    this.#orders = clock.done - this.#doneBefore
    this.#elapsedMs = now - this.#fromMs
    this.#cpuUs = user + system
  }

  end(clock: PhaseClock): PhaseResult {
    if (this.#elapsedMs === 0) this.stop(clock)
    return {
      orders: this.#orders,
      elapsedMs: this.#elapsedMs,
      ordersPerSecond: (this.#orders * 1_000) / this.#elapsedMs,
      ordersTotal: clock.done,
      accepted: clock.acceptedLatencies.percentiles(),
      done: clock.doneLatencies.percentiles(),
      lateness: clock.latenesses.percentiles(),
      halted: {
        lastNewMs: performance.timeOrigin + clock.lastNewMs,
        lastCanceledMs: performance.timeOrigin + clock.lastCanceledMs,
        rejected: clock.rejected,
        canceled: clock.canceled,
      },
      loadCores: this.#cpuUs / 1_000 / this.#elapsedMs,
    }
  }
}

function pause(ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms))
}
