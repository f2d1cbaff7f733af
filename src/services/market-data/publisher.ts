// Publishes market data over the wire: what a feed that runs in a process of its own sends its events through. One request
// is under way at a time; what becomes due meanwhile leaves with the next, so a feed is never faster than the service.
// While the service is away quotes, closes and levels of the book wait, the latest of each; prints of that time are lost,
// since a trade told late would be taken for a new one.

import { Reason } from '../../domain/reasons.ts'
import type { LocatorClient } from '../locator/client.ts'
import { locatedClient } from '../locator/located-client.ts'
import type { AvailabilityListener, ReconnectingClient, Request } from '../wire/reconnecting-client.ts'
import { ServiceError } from '../wire/service-error.ts'
import type { MarketEvent } from './market-event.ts'
import { MarketPicture } from './market-picture.ts'
import { eventsToWire, MARKET_DATA_SERVICE, MarketDataKind } from './messages.ts'

/** Events of one request, at most some hundred bytes each. */
const PUBLISH_EVENTS_MAX = 2_000

export class MarketDataPublisher {
  readonly #client: ReconnectingClient
  /** All that was published, for a service that starts anew. */
  readonly #picture = new MarketPicture()
  #waiting: MarketEvent[] = []
  /** From when a new connection is handed the picture until it is lost: events go out one by one. */
  #live = false
  #publishing: Promise<void> | undefined
  /** What ended the publishing for good: the service does not take what is sent. */
  #refused: ServiceError | undefined

  private constructor(locator: LocatorClient, options: { onAvailability?: AvailabilityListener }) {
    this.#client = locatedClient(locator, MARKET_DATA_SERVICE, {
      // A service that starts anew knows nothing.
      renew: request => this.#publishPicture(request),
      onAvailability: (service, available, reason) => {
        if (!available) this.#live = false
        options.onAvailability?.(service, available, reason)
      },
    })
  }

  /** Finds the service and connects to it. @throws ServiceError SERVICE_UNAVAILABLE */
  static async open(
    locator: LocatorClient,
    options: { onAvailability?: AvailabilityListener } = {},
  ): Promise<MarketDataPublisher> {
    const publisher = new MarketDataPublisher(locator, options)
    await publisher.#client.open()
    return publisher
  }

  /** Publishes an event as soon as the service takes it. @throws ServiceError where the service has refused earlier ones. */
  publish(event: MarketEvent): void {
    if (this.#refused !== undefined) throw this.#refused
    if (!this.#picture.apply(event)) return
    // What does not leave now leaves as part of the picture.
    if (!this.#live) return
    this.#waiting.push(event)
    this.#publishing ??= this.#publish().finally(() => {
      this.#publishing = undefined
    })
  }

  /** Settles when everything published so far has been taken, or waits for a service that is away. @throws ServiceError NOT_PERMITTED */
  async published(): Promise<void> {
    while (this.#publishing !== undefined) await this.#publishing
    if (this.#refused !== undefined) throw this.#refused
  }

  close(): void {
    this.#client.close()
  }

  async #publish(): Promise<void> {
    // What is published in one turn of the event loop leaves together.
    await Promise.resolve()
    while (this.#waiting.length > 0) {
      const events = this.#waiting.splice(0, PUBLISH_EVENTS_MAX)
      try {
        await this.#client.request(MarketDataKind.Publish, [eventsToWire(events)])
      } catch (error) {
        if (!(error instanceof ServiceError)) throw error
        // The connection broke: the picture goes to the next one.
        this.#waiting = []
        const isAway = error.code === Reason.OutcomeUnknown || error.code === Reason.ServiceUnavailable
        if (!isAway) this.#refused = error
      }
    }
  }

  async #publishPicture(request: Request): Promise<void> {
    const events = this.#picture.tickers().flatMap(ticker => this.#picture.snapshot(ticker))
    this.#waiting = []
    // What is published from here on follows the picture.
    this.#live = true
    try {
      for (let from = 0; from < events.length; from += PUBLISH_EVENTS_MAX) {
        await request(MarketDataKind.Publish, [eventsToWire(events.slice(from, from + PUBLISH_EVENTS_MAX))])
      }
    } catch (error) {
      this.#live = false
      throw error
    }
  }
}
