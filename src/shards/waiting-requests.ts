// Requests that wait for something from outside, and go on when it has come:
//
//   what lets one wait                                     what lets it go on
//   the first use of a ticker: its market is asked for     main follows it, has no room for it, or the time is over
//   pooled rules over its account: the judge is asked      the verdict, or no pooled rule is over the account any more
//
// One that waits has had no effect, and goes its way again from the start; what comes for its account meanwhile waits
// behind it (parked-commands.ts). Where there is no room to wait it is refused, as is all that waits when the server stops.

import { assert } from '../base/assert.ts'
import type { Verdict } from '../compliance/pooled-messages.ts'
import { Reason } from '../domain/reasons.ts'
import { MessageReader } from '../protocol/message-reader.ts'
import { NO_SLOT } from './order-table.ts'
import type { ParkedCommand } from './parked-commands.ts'
import type { RequestAnswers } from './request-answers.ts'
import { RequestCommand } from './request-command.ts'
import type { ShardState } from './shard-state.ts'

export class WaitingRequests {
  readonly #state: ShardState
  readonly #answers: RequestAnswers
  readonly #serve: (command: RequestCommand) => void
  readonly #reader = new MessageReader()
  /** A request that has waited. */
  readonly #resumed = new RequestCommand()
  #hasParked = false
  #verdict: Verdict | undefined
  /** Whether the order that a verdict let live does. */
  #isBegun = false
  #onResumed: (slot: number) => void = () => undefined

  /** @param serve steps a request from its start; it may let it wait by `park`. */
  constructor(state: ShardState, answers: RequestAnswers, serve: (command: RequestCommand) => void) {
    this.#state = state
    this.#answers = answers
    this.#serve = serve
  }

  /** Whether a request is served now; otherwise it waits behind others of its account, or is refused. */
  admits(command: RequestCommand): boolean {
    const { parked } = this.#state
    if (parked.accounts === 0 || !parked.has(command.accountRow)) return true
    if (!parked.park(command, false)) this.#refuse(command, Reason.Busy)
    return false
  }

  /** Lets a request wait in front of all of its account; where there is no room it is refused. @returns whether it waits */
  park(command: RequestCommand): boolean {
    this.#hasParked = this.#state.parked.park(command, true)
    if (!this.#hasParked) this.#refuse(command, Reason.Busy)
    return this.#hasParked
  }

  /** What the judge of pooled rules has said about the request at hand; undefined where it has not waited for that. */
  get verdict(): Verdict | undefined {
    return this.#verdict
  }

  /** An order under pooled rules lives now. */
  begun(): void {
    this.#isBegun = true
  }

  /** Who is told of each order that lives after it has waited. */
  whenResumed(listener: (slot: number) => void): void {
    this.#onResumed = listener
  }

  /** Main follows the market of a ticker from now on, or has no room for it: what waited for that goes on. */
  watched(ticker: string, hasRoom: boolean, timeUs: number): void {
    const { firstUses, listings } = this.#state
    if (hasRoom) listings.watched(ticker)
    firstUses.settle(ticker, hasRoom, row => this.#resume(row, timeUs))
  }

  /** Whatever has waited long enough goes on. */
  passTime(timeUs: number): void {
    this.#state.firstUses.pass(timeUs, row => this.#resume(row, timeUs))
  }

  /** The judge has answered: the request that waited for it goes on, and those behind it up to the next that waits. */
  judged(row: number, verdict: Verdict, timeUs: number): void {
    const { parked, pooled } = this.#state
    const known = pooled.answered(row, verdict.epoch, verdict.question)
    if (known === undefined) return
    const command = parked.release(row)
    assert(command !== undefined, 'a verdict about a command that does not wait')
    const { replaceAsked } = known
    this.#verdict = verdict
    this.#isBegun = false
    const isServed = this.#serveParked(row, command, timeUs)
    this.#verdict = undefined
    if (known.orderAsked !== 0 && verdict.reason === Reason.None && !this.#isBegun) {
      pooled.over(known, known.orderAsked, timeUs)
    }
    if (isServed) {
      this.#settleTerms(replaceAsked)
      this.#resume(row, timeUs)
    }
  }

  /** Pooled rules are over the account from now on, or (epoch 0) none any more. */
  pool(row: number, epoch: number, asksCancels: boolean, timeUs: number): void {
    const { books, compliance, pooled, view } = this.#state
    if (epoch === 0) {
      const replaceAsked = pooled.find(row)?.replaceAsked ?? 0
      if (!pooled.leave(row)) return
      this.#settleTerms(replaceAsked)
      this.#resume(row, timeUs)
      return
    }
    const book = books[row]
    pooled.enroll(row, view.accountId(row), epoch, asksCancels, standing => {
      if (book !== undefined) compliance.stand(book, standing)
    })
  }

  /** The server stops: what waits is answered so, and has had no effect. */
  refuseAll(): void {
    for (const [row, command] of this.#state.parked.drain()) {
      this.#refuse(this.#resumedOf(row, command, command.time), Reason.Stopping)
    }
  }

  /** Whatever has become of a replace that the judge was asked about, he is told which terms the order has. */
  #settleTerms(orderId: number): void {
    const { compliance, orders, replaces } = this.#state
    const slot = orderId === 0 ? NO_SLOT : orders.find(orderId)
    // One that its destination has not answered counts as the worse of both until then.
    if (slot !== NO_SLOT && replaces.get(slot) === undefined) compliance.settleTerms(slot, 0)
  }

  /** Serves what waits for an account, until something has to wait again; what the judge is asked about waits for him. */
  #resume(row: number, timeUs: number): void {
    const { parked, pooled } = this.#state
    if (pooled.isAsked(row)) return
    for (;;) {
      const command = parked.release(row)
      if (command === undefined) return
      if (!this.#serveParked(row, command, timeUs)) return
    }
  }

  /** @returns false where it has to wait again. */
  #serveParked(row: number, command: ParkedCommand, timeUs: number): boolean {
    this.#hasParked = false
    this.#serve(this.#resumedOf(row, command, timeUs))
    if (this.#hasParked) return false
    const slot = command.orderId === 0 ? NO_SLOT : this.#state.orders.find(command.orderId)
    if (slot !== NO_SLOT) this.#onResumed(slot)
    return true
  }

  /** A request that has waited, as of now. */
  #resumedOf(row: number, command: ParkedCommand, timeUs: number): RequestCommand {
    const resumed = this.#resumed
    resumed.session = command.session
    resumed.accountRow = row
    resumed.sessionAccount = command.sessionAccount
    resumed.administrator = command.administrator
    resumed.time = Math.max(command.time, timeUs)
    resumed.orderId = command.orderId
    resumed.bytes = command.bytes
    resumed.start = 0
    resumed.end = command.bytes.length
    resumed.mark = command.mark
    Object.assign(resumed.sessionKey, command.sessionKey)
    return resumed
  }

  #refuse(command: RequestCommand, reason: Reason): void {
    const reader = this.#reader
    reader.start(command.bytes, command.start, command.end)
    reader.arrayHeader()
    reader.integer() // the kind
    this.#answers.refuse(command, reader.integer(), reason, [])
  }
}
