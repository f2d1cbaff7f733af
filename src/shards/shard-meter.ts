// How long the stages of a shard take, from the receipt of a request in main to its reports lying in the report ring. The
// clock is looked at a few times for each block, never for each command: it costs more than what is done with it.
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
    this.#lane.record(Metric.WaitLatency, this.#nowUs - timeUs)
    assert(this.#openCount < this.#openTimes.length)
    this.#openTimes[this.#openCount] = timeUs
    this.#openCount += 1
  }

  /** They have all been judged. */
  endTaking(): void {
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
    for (let i = 0; i < this.#closedCount; i++) {
      this.#lane.record(Metric.CommandLatency, nowUs - this.#closedTimes[i]!)
    }
    this.#closedCount = 0
    this.#publishedUs = nowUs
  }

  /** It is published. */
  published(): void {
    this.#lane.add(Metric.Blocks)
    this.#lane.record(Metric.PublishLatency, this.#clockUs() - this.#publishedUs)
  }

  /** Time passes. */
  tick(): void {
    if (this.#ticks % TICKS_PER_LOOK === 0) meterThread(this.#lane)
    this.#ticks += 1
  }
}
