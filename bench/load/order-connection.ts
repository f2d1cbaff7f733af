// One connection of the load: sends orders out of their prepared frames, walks the answers and proves them as they
// come. It shares the cores with the server, so it looks at fixed places in the bytes and makes no object per message.
//
// Each order goes through sent → accepted → new → done. An account's orders are judged one after the other, so its
// reports always belong to the order that was accepted last; anything else is an error, as is a gap or a repetition in
// the account's report sequence.

import net from 'node:net'
import { OrderStatus, orderStatusNames } from '../../src/domain/order-status.ts'
import { encodeFrame } from '../../src/protocol/frames.ts'
import { FindWhat, Kind, PROTOCOL_VERSION, SubscriptionScope } from '../../src/protocol/kinds.ts'
import { pack, unpack, type Value } from '../../src/protocol/msgpack.ts'
import { Latencies } from '../latencies.ts'
import type { ConnectionPlan } from './load-plan.ts'
import type { SubmitFrames } from './submit-frames.ts'

const READ_BYTES = 1 << 20
/** Requests of the load's own are numbered from here on; below are the places of orders. */
const CALL_IDS = 0x8000_0000
/** Calls under way at once, where there are many. */
const CALLS_AT_ONCE = 64

const Stage = { Free: 0, Sent: 1, Accepted: 2, New: 3 } as const

/** What all connections of one phase share. Times are those of `performance.now()`, in milliseconds. */
export class PhaseClock {
  /** Orders due in [from, to) are measured. */
  fromMs = Number.POSITIVE_INFINITY
  toMs = Number.POSITIVE_INFINITY
  done = 0
  /** See `Phase`. */
  readonly isHalted: boolean
  /** When the last such reports came. */
  lastNewMs = 0
  lastCanceledMs = 0
  rejected = 0
  canceled = 0
  readonly acceptedLatencies = new Latencies()
  readonly doneLatencies = new Latencies()
  readonly latenesses = new Latencies()

  constructor(isHalted: boolean) {
    this.isHalted = isHalted
  }
}

/** An answer that the server must not give. */
export class WrongAnswer extends Error {
  override name = 'WrongAnswer'
}

export class OrderConnection {
  /** Ids of the accounts of the desk. */
  accounts: number[] = []
  /** Set where the answers turned out wrong or the connection broke; nothing is sent any more. */
  failure: Error | undefined
  durability = ''
  inFlight = 0
  /** Orders that the server lets wait for their acceptance on one connection. */
  inFlightMax = 0
  /** Called after each piece of input was walked, with the time. */
  onInput: (nowMs: number) => void = () => {}
  onFailure: (failure: Error) => void = () => {}

  readonly #plan: ConnectionPlan
  readonly #tickerNames: readonly string[]
  #socket = new net.Socket()
  readonly #input = Buffer.allocUnsafe(READ_BYTES)
  #kept = 0
  #nextCall = CALL_IDS
  readonly #calls = new Map<number, { resolve: (answer: Value[]) => void; reject: (error: Error) => void }>()

  #accountMin = 0
  /** By account id − #accountMin: index into `accounts`, or −1. */
  #indexes = new Int32Array(0)
  // By index of the account.
  #nextSequence = new Float64Array(0)
  #currentPlace = new Int32Array(0)
  #currentOrder = new Float64Array(0)
  #openOrders = new Uint32Array(0)
  /** Own books: account index × tickers + ticker index. */
  #positions = new Float64Array(0)

  #frames: SubmitFrames | undefined
  #clock = new PhaseClock(false)
  #isResting = false
  #stage = new Uint8Array(0)
  #due = new Float64Array(0)
  #next = 0
  #read = 0

  private constructor(plan: ConnectionPlan, tickerNames: readonly string[]) {
    this.#plan = plan
    this.#tickerNames = tickerNames
  }

  /** Connects, logs in and follows the desk. */
  static async open(
    plan: ConnectionPlan,
    host: string,
    port: number,
    tickerNames: readonly string[],
  ): Promise<OrderConnection> {
    const connection = new OrderConnection(plan, tickerNames)
    connection.#follow(await connection.#connect(host, port))
    return connection
  }

