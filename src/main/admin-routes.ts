// What the administrative port answers. Each answer is made from what main knows and from the lanes, without asking any
// other thread; metrics are made a piece at a time between which main goes on with its work, and kept for a moment, so
// that many who ask cost no more than one.

import { setImmediate as eventLoopTurn } from 'node:timers/promises'
import { type Address, formatAddress, isLoopback } from '../config/address.ts'
import { EXPOSITION_TYPE, expositionPieces } from '../metrics/exposition.ts'
import { laneStatus } from '../metrics/status.ts'
import type { Exchange, Route } from './admin-port.ts'
import type { Health } from './health.ts'
import type { MainMeter } from './main-meter.ts'

const JSON_TYPE = 'application/json; charset=utf-8'
const TEXT_TYPE = 'text/plain; charset=utf-8'
/** How long what was made is good for further answers. */
export const FRESH_MS = 200
/** How long main makes text before it lets others have their turn. */
const SLICE_MS = 1

export interface AdminRoutesParts {
  readonly health: Health
  /** Undefined before the memory is there. */
  readonly meter: () => MainMeter | undefined
  /** Where the console is served; undefined where it is not, or not yet. */
  readonly console: () => Address | undefined
  /** It is served by HTTPS. */
  readonly isConsoleSecure: boolean
  readonly version: string
}

/** In the order of the page of operations. */
export function adminRoutes({ health, meter, console, isConsoleSecure, version }: AdminRoutesParts): readonly Route[] {
  const metrics = new Kept(async () => {
    const current = meter()
    if (current === undefined) return ''
    current.refresh()
    return (await inSlices(expositionPieces(current.lanes))).join('')
  })
  const status = new Kept(async () => {
    const current = meter()
    current?.refresh()
    const lanes = current === undefined ? [] : await inSlices(laneStatus(current.lanes))
    return JSON.stringify({ version, timeMs: Date.now(), ...health.report(), lanes })
  })
  const get = (path: string, serve: Route['serve']): Route => ({ method: 'GET', path, serve })
  const json = (exchange: Exchange, isGood: boolean, value: unknown) =>
    exchange.reply(isGood ? 200 : 503, JSON_TYPE, `${JSON.stringify(value)}\n`)
  return [
    get('/metrics', async exchange => exchange.reply(200, EXPOSITION_TYPE, await metrics.take())),
    get('/status', async exchange => exchange.reply(200, JSON_TYPE, await status.take())),
    get('/health', exchange => {
      const report = health.report()
      json(exchange, report.isReady, report)
    }),
    get('/health/live', exchange => json(exchange, true, { isLive: true })),
    get('/health/ready', exchange => {
      const { isReady, stage } = health.report()
      json(exchange, isReady, { isReady, stage })
    }),
    get('/health/degraded', exchange => {
      const { degraded } = health.report()
      json(exchange, degraded.length === 0, { degraded })
    }),
    get('/console', exchange => {
      const address = console()
      if (address === undefined)
        return exchange.reply(404, TEXT_TYPE, 'The console is not served: console.http is off, or the log says why.\n')
      const place = formatAddress(address)
      // From another machine it has another name, which is not known here.
      if (!isLoopback(address.host)) return exchange.reply(200, TEXT_TYPE, `The console listens at ${place}.\n`)
      const location = `${isConsoleSecure ? 'https' : 'http'}://${place}/`
      exchange.reply(302, TEXT_TYPE, `${location}\n`, { location })
    }),
  ]
}

/** Makes something for whoever asks meanwhile and a moment later. */
class Kept {
  readonly #make: () => Promise<string>
  #coming: Promise<string> | undefined
  #staleMs = 0

  constructor(make: () => Promise<string>) {
    this.#make = make
  }

  take(): Promise<string> {
    if (this.#coming !== undefined && performance.now() < this.#staleMs) return this.#coming
    this.#staleMs = Number.POSITIVE_INFINITY
    this.#coming = this.#make().finally(() => {
      this.#staleMs = performance.now() + FRESH_MS
    })
    return this.#coming
  }
}

async function inSlices<Piece>(pieces: Iterable<Piece>): Promise<Piece[]> {
  const made: Piece[] = []
  let sliceEndMs = performance.now() + SLICE_MS
  for (const piece of pieces) {
    made.push(piece)
    if (performance.now() < sliceEndMs) continue
    await eventLoopTurn()
    sliceEndMs = performance.now() + SLICE_MS
  }
  return made
}
