// Watches the event loop of a thread that has one: how late it is to what is due, and how long garbage collection holds it.
// Does not keep a process alive.

import { PerformanceObserver } from 'node:perf_hooks'
import type { Lane } from '../shared-memory/lanes.ts'
import { Metric } from './catalogue.ts'
import { meterThread } from './thread-meter.ts'

const LOOK_MS = 50
/** Of these looks between two at the thread's own heap and processor time, which then are as old at most. */
const THREAD_LOOKS = 4

export class LoopMeter {
  readonly #lane: Lane
  readonly #timer: NodeJS.Timeout
  readonly #collections: PerformanceObserver
  #dueMs = performance.now() + LOOK_MS
  #looks = 0

  constructor(lane: Lane) {
    this.#lane = lane
    this.#timer = setInterval(() => this.#look(), LOOK_MS).unref()
    this.#collections = new PerformanceObserver(list => {
      for (const { duration } of list.getEntries()) lane.record(Metric.GcPause, 1000 * duration)
    })
    this.#collections.observe({ entryTypes: ['gc'] })
    meterThread(lane)
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#collections.disconnect()
  }

  #look(): void {
    const nowMs = performance.now()
    this.#lane.record(Metric.LoopDelay, 1000 * (nowMs - this.#dueMs))
    this.#dueMs = nowMs + LOOK_MS
    this.#looks += 1
    if (this.#looks % THREAD_LOOKS === 0) meterThread(this.#lane)
  }
}
