// Client of the market data service: mirrors the quotes, previous closes and books it subscribed to, and passes prints
// on. After a lost connection it subscribes again, and the listener hears of differences only; prints of the meantime
// are not told.

import type { LocatorClient } from '../locator/client.ts'
import { locatedClient } from '../locator/located-client.ts'
import { type Elements, listAt, textAt } from '../wire/elements.ts'
import type { AvailabilityListener, ReconnectingClient, Request } from '../wire/reconnecting-client.ts'
import type { MarketEvent } from './market-event.ts'
import { MarketPicture } from './market-picture.ts'
import { eventFromWire, MARKET_DATA_SERVICE, MarketDataKind } from './messages.ts'

/** Their texts take some tens of kilobytes. */
const TICKERS_PER_REQUEST = 2_000

export type MarketListener = (event: MarketEvent) => void

export class MarketDataClient {
  readonly #client: ReconnectingClient
  readonly #listener: MarketListener
  readonly #picture = new MarketPicture()
  readonly #tickers = new Set<string>()
  #all = false
  /** The picture that a new connection is painting; compared with the old one when it is complete. */
  #fresh: MarketPicture | undefined

  private constructor(
    locator: LocatorClient,
    listener: MarketListener,
    options: { onAvailability?: AvailabilityListener },
  ) {
    this.#listener = listener
    this.#client = locatedClient(locator, MARKET_DATA_SERVICE, {
      ...options,
      renew: request => this.#renew(request),
      onPush: (kind, message) => this.#pushed(kind, message),
    })
  }

  /**
   * Finds the service and connects to it.
   * @param listener told of each event of the tickers subscribed to, in order; the mirror below has it already.
   * @throws ServiceError SERVICE_UNAVAILABLE
   */
  static async open(
    locator: LocatorClient,
    listener: MarketListener,
    options: { onAvailability?: AvailabilityListener } = {},
  ): Promise<MarketDataClient> {
    const client = new MarketDataClient(locator, listener, options)
    await client.#client.open()
    return client
  }

  get available(): boolean {
    return this.#client.available
  }

  /** How the market stands, as far as it is subscribed to. */
  get picture(): Pick<MarketPicture, 'quote' | 'previousClose' | 'bookLevels' | 'tickers'> {
    return this.#picture
  }

  close(): void {
    this.#client.close()
  }

  /** Follows these tickers; when this resolves, the listener has heard how they stand. */
  async subscribe(tickers: readonly string[]): Promise<void> {
    for (const ticker of tickers) this.#tickers.add(ticker)
    for (const some of pieces(tickers)) await this.#client.request(MarketDataKind.Subscribe, [some])
  }

  /** Stops following these tickers; what is known of them is forgotten unless all tickers are followed. */
  async unsubscribe(tickers: readonly string[]): Promise<void> {
    for (const ticker of tickers) this.#tickers.delete(ticker)
    await this.#client.request(MarketDataKind.Unsubscribe, [[...tickers]])
    if (!this.#all) for (const ticker of tickers) if (!this.#tickers.has(ticker)) this.#picture.forget(ticker)
  }

  /** Follows every ticker; when this resolves, the listener has heard how they stand. */
  async subscribeAll(): Promise<void> {
    this.#all = true
    await this.#client.request(MarketDataKind.SubscribeAll)
  }

  /** Stops following every ticker; those subscribed to by name go on. */
  async unsubscribeAll(): Promise<void> {
    this.#all = false
    await this.#client.request(MarketDataKind.UnsubscribeAll)
    for (const ticker of this.#picture.tickers()) if (!this.#tickers.has(ticker)) this.#picture.forget(ticker)
  }

  async loadTickers(): Promise<string[]> {
    const tickers = listAt(await this.#client.request(MarketDataKind.LoadTickers), 2)
    return tickers.map((_, index) => textAt(tickers, index))
  }

  async #renew(request: Request): Promise<void> {
    const fresh = new MarketPicture()
    this.#fresh = fresh
    try {
      if (this.#all) await request(MarketDataKind.SubscribeAll, [])
      for (const some of pieces([...this.#tickers])) await request(MarketDataKind.Subscribe, [some])
    } finally {
      this.#fresh = undefined
    }
    for (const event of this.#picture.differencesTo(fresh)) this.#tell(event)
  }

  #pushed(kind: number, message: Elements): void {
    const event = eventFromWire(kind, message)
    if (event === undefined) return
    if (this.#fresh !== undefined) this.#fresh.apply(event)
    else this.#tell(event)
  }

  #tell(event: MarketEvent): void {
    if (this.#picture.apply(event)) this.#listener(event)
  }
}

/** As many tickers as one request takes, however many a program follows. */
function* pieces(tickers: readonly string[]): IterableIterator<string[]> {
  for (let from = 0; from < tickers.length; from += TICKERS_PER_REQUEST) {
    yield tickers.slice(from, from + TICKERS_PER_REQUEST)
  }
}
