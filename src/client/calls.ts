// The calls that wait for an answer. A call is first in line, then in flight, then answered; at most as many are in
// flight as the server allows, and the line is bounded too. Each ends exactly once: with its answer, with a failure, or
// with its deadline, whichever comes first, and a connection that ends leaves no call behind.

import { Kind } from '../protocol/kinds.ts'
import { ClientCode, OesError, refusal } from './client-error.ts'
import type { Elements } from './elements.ts'
import type { Timers } from './timers.ts'

/** What the table needs of a connection. */
export interface CallCarrier {
  /** False where the socket is full; then nothing more is sent until `resume`. */
  send(message: readonly unknown[]): boolean
}

export interface CallOptions<T> {
  /** The elements of the request; the request id is filled in. */
  message: unknown[]
  deadlineMs: number
  /** Sent again after a reconnect, as long as the deadline has not passed. */
  repeats?: boolean
  /** Takes one message of the answer: the result where it was the last one, else undefined. */
  take(kind: number, message: Elements): T | undefined
}

/** How a call ended. A refusal is an answer too: its error has a `reason`. */
export type CallResult<T> =
  | { value: T; error?: undefined; timesSent: number }
  | { value?: undefined; error: OesError; timesSent: number }

interface Call extends CallOptions<unknown> {
  settle: ((result: CallResult<unknown>) => void) | undefined
  timesSent: number
  cancelDeadline: () => void
}

const REQUEST_IDS = 0x1_0000_0000

export class CallTable {
  readonly #timers: Timers
  readonly #lineMax: number
  #carrier: CallCarrier | undefined
  #carrierFull = false
  #closedBy: OesError | undefined
  #inFlightMax = 0
  #nextRequestId = 1
  #line: Call[] = []
  /** Calls whose deadline passed stay here until their answer: they still occupy the server. */
  readonly #inFlight = new Map<number, Call>()

  /** @param lineMax calls that may wait for their turn. */
  constructor(timers: Timers, lineMax: number) {
    this.#timers = timers
    this.#lineMax = lineMax
  }

  /** Sends a request, at once or when its turn comes. Never rejects: every end is a result. */
  call<T>(options: CallOptions<T>): Promise<CallResult<T>> {
    return new Promise(resolve => {
      const call: Call = {
        ...options,
        settle: resolve as (result: CallResult<unknown>) => void, // `take` makes the T that `settle` hands on
        timesSent: 0,
        cancelDeadline: () => {},
      }
      const obstacle = this.#obstacle(call)
      if (obstacle !== undefined) {
        finish(call, obstacle)
        return
      }
      call.cancelDeadline = this.#timers.after(call.deadlineMs, () => this.#expire(call))
      this.#line.push(call)
      this.#send()
    })
  }

  /** A connection is live: what stands in line goes out. */
  attach(carrier: CallCarrier, inFlightMax: number): void {
    this.#carrier = carrier
    this.#carrierFull = false
    this.#inFlightMax = inFlightMax
    this.#send()
  }

  /** The socket has room again. */
  resume(): void {
    this.#carrierFull = false
    this.#send()
  }

  /** The connection ended: calls that repeat go back to the head of the line, all others are answered with `error`. */
  detach(error: OesError): void {
    this.#carrier = undefined
    const sent = [...this.#inFlight.values()]
    this.#inFlight.clear()
    const line = [...sent, ...this.#line]
    this.#line = line.filter(call => call.repeats && call.settle !== undefined)
    for (const call of line) if (!call.repeats) finish(call, error)
  }

  /** Nothing will be sent any more: every call is answered with `error`. */
  close(error: OesError): void {
    this.#closedBy = error
    this.#carrier = undefined
    const calls = [...this.#inFlight.values(), ...this.#line]
    this.#inFlight.clear()
    this.#line = []
    for (const call of calls) finish(call, error)
  }

  /** A message of the server with a request id. Answers nobody waits for are no error: they came after their deadline. */
  answer(kind: number, requestId: number, message: Elements): void {
    const call = this.#inFlight.get(requestId)
    if (call === undefined) return
    if (kind === Kind.Refused) {
      this.#inFlight.delete(requestId)
      finish(call, refusal(message.integer(3), message.list(4), message.text(5)))
    } else {
      const value = call.take(kind, message)
      if (value === undefined) return
      this.#inFlight.delete(requestId)
      call.cancelDeadline()
      call.settle?.({ value, timesSent: call.timesSent })
      call.settle = undefined
    }
    this.#send()
  }

  #obstacle(call: Call): OesError | undefined {
    if (this.#closedBy !== undefined) return this.#closedBy
    if (this.#carrier === undefined && !call.repeats) {
      return new OesError(ClientCode.NotConnected, 'There is no connection to the server now.')
    }
    if (this.#line.length < this.#lineMax) return undefined
    const text = `${this.#lineMax} calls wait for their turn already.`
    return new OesError(ClientCode.TooManyCalls, text, { params: [this.#lineMax] })
  }

  #send(): void {
    while (this.#carrier !== undefined && !this.#carrierFull && this.#inFlight.size < this.#inFlightMax) {
      const call = this.#line.shift()
      if (call === undefined) return
      const requestId = this.#takeRequestId()
      call.message[1] = requestId
      call.timesSent += 1
      this.#inFlight.set(requestId, call)
      try {
        this.#carrierFull = !this.#carrier.send(call.message)
      } catch (error) {
        if (!(error instanceof OesError)) throw error
        this.#inFlight.delete(requestId)
        call.timesSent -= 1
        finish(call, error)
      }
    }
  }

  #takeRequestId(): number {
    let requestId = this.#nextRequestId
    while (requestId === 0 || this.#inFlight.has(requestId)) requestId = (requestId + 1) % REQUEST_IDS
    this.#nextRequestId = (requestId + 1) % REQUEST_IDS
    return requestId
  }

  #expire(call: Call): void {
    const { deadlineMs } = call
    this.#line = this.#line.filter(waiting => waiting !== call)
    finish(
      call,
      new OesError(ClientCode.DeadlinePassed, `No answer came within ${deadlineMs} ms.`, { params: [deadlineMs] }),
    )
  }
}

// A failure of a call that never left is told as such: the caller may be sure that nothing happened.
function finish(call: Call, error: OesError): void {
  call.cancelDeadline()
  const { settle, timesSent } = call
  call.settle = undefined
  if (settle === undefined) return
  const failed: string[] = [ClientCode.DeadlinePassed, ClientCode.ClientClosed, ClientCode.ConnectionLost]
  const told =
    timesSent === 0 && failed.includes(error.code)
      ? new OesError(ClientCode.NotSent, 'The request was not sent: its turn did not come.', { cause: error })
      : error
  settle({ error: told, timesSent })
}
