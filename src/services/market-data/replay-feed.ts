// Replays recorded market data at its own or a scaled speed. The distances between the recorded times are kept, the
// times themselves are those of the replay, since orders and prints are compared by time. One event per line, either
// JSON with the names below or comma separated values in their order:
//
//   quote, time, ticker, bid, ask, bid_size, ask_size
//   print, time, ticker, price, size, condition, market_center
//   book,  time, ticker, mpid, venue, side (BID or ASK), price, size
//   close, time, ticker, price
//
// A time is ISO 8601 or a whole number of µs since the epoch. Empty lines and lines that begin with `#` are skipped.

import { readFileSync } from 'node:fs'
import { isMicros, microsOfNumber } from '../../domain/money.ts'
import { Side } from '../../domain/side.ts'
import type { MarketFeed } from './feed.ts'
import { type MarketEvent, MarketEventType } from './market-event.ts'

/** A line of a recording that is not an event. */
export class InvalidRecording extends Error {
  override name = 'InvalidRecording'
  constructor(path: string, line: number, problem: string) {
    super(`${path}, line ${line}: ${problem}`)
  }
}

/** Columns of each type of line, `type` first. */
const columns: Record<string, readonly string[]> = {
  quote: ['type', 'time', 'ticker', 'bid', 'ask', 'bid_size', 'ask_size'],
  print: ['type', 'time', 'ticker', 'price', 'size', 'condition', 'market_center'],
  book: ['type', 'time', 'ticker', 'mpid', 'venue', 'side', 'price', 'size'],
  close: ['type', 'time', 'ticker', 'price'],
}

export class ReplayFeed implements MarketFeed {
  readonly #events: readonly MarketEvent[]
  readonly #speed: number
  #position = 0
  #startUs = Number.NaN

  /**
   * @param events in the order of their times.
   * @param speed 2 is twice as fast as recorded.
   */
  constructor(events: readonly MarketEvent[], speed = 1) {
    if (!(speed > 0 && Number.isFinite(speed))) throw new RangeError(`a speed of ${speed} does not move`)
    this.#events = events
    this.#speed = speed
  }

  /** @throws InvalidRecording; the system's error where the file cannot be read. */
  static fromFile(path: string, speed = 1): ReplayFeed {
    return new ReplayFeed(readRecording(readFileSync(path, 'utf8'), path), speed)
  }

  get ended(): boolean {
    return this.#position === this.#events.length
  }

  advance(nowUs: number): MarketEvent[] {
    if (Number.isNaN(this.#startUs)) this.#startUs = nowUs
    const due: MarketEvent[] = []
    const recordedStartUs = this.#events[0]?.timestamp ?? 0
    for (; this.#position < this.#events.length; this.#position++) {
      const event = this.#events[this.#position]!
      const timestamp = Math.round(this.#startUs + (event.timestamp - recordedStartUs) / this.#speed)
      if (timestamp > nowUs) break
      due.push({ ...event, timestamp })
    }
    return due
  }
}

/** The events of a recording, ordered by time. @throws InvalidRecording */
export function readRecording(text: string, path: string): MarketEvent[] {
  const events: MarketEvent[] = []
  text.split('\n').forEach((rawLine, index) => {
    const line = rawLine.trim()
    if (line === '' || line.startsWith('#')) return
    const fail = (problem: string): never => {
      throw new InvalidRecording(path, index + 1, problem)
    }
    events.push(eventOf(line.startsWith('{') ? fieldsOfJson(line, fail) : fieldsOfCsv(line, fail), fail))
  })
  // The sort is stable: events of one instant stay in the order of the file.
  return events.sort((a, b) => a.timestamp - b.timestamp)
}

type Fields = Readonly<Record<string, unknown>>
type Fail = (problem: string) => never

function fieldsOfJson(line: string, fail: Fail): Fields {
  try {
    return JSON.parse(line) as Fields // begins with a brace; its fields are unknown until they are read
  } catch (error) {
    return fail((error as Error).message)
  }
}

function fieldsOfCsv(line: string, fail: Fail): Fields {
  const values = line.split(',').map(value => value.trim())
  const names = columns[values[0]!]
  if (names === undefined) return fail(`the type is one of ${Object.keys(columns).join(', ')}`)
  if (values.length !== names.length) return fail(`${names.join(', ')} are expected`)
  return Object.fromEntries(names.map((name, index) => [name, values[index]]))
}

function eventOf(fields: Fields, fail: Fail): MarketEvent {
  const text = (name: string): string => {
    const value = fields[name]
    return typeof value === 'string' && value !== '' ? value : fail(`${name} has to be a text`)
  }
  const amount = (name: string): number => {
    const value = fields[name]
    const micros = value === '' || value === undefined ? Number.NaN : microsOfNumber(Number(value))
    return isMicros(micros) && micros >= 0 ? micros : fail(`${name} has to be a number with at most six decimals`)
  }
  const time = (): number => {
    const value = fields.time
    if (typeof value === 'number' && Number.isSafeInteger(value)) return value
    if (typeof value === 'string' && /^\d+$/.test(value)) return Number(value)
    const milliseconds = typeof value === 'string' ? Date.parse(value) : Number.NaN
    return Number.isNaN(milliseconds) ? fail('time has to be ISO 8601 or µs since the epoch') : milliseconds * 1_000
  }
  const side = (): Side => {
    const name = text('side')
    return name === 'BID' ? Side.Bid : name === 'ASK' ? Side.Ask : fail('side has to be BID or ASK')
  }
  const ticker = text('ticker')
  const timestamp = time()
  switch (fields.type) {
    case 'quote':
      return {
        type: MarketEventType.Quote,
        ticker,
        bid: amount('bid'),
        ask: amount('ask'),
        bidSize: amount('bid_size'),
        askSize: amount('ask_size'),
        timestamp,
      }
    case 'print':
      return {
        type: MarketEventType.Print,
        ticker,
        price: amount('price'),
        size: amount('size'),
        condition: text('condition'),
        marketCenter: text('market_center'),
        timestamp,
      }
    case 'book':
      return {
        type: MarketEventType.BookLevel,
        ticker,
        mpid: text('mpid'),
        venue: text('venue'),
        side: side(),
        price: amount('price'),
        size: amount('size'),
        timestamp,
      }
    case 'close':
      return { type: MarketEventType.PreviousClose, ticker, price: amount('price'), timestamp }
    default:
      return fail(`the type is one of ${Object.keys(columns).join(', ')}`)
  }
}