  /**
   * Connects again after the connection was lost with no order in flight; the books are kept.
   * @throws WrongAnswer where an account does not go on with the sequence that is due.
   */
  async reopen(host: string, port: number): Promise<void> {
    this.failure = undefined
    this.#kept = 0
    for (const [account, sequence] of await this.#connect(host, port)) {
      const due = this.#nextSequence[this.#indexes[account - this.#accountMin] ?? -1]
      if (sequence === due) continue
      throw new WrongAnswer(`account ${account} goes on with report sequence ${sequence} where ${due} is due`)
    }
  }

  /** @returns the accounts of the desk, each with its next report sequence. */
  async #connect(host: string, port: number): Promise<[number, number][]> {
    const socket = net.connect({
      host,
      port,
      noDelay: true,
      onread: {
        buffer: () => (this.#kept === 0 ? this.#input : this.#input.subarray(this.#kept)),
        callback: bytes => {
          this.#walk(bytes)
          return true
        },
      },
    })
    this.#socket = socket
    socket.on('error', error => this.#fail(error))
    socket.on('close', () => this.#fail(new Error('the server closed the connection')))
    const { username, password, desk } = this.#plan
    const login = await this.#call([Kind.Login, 0, username, password, PROTOCOL_VERSION])
    this.durability = String(login[4])
    this.inFlightMax = Number(login[8])
    const found = await this.#call([Kind.Find, 0, FindWhat.Group, desk])
    const subscribed = await this.#call([Kind.Subscribe, 0, SubscriptionScope.Group, 0, found[3]!])
    return subscribed[4] as [number, number][] // pairs, as the protocol says
  }

  #follow(followed: readonly (readonly [number, number])[]): void {
    const accounts = followed.map(([account]) => account)
    this.accounts = accounts
    this.#accountMin = accounts.reduce((least, account) => Math.min(least, account), Number.POSITIVE_INFINITY)
    const greatest = accounts.reduce((most, account) => Math.max(most, account), 0)
    this.#indexes = new Int32Array(greatest - this.#accountMin + 1).fill(-1)
    this.#nextSequence = new Float64Array(accounts.length)
    this.#currentPlace = new Int32Array(accounts.length).fill(-1)
    this.#currentOrder = new Float64Array(accounts.length)
    this.#openOrders = new Uint32Array(accounts.length)
    this.#positions = new Float64Array(accounts.length * this.#tickerNames.length)
    followed.forEach(([account, sequence], index) => {
      this.#indexes[account - this.#accountMin] = index
      this.#nextSequence[index] = sequence
    })
  }

  /** Prepares a phase; no order may be in flight. */
  begin(frames: SubmitFrames, clock: PhaseClock, isResting: boolean): void {
    this.#frames = frames
    this.#clock = clock
    this.#isResting = isResting
    this.#stage = new Uint8Array(frames.places)
    this.#due = new Float64Array(frames.places)
    this.#next = 0
    this.#currentPlace.fill(-1)
  }

  /**
   * Sends up to `count` orders in one write, the first due at `dueMs` and each further one `stepMs` later.
   * @returns how many were sent: fewer where their places are still in flight, or too many are for the server.
   */
  send(count: number, dueMs: number, stepMs: number, nowMs: number): number {
    if (this.failure !== undefined) return 0
    const frames = this.#frames!
    const { offsets, places } = frames
    const { fromMs, toMs, latenesses } = this.#clock
    const stage = this.#stage
    let place = this.#next
    let from = place
    let sent = 0
    const room = Math.min(count, this.inFlightMax - this.inFlight)
    for (let due = dueMs; sent < room && stage[place] === Stage.Free; sent++, due += stepMs) {
      stage[place] = Stage.Sent
      this.#due[place] = due
      frames.renew(place)
      if (due >= fromMs && due < toMs) latenesses.record((nowMs - due) * 1_000)
      place += 1
      if (place < places) continue
      this.#socket.write(frames.bytes.subarray(offsets[from]!, offsets[places]!))
      place = 0
      from = 0
    }
    if (place !== from) this.#socket.write(frames.bytes.subarray(offsets[from]!, offsets[place]!))
    this.#next = place
    this.inFlight += sent
    return sent
  }

  heartbeat(): void {
    if (this.failure !== undefined) return
    this.#socket.write(encodeFrame(pack([Kind.Heartbeat, 0, 0])))
  }

  /**
   * Compares what the server has of each account with the own books.
   * @throws WrongAnswer where they differ.
   */
  async check(): Promise<{ accounts: number; reports: number; positions: number }> {
    if (this.failure !== undefined) throw this.failure
    let reports = 0
    let positions = 0
    for (let from = 0; from < this.accounts.length; from += CALLS_AT_ONCE) {
      const piece = this.accounts.slice(from, from + CALLS_AT_ONCE)
      const answers = await Promise.all(piece.map(account => this.#call([Kind.Positions, account])))
      answers.forEach((answer, offset) => {
        const index = from + offset
        const [, , account, , , , , openOrders, reportSequence, entries] = answer
        const wrong = (what: string, is: unknown, own: unknown) =>
          new WrongAnswer(`account ${account} has ${what} ${is}, by the load's own books ${own}`)
        const last = this.#nextSequence[index]! - 1
        if (reportSequence !== last) throw wrong('reports up to', reportSequence, last)
        if (openOrders !== this.#openOrders[index]) throw wrong('open orders', openOrders, this.#openOrders[index])
        reports += last
        const held = new Map((entries as [string, number, number][]).map(([ticker, , quantity]) => [ticker, quantity]))
        this.#tickerNames.forEach((ticker, tickerIndex) => {
          const own = this.#positions[index * this.#tickerNames.length + tickerIndex]!
          const is = held.get(ticker) ?? 0
          if (is !== own) throw wrong(`a position of ${ticker} of`, is, own)
          positions += 1
        })
      })
    }
    return { accounts: this.accounts.length, reports, positions }
  }

  close(): void {
    this.failure ??= new Error('closed')
    this.#socket.destroy()
  }

  #call(message: readonly (Value | undefined)[]): Promise<Value[]> {
    if (this.failure !== undefined) return Promise.reject(this.failure)
    const requestId = this.#nextCall
    this.#nextCall += 1
    const [kind, account, ...rest] = message
    return new Promise((resolve, reject) => {
      this.#calls.set(requestId, { resolve, reject })
      this.#socket.write(encodeFrame(pack([kind, requestId, account, ...rest])))
    })
  }

  #walk(bytes: number): void {
    const input = this.#input
    const end = this.#kept + bytes
    const nowMs = performance.now()
    let at = 0
    while (end - at >= 4) {
      const length = ((input[at]! << 24) | (input[at + 1]! << 16) | (input[at + 2]! << 8) | input[at + 3]!) >>> 0
      const body = at + 4
      if (end - body < length) break
      if (input[body] !== 0xdc) this.#other(body, length)
      else if (input[body + 3] === Kind.ExecutionReport) this.#report(body, nowMs)
      else if (input[body + 3] === Kind.OrderAccepted) this.#accepted(body, nowMs)
      else this.#other(body, length)
      at = body + length
    }
    this.#kept = end - at
    if (this.#kept > 0 && at > 0) input.copyWithin(0, at, end)
    if (this.#kept === READ_BYTES) this.#fail(new WrongAnswer('a frame is longer than the load can hold'))
    if (this.failure === undefined) this.onInput(nowMs)
  }

  #accepted(body: number, nowMs: number): void {
    const place = this.#u32(body + 5)
    const index = this.#sequenced(body)
    const frames = this.#frames
    if (index < 0 || frames === undefined) return
    if (place >= frames.places || this.#stage[place] !== Stage.Sent || frames.account[place] !== index) {
      this.#fail(new WrongAnswer(`request ${place} was accepted that is not waiting`))
      return
    }
    this.#stage[place] = Stage.Accepted
    this.#read = body + 23
    this.#currentPlace[index] = place
    this.#currentOrder[index] = this.#integer()
    this.#openOrders[index]! += 1
    const due = this.#due[place]!
    const clock = this.#clock
    if (due >= clock.fromMs && due < clock.toMs) clock.acceptedLatencies.record((nowMs - due) * 1_000)
  }

  #report(body: number, nowMs: number): void {
    const index = this.#sequenced(body)
    if (index < 0) return
    this.#read = body + 23
    const orderId = this.#integer()
    this.#integer() // position within the order
    this.#integer() // time
    const status = this.#integer() as OrderStatus
    const clock = this.#clock
    if (clock.isHalted && status === OrderStatus.PendingCancel) return
    if (clock.isHalted && status === OrderStatus.Canceled) {
      this.#openOrders[index]! -= 1
      clock.canceled += 1
      clock.lastCanceledMs = nowMs
      return
    }
    const place = this.#currentPlace[index]!
    if (place < 0 || orderId !== this.#currentOrder[index]) {
      this.#fail(new WrongAnswer(`a report of order ${orderId} came out of turn`))
      return
    }
    const stage = this.#stage[place]!
    if (status === OrderStatus.New && stage === Stage.Accepted) {
      clock.lastNewMs = nowMs
      if (this.#isResting) this.#done(place, nowMs)
      else this.#stage[place] = Stage.New
    } else if (status === OrderStatus.Filled && stage === Stage.New) {
      const frames = this.#frames!
      this.#positions[index * this.#tickerNames.length + frames.ticker[place]!]! += frames.moves[place]!
      this.#openOrders[index]! -= 1
      this.#done(place, nowMs)
    } else if (status === OrderStatus.Rejected && stage === Stage.Accepted && clock.isHalted) {
      clock.rejected += 1
      this.#openOrders[index]! -= 1
      this.#done(place, nowMs)
    } else {
      this.#fail(new WrongAnswer(`order ${orderId} is reported ${orderStatusNames[status] ?? status} out of turn`))
    }
  }

  #done(place: number, nowMs: number): void {
    const clock = this.#clock
    const due = this.#due[place]!
    this.#stage[place] = Stage.Free
    this.inFlight -= 1
    clock.done += 1
    if (due >= clock.fromMs && due < clock.toMs) clock.doneLatencies.record((nowMs - due) * 1_000)
  }

