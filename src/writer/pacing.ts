// How the writer makes way for those who trade. Copying can wait, judging cannot: where orders come in while a batch is
// copied and the batch had to queue for a processor, the writer rests for a multiple of it. It rests no longer once the
// store is too far behind, so the lag stays bounded whatever the load; and nobody makes it rest while nothing comes in.

import fs from 'node:fs'

/** A batch that queued longer than this part of the time it was running met others who want the processor. */
const QUEUED_SHARE_MAX = 0.25
/** Rest after such a batch, as a multiple of its time on the wall. */
const REST_FACTOR = 6
const REST_MS_MAX = 1000

/** How long the calling thread has run and how long it queued for a processor, in ms. */
export interface ProcessorTimes {
  runMs: number
  queuedMs: number
}

/** As Linux counts it for each thread; undefined elsewhere, where nobody can tell. */
export function processorTimes(): ProcessorTimes | undefined {
  let text: string
  try {
    text = fs.readFileSync('/proc/thread-self/schedstat', 'latin1')
  } catch {
    return undefined // no such file outside Linux, or with the statistics switched off
  }
  const [run, queued] = text.split(' ').map(Number)
  return Number.isFinite(run) && Number.isFinite(queued) ? { runMs: run / 1e6, queuedMs: queued / 1e6 } : undefined
}

/** Where a batch begins. */
interface Mark {
  wallMs: number
  times: ProcessorTimes | undefined
  /** What the journals hold durably. */
  durable: number
}

export class Pacing {
  readonly #lagMaxMs: number
  readonly #wallMs: () => number
  readonly #times: () => ProcessorTimes | undefined
  #mark: Mark = { wallMs: 0, times: undefined, durable: 0 }

  /** @param lagMaxMs the store may fall this far behind for the sake of others. */
  constructor(lagMaxMs: number, wallMs: () => number = () => performance.now(), times = processorTimes) {
    this.#lagMaxMs = lagMaxMs
    this.#wallMs = wallMs
    this.#times = times
  }

  /** A batch begins; `durable` counts the entries of all journals. */
  begin(durable: number): void {
    this.#mark = { wallMs: this.#wallMs(), times: this.#times(), durable }
  }

  /** The batch is done. @returns how long to rest, in ms; 0 where nobody is kept waiting or the store is too far behind. */
  restMs(durable: number, lagMs: number): number {
    const { wallMs, times: before, durable: durableBefore } = this.#mark
    const after = this.#times()
    if (lagMs > this.#lagMaxMs || durable === durableBefore || before === undefined || after === undefined) return 0
    const queuedMs = after.queuedMs - before.queuedMs
    if (queuedMs <= QUEUED_SHARE_MAX * (after.runMs - before.runMs)) return 0
    return Math.min(REST_MS_MAX, REST_FACTOR * (this.#wallMs() - wallMs))
  }
}
