// The market data service: keeps the picture of the market that feeds paint, and tells each session the tickers it
// subscribed to. A feed runs beside it in this process, or publishes over the wire from anywhere.

import type { Value } from '../../protocol/msgpack.ts'
import { type Elements, listAt, textAt } from '../wire/elements.ts'
import { type Roles, requireService } from '../wire/permission.ts'
import type { Handler, Service, ServiceSession } from '../wire/service-host.ts'
import type { MarketEvent } from './market-event.ts'
import { MarketPicture } from './market-picture.ts'
import { eventsFromWire, MARKET_DATA_SERVICE, MarketDataKind } from './messages.ts'
import { Subscriber } from './subscriber.ts'

const NOTHING: readonly Value[] = []

export class MarketDataServer implements Service {
  readonly name = MARKET_DATA_SERVICE
  readonly handlers: ReadonlyMap<number, Handler>
  readonly #picture = new MarketPicture()
  readonly #subscribers = new Map<ServiceSession, Subscriber>()

  constructor(roles: Roles) {
    this.handlers = new Map<number, Handler>([
      [MarketDataKind.Subscribe, (session, message) => this.#subscribe(session, tickersAt(message, 2))],
      [MarketDataKind.Unsubscribe, (session, message) => this.#unsubscribe(session, tickersAt(message, 2))],
      [MarketDataKind.SubscribeAll, session => this.#subscribeAll(session)],
      [MarketDataKind.UnsubscribeAll, session => this.#unsubscribeAll(session)],
      [MarketDataKind.LoadTickers, () => [this.#picture.tickers()]],
      [
        MarketDataKind.Publish,
        (session, message) => {
          requireService(roles, session.account)
          for (const event of eventsFromWire(message, 2)) this.publish(event)
          return NOTHING
        },
      ],
    ])
  }

  /** Takes an event of the feed and passes it on. */
  publish(event: MarketEvent): void {
    if (!this.#picture.apply(event)) return
    for (const subscriber of this.#subscribers.values()) {
      if (subscriber.wants(event.ticker)) subscriber.publish(event)
    }
  }

  sessionClosed(session: ServiceSession): void {
    this.#subscribers.delete(session)
  }

  #subscriber(session: ServiceSession): Subscriber {
    let subscriber = this.#subscribers.get(session)
    if (subscriber === undefined) {
      subscriber = new Subscriber(session)
      this.#subscribers.set(session, subscriber)
    }
    return subscriber
  }

  // The snapshot leaves before the answer: whoever waited for the answer has the snapshot.
  #subscribe(session: ServiceSession, tickers: readonly string[]): readonly Value[] {
    const subscriber = this.#subscriber(session)
    for (const ticker of tickers) {
      subscriber.tickers.add(ticker)
      for (const event of this.#picture.snapshot(ticker)) subscriber.send(event)
    }
    return NOTHING
  }

  #unsubscribe(session: ServiceSession, tickers: readonly string[]): readonly Value[] {
    const subscriber = this.#subscriber(session)
    for (const ticker of tickers) subscriber.tickers.delete(ticker)
    return NOTHING
  }

  #subscribeAll(session: ServiceSession): readonly Value[] {
    const subscriber = this.#subscriber(session)
    subscriber.all = true
    for (const ticker of this.#picture.tickers()) {
      for (const event of this.#picture.snapshot(ticker)) subscriber.send(event)
    }
    return NOTHING
  }

  #unsubscribeAll(session: ServiceSession): readonly Value[] {
    this.#subscriber(session).all = false
    return NOTHING
  }
}

function tickersAt(message: Elements, index: number): string[] {
  const tickers = listAt(message, index)
  return tickers.map((_, position) => textAt(tickers, position))
}