  /** Index of the account of an event whose sequence is the one that is due; −1 where it is not, which is a failure. */
  #sequenced(body: number): number {
    const account = this.#u32(body + 10)
    const index = this.#indexes[account - this.#accountMin] ?? -1
    if (index < 0) {
      this.#fail(new WrongAnswer(`an event came of account ${account}, which is not followed`))
      return -1
    }
    const sequence = this.#u32(body + 15) * 0x1_0000_0000 + this.#u32(body + 19)
    if (sequence !== this.#nextSequence[index]) {
      const due = this.#nextSequence[index]
      this.#fail(new WrongAnswer(`account ${account} got report sequence ${sequence} where ${due} was due`))
      return -1
    }
    this.#nextSequence[index] = sequence + 1
    return index
  }

  #other(body: number, length: number): void {
    const message = unpack(this.#input, body, body + length)
    if (!Array.isArray(message)) return this.#fail(new WrongAnswer('a frame is not a message'))
    const [kind, requestId] = message
    if (kind === Kind.ServerHeartbeat) return
    const call = this.#calls.get(requestId as number)
    if (call === undefined) {
      this.#fail(new WrongAnswer(`an unexpected message: ${JSON.stringify(message).slice(0, 300)}`))
      return
    }
    this.#calls.delete(requestId as number)
    if (kind === Kind.Refused || kind === Kind.Closing) {
      call.reject(new WrongAnswer(`${this.#plan.username} was refused: ${JSON.stringify(message.slice(3))}`))
    } else call.resolve(message)
  }

  #fail(failure: Error): void {
    if (this.failure !== undefined) return
    this.failure = failure
    for (const { reject } of this.#calls.values()) reject(failure)
    this.#calls.clear()
    this.onFailure(failure)
  }

  #u32(at: number): number {
    const input = this.#input
    return ((input[at]! << 24) | (input[at + 1]! << 16) | (input[at + 2]! << 8) | input[at + 3]!) >>> 0
  }

  /** The whole number at #read, which moves behind it. */
  #integer(): number {
    const at = this.#read
    const head = this.#input[at]!
    if (head < 0x80) {
      this.#read = at + 1
      return head
    }
    if (head === 0xcf) {
      this.#read = at + 9
      return this.#u32(at + 1) * 0x1_0000_0000 + this.#u32(at + 5)
    }
    if (head === 0xce) {
      this.#read = at + 5
      return this.#u32(at + 1)
    }
    if (head === 0xcd) {
      this.#read = at + 3
      return (this.#input[at + 1]! << 8) | this.#input[at + 2]!
    }
    this.#fail(new WrongAnswer(`an event has ${head} where a whole number belongs`))
    return Number.NaN
  }
}
