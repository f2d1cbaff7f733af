// Submit frames laid out once, back to back, one for each place in a circle of orders. A place is used again only after
// its order is done, so the bytes may be handed to the socket as they are; of a used place only the end of the client
// order id changes. The request id is the number of the place.
//
//   | u32 length | 9c | 03 | ce request id | ce account | ticker | type | side | quantity | price | … | clOrdId |

import { assert } from '../../src/base/assert.ts'
import { OrderType } from '../../src/domain/order-type.ts'
import { Side } from '../../src/domain/side.ts'
import { TimeInForce } from '../../src/domain/time-in-force.ts'
import { Kind } from '../../src/protocol/kinds.ts'
import { pack } from '../../src/protocol/msgpack.ts'
import { OrderPattern, type QuotedTicker } from './load-plan.ts'

/** One board lot. */
const QUANTITY = 100
/** Price levels of resting orders, a cent apart, the highest of them a unit below the bid. */
const LEVELS = 1_000

const DIGITS = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_'
const DIGIT_CODES = Uint8Array.from(DIGITS, digit => digit.charCodeAt(0))
/** Digits of the id that count how often the place was used: 64 to this power uses. */
const USE_DIGITS = 4
const PLACE_DIGITS = 4

export interface SubmitFramesOptions {
  readonly pattern: OrderPattern
  readonly accounts: readonly number[]
  readonly tickers: readonly QuotedTicker[]
  /** Places wanted at least; there are a few more, so that each round has as many buys as sells. */
  readonly placesMin: number
  /** Makes client order ids unique among connections, phases and runs; 1 to 20 letters. */
  readonly idPrefix: string
}

export class SubmitFrames {
  readonly places: number
  readonly bytes: Buffer
  /** Where the frame of a place begins; one more entry for the end. */
  readonly offsets: Uint32Array
  /** By place: index of the account and of the ticker, and by how much a fill moves the position. */
  readonly account: Uint32Array
  readonly ticker: Uint32Array
  readonly moves: Int32Array
  readonly #uses: Uint32Array

  constructor({ pattern, accounts, tickers, placesMin, idPrefix }: SubmitFramesOptions) {
    const round = accounts.length * tickers.length * 2
    this.places = Math.ceil(placesMin / round) * round
    assert(this.places < 64 ** PLACE_DIGITS, 'more places than their digits can name')
    this.offsets = new Uint32Array(this.places + 1)
    this.account = new Uint32Array(this.places)
    this.ticker = new Uint32Array(this.places)
    this.moves = new Int32Array(this.places)
    this.#uses = new Uint32Array(this.places)
    const frames: Buffer[] = []
    let end = 0
    for (let place = 0; place < this.places; place++) {
      const accountIndex = place % accounts.length
      const turn = Math.floor(place / accounts.length)
      const tickerIndex = turn % tickers.length
      const { ticker, bid, ask } = tickers[tickerIndex]!
      const isResting = pattern === OrderPattern.Resting
      const isBuy = isResting || Math.floor(turn / tickers.length) % 2 === 0
      const price = isResting ? bid - 1 - (turn % LEVELS) / 100 : isBuy ? ask : bid
      const frame = submitFrame({
        requestId: place,
        account: accounts[accountIndex]!,
        ticker,
        side: isBuy ? Side.Bid : Side.Ask,
        price: Math.round(price * 100) / 100,
        timeInForce: isResting ? TimeInForce.Gtc : TimeInForce.Day,
        clOrdId: idPrefix + digits(place, PLACE_DIGITS) + digits(0, USE_DIGITS),
      })
      frames.push(frame)
      this.offsets[place] = end
      this.account[place] = accountIndex
      this.ticker[place] = tickerIndex
      this.moves[place] = isResting ? 0 : isBuy ? QUANTITY : -QUANTITY
      end += frame.length
    }
    this.offsets[this.places] = end
    this.bytes = Buffer.concat(frames, end)
  }

  /** Gives the order of a place a client order id that was not used before. */
  renew(place: number): void {
    const use = this.#uses[place]! + 1
    this.#uses[place] = use
    const end = this.offsets[place + 1]!
    const { bytes } = this
    bytes[end - 1] = DIGIT_CODES[use & 63]!
    bytes[end - 2] = DIGIT_CODES[(use >> 6) & 63]!
    bytes[end - 3] = DIGIT_CODES[(use >> 12) & 63]!
    bytes[end - 4] = DIGIT_CODES[(use >> 18) & 63]!
  }
}

function digits(value: number, count: number): string {
  let text = ''
  for (let i = 0, rest = value; i < count; i++, rest = Math.floor(rest / 64)) text = DIGITS[rest % 64] + text
  return text
}

function submitFrame(order: {
  requestId: number
  account: number
  ticker: string
  side: Side
  price: number
  timeInForce: TimeInForce
  clOrdId: string
}): Buffer {
  const rest = [
    order.ticker,
    OrderType.Limit,
    order.side,
    QUANTITY,
    order.price,
    order.timeInForce,
    '',
    0,
    order.clOrdId,
  ].map(value => pack(value))
  const head = Buffer.alloc(4 + 2 + 5 + 5)
  const length = head.length - 4 + rest.reduce((sum, { length }) => sum + length, 0)
  head.writeUInt32BE(length, 0)
  head[4] = 0x90 | (3 + rest.length)
  head[5] = Kind.Submit
  head[6] = 0xce
  head.writeUInt32BE(order.requestId, 7)
  head[11] = 0xce
  head.writeUInt32BE(order.account, 12)
  return Buffer.concat([head, ...rest])
}
