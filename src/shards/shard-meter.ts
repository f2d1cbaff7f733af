// How long the stages of a shard take, from the receipt of a request in main to its reports lying in the report ring. The
// clock is looked at a few times for each block, never for each command: it costs more than what is done with it. Requests
// that main received at one time are counted together.
//
//   received in main ─→ taken ─→ … block closed ─→ durable ─→ published
//                  wait    judge             commit       publish
//                  └────────────── command ─────────┘

import { assert } from '../base/assert.ts'
import { Metric } from '../metrics/catalogue.ts'
import { meterThread } from '../metrics/thread-meter.ts'
import type { Lane } from '../shared-memory/lanes.ts'

/** Ticks of main between two looks at the thread's own heap and processor time, which then are as old at most. */
const TICKS_PER_LOOK = 2

export class ShardMeter {
  readonly #lane: Lane
  readonly #clockUs: () => number
  #nowUs = 0
  /** Requests that came at one time and were taken at one time, and are not counted yet. */
  #waitedUs = 0
  #waited = 0
  #takenUs = 0
  #judgedUs = 0
  /** When main received the requests of the open block, and of the closed one. */
  #openTimes: Float64Array
  #openCount = 0
  #closedTimes: Float64Array
  #closedCount = 0
  #publishedUs = 0
  #ticks = 0

  /**
   * @param requestsMax requests of one block at most.
   * @param clockUs now, by the clock whose times the requests carry.
   */
  constructor(lane: Lane, requestsMax: number, clockUs: () => number) {
    this.#lane = lane
    this.#clockUs = clockUs
    this.#openTimes = new Float64Array(requestsMax)
    this.#closedTimes = new Float64Array(requestsMax)
  }

  /** Some commands are going to be taken. */
  beginTaking(): void {
    this.#nowUs = this.#clockUs()
    this.#takenUs = this.#nowUs
  }

  /** Now and then, while they are. */
  look(): void {
    this.#nowUs = this.#clockUs()
  }

  /** One of them is a request, which main received at `timeUs`. */
  request(timeUs: number): void {
    const waitedUs = this.#nowUs - timeUs
    if (waitedUs !== this.#waitedUs) {
      this.#countWaited()
      this.#waitedUs = waitedUs
    }
    this.#waited += 1
    assert(this.#openCount < this.#openTimes.length)
    this.#openTimes[this.#openCount] = timeUs
    this.#openCount += 1
  }

  /** They have all been judged. */
  endTaking(): void {
    this.#countWaited()
    this.#judgedUs += this.#clockUs() - this.#takenUs
  }

  /** The open block is closed; nothing is left of the one before. */
  close(): void {
    this.#lane.record(Metric.JudgeLatency, this.#judgedUs)
    this.#judgedUs = 0
    const times = this.#closedTimes
    this.#closedTimes = this.#openTimes
    this.#closedCount = this.#openCount
    this.#openTimes = times
    this.#openCount = 0
  }

  /** The closed block is durable, and begins to be published. */
  durable(): void {
    const nowUs = this.#clockUs()
    const times = this.#closedTimes
    const count = this.#closedCount
    for (let first = 0, next = 0; first < count; first = next) {
      while (next < count && times[next] === times[first]) next += 1
      this.#lane.record(Metric.CommandLatency, nowUs - times[first]!, next - first)
    }
    this.#closedCount = 0
    this.#publishedUs = nowUs
  }

  /** It is published. */
  published(): void {
    this.#lane.add(Metric.Blocks)
    this.#lane.record(Metric.PublishLatency, this.#clockUs() - this.#publishedUs)
  }

  #countWaited(): void {
    if (this.#waited > 0) this.#lane.record(Metric.WaitLatency, this.#waitedUs, this.#waited)
    this.#waited = 0
  }

  /** Time passes. */
  tick(): void {
    if (this.#ticks % TICKS_PER_LOOK === 0) meterThread(this.#lane)
    this.#ticks += 1
  }
}
