// A feed is a source of market events with times of their own. It neither reads a clock nor waits: it gives the events
// that are due at a time it is told, so the same feed runs live, in a test, and in a simulation. The driver is what
// lets time pass.

import { setTimeout as pause } from 'node:timers/promises'
import type { MarketEvent } from './market-event.ts'

export interface MarketFeed {
  /**
   * The events due up to and including `nowUs`, in order. The first call fixes the start and gives the state of the
   * market at that time.
   */
  advance(nowUs: number): readonly MarketEvent[]
  /** True where no event will ever follow. */
  readonly ended: boolean
}

/** How often the driver looks. */
const LOOK_MS = 10

export class FeedDriver {
  readonly #feed: MarketFeed
  readonly #publish: (event: MarketEvent) => void
  readonly #nowUs: () => number
  #timer: NodeJS.Timeout | undefined

  /** @param nowUs µs since the epoch. */
  constructor(feed: MarketFeed, publish: (event: MarketEvent) => void, nowUs: () => number) {
    this.#feed = feed
    this.#publish = publish
    this.#nowUs = nowUs
  }

  /** Publishes the state of the market, and from then on what becomes due. */
  start(): void {
    this.#look()
    if (!this.#feed.ended) this.#timer = setInterval(() => this.#look(), LOOK_MS)
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  /**
   * Publishes all of a feed that ends. Between two looks `published` is awaited, with the number of events since the last
   * time, so that whoever takes them sets the pace.
   */
  async run(published: (count: number) => Promise<void>): Promise<void> {
    while (true) {
      await published(this.#look())
      if (this.#feed.ended) return
      await pause(LOOK_MS)
    }
  }

  #look(): number {
    const events = this.#feed.advance(this.#nowUs())
    for (const event of events) this.#publish(event)
    if (this.#feed.ended) this.stop()
    return events.length
  }
}
