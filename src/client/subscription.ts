// A subscription: the orders and reports of an account, or of all members of a group, in the account's report sequence,
// each exactly once, over reconnects. What arrives waits in a bounded queue for the program to take it. A program that
// takes too slowly loses nothing and holds nobody up: when the queue is full the stream is parked, that is, given up at
// the server, and opened again from the next sequence once half of the queue has been taken.
//
//   opening ─ Subscribed ─► live ─ queue full ─► parked ─ half taken ─► opening
//      ▲                     │
//      └──── connection lost ┘        any state ─ close, gap, refusal ─► ended

import { unreachable } from '../base/assert.ts'
import { Reason } from '../domain/reasons.ts'
import { Kind, SubscriptionScope } from '../protocol/kinds.ts'
import { ClientCode, OesError, refusal } from './client-error.ts'
import type { OrderEvent } from './orders.ts'

/** A followed group changed: events of `account` begin at `nextSequence`, or come no more. */
export interface MembershipChange {
  event: 'membership'
  account: number
  joined: boolean
  nextSequence: number
}

export type SubscriptionEvent = OrderEvent | MembershipChange

/**
 * A running subscription. Iterate it once, by one reader; leaving the loop closes it. It ends with an error where a
 * sequence is missing (SEQUENCE_GAP) or the server refuses to go on; what came before is delivered first.
 */
export interface Subscription extends AsyncIterable<SubscriptionEvent> {
  /** The next report sequence of each account, after what the program has taken. Gives a later program its beginning. */
  readonly positions: ReadonlyMap<number, number>
  close(): void
}

/** What to follow. */
export type SubscriptionTarget =
  | {
      scope: typeof SubscriptionScope.Account
      /** 0 for the session's own. */
      account: number
      /** First report sequence wanted; 0 for what happens from now on. */
      fromSequence: number
    }
  | {
      scope: typeof SubscriptionScope.Group
      groupId: number
      /** Next report sequence of members followed before; others begin now. */
      positions: ReadonlyMap<number, number>
    }

/** What a stream needs of the client. */
export interface StreamHost {
  /** Asks the server for the stream, from its positions. */
  open(stream: EventStream): void
  /** Ends the subscription at the server. */
  release(subscriptionId: number): void
  /** The stream is over. */
  ended(stream: EventStream): void
}

const State = { Opening: 0, Live: 1, Parked: 2, Ended: 3 } as const
type State = (typeof State)[keyof typeof State]

export class EventStream implements Subscription {
  readonly #host: StreamHost
  readonly #target: SubscriptionTarget
  readonly #queueMax: number
  #state: State = State.Opening
  #subscriptionId = 0
  #queue: SubscriptionEvent[] = []
  /** Next report sequence expected from the server, by account. */
  readonly #expected: Map<number, number>
  /** Next report sequence after what the program took, by account. */
  readonly #taken: Map<number, number>
  /** Events that arrived before their turn, by account and sequence. */
  readonly #ahead = new Map<number, Map<number, OrderEvent>>()
  #aheadCount = 0
  #wasLive = false
  #error: OesError | undefined
  #wake: (() => void) | undefined

  /** @param queueMax events that may wait to be taken. */
  constructor(host: StreamHost, target: SubscriptionTarget, queueMax: number) {
    this.#host = host
    this.#target = target
    this.#queueMax = queueMax
    this.#expected = new Map(target.scope === SubscriptionScope.Group ? target.positions : [])
    this.#taken = new Map(this.#expected)
  }

  get positions(): ReadonlyMap<number, number> {
    return this.#taken
  }

  /** True while the server should be asked for the stream: not parked, not ended, not live. */
  get opening(): boolean {
    return this.#state === State.Opening
  }

  /** The subscription at the server; 0 while there is none. */
  get subscriptionId(): number {
    return this.#subscriptionId
  }

  /** Elements of the request that opens the stream where it stopped. */
  request(): unknown[] {
    const target = this.#target
    switch (target.scope) {
      case SubscriptionScope.Account: {
        const [position] = this.#expected
        const [account, fromSequence] = position ?? [target.account, target.fromSequence]
        return [Kind.Subscribe, 0, account, target.scope, fromSequence]
      }
      case SubscriptionScope.Group:
        return [Kind.Subscribe, 0, 0, target.scope, 0, target.groupId, [...this.#expected]]
      default:
        return unreachable(target)
    }
  }

  /** The server has opened the stream; `positions` are its next sequences. */
  opened(subscriptionId: number, positions: ReadonlyMap<number, number>): void {
    this.#subscriptionId = subscriptionId
    this.#state = State.Live
    for (const account of this.#expected.keys()) if (!positions.has(account)) this.#leave(account)
    for (const [account, theirs] of positions) {
      const ours = this.#expected.get(account)
      if (ours === undefined) this.#follow(account, theirs)
      // A server that knows less than it told before has lost orders.
      else if (theirs < ours) this.#fail(gap(account, ours, theirs))
      this.#takeAhead(account)
    }
    for (const [account, events] of this.#ahead) {
      if (this.#expected.has(account)) continue
      this.#ahead.delete(account)
      this.#aheadCount -= events.size
    }
    this.#wasLive = true
  }

  /** True where events of `account` belong here, or may turn out to. */
  follows(account: number): boolean {
    return this.#state === State.Opening || this.#expected.has(account)
  }

  /**
   * An event of a followed account.
   * @param mayRunAhead it need not be the next one: it was the answer to a request, or other streams of the
   * connection are at another place. It is kept until its turn.
   */
  offer(event: OrderEvent, mayRunAhead: boolean): void {
    if (this.#state === State.Ended || this.#state === State.Parked) return
    const { account, reportSequence } = event
    const expected = this.#expected.get(account) ?? 0
    if (reportSequence < expected) return
    if (this.#state === State.Opening || reportSequence > expected) {
      if (!mayRunAhead || this.#aheadCount >= this.#queueMax) {
        // While opening nothing is promised yet: what is pushed now will come again.
        if (this.#state === State.Live) this.#fail(gap(account, expected, reportSequence))
        return
      }
      this.#keepAhead(event)
      return
    }
    this.#deliver(event)
    this.#takeAhead(account)
  }

  /** A change of the followed group, or the end of the permission to follow an account. */
  changed(change: MembershipChange): void {
    if (this.#state !== State.Live) return
    if (change.joined) this.#follow(change.account, change.nextSequence)
    else if (this.#target.scope === SubscriptionScope.Group) this.#leave(change.account)
    else this.#fail(refusal(Reason.NotPermitted, [], ''))
  }

  /** The connection was lost: the stream has to be opened again. */
  interrupted(): void {
    this.#subscriptionId = 0
    this.#forgetAhead()
    if (this.#state === State.Live) this.#state = State.Opening
  }

  /** Ends the stream with `error`, after what was delivered before. */
  fail(error: OesError): void {
    if (this.#state !== State.Ended) this.#fail(error)
  }

  /** The server refused to go on. */
  refused(error: OesError): void {
    // It knows no range that begins where it stopped itself: so it has lost orders.
    if (error.reason !== Reason.InvalidRange) return this.fail(error)
    const params = [...this.#expected].flat()
    const text = 'The server does not know reports any more that it has told.'
    this.fail(new OesError(ClientCode.SequenceGap, text, { params, cause: error }))
  }

  close(): void {
    this.#end()
    this.#queue = []
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<SubscriptionEvent, void, undefined> {
    try {
      while (true) {
        const event = this.#queue.shift()
        if (event !== undefined) {
          this.#take(event)
          yield event
        } else if (this.#error !== undefined) {
          throw this.#error
        } else if (this.#state === State.Ended) {
          return
        } else {
          await new Promise<void>(resolve => {
            this.#wake = resolve
          })
        }
      }
    } finally {
      this.close()
    }
  }

  #take(event: SubscriptionEvent): void {
    if (event.event !== 'membership') this.#taken.set(event.account, event.reportSequence + 1)
    else if (event.joined) this.#taken.set(event.account, event.nextSequence)
    else this.#taken.delete(event.account)
    if (this.#state === State.Parked && this.#queue.length <= this.#queueMax / 2) {
      this.#state = State.Opening
      this.#host.open(this)
    }
  }

  #deliver(event: OrderEvent): void {
    if (this.#queue.length >= this.#queueMax) {
      this.#park()
      return
    }
    this.#expected.set(event.account, event.reportSequence + 1)
    this.#push(event)
  }

  #push(event: SubscriptionEvent): void {
    this.#queue.push(event)
    this.#wake?.()
  }

  #follow(account: number, nextSequence: number): void {
    const { scope } = this.#target
    const wanted = scope === SubscriptionScope.Account ? this.#target.fromSequence : 0
    const expected = wanted || nextSequence
    this.#expected.set(account, expected)
    if (this.#wasLive) this.#push({ event: 'membership', account, joined: true, nextSequence: expected })
    else this.#taken.set(account, expected)
  }

  #leave(account: number): void {
    const nextSequence = this.#expected.get(account)
    if (nextSequence === undefined) return
    this.#expected.delete(account)
    this.#push({ event: 'membership', account, joined: false, nextSequence })
  }

  #keepAhead(event: OrderEvent): void {
    let events = this.#ahead.get(event.account)
    if (events === undefined) {
      events = new Map()
      this.#ahead.set(event.account, events)
    }
    if (!events.has(event.reportSequence)) this.#aheadCount += 1
    events.set(event.reportSequence, event)
  }

  /** Delivers what arrived before its turn and is due now. */
  #takeAhead(account: number): void {
    const events = this.#ahead.get(account)
    if (events === undefined) return
    while (this.#state === State.Live) {
      const expected = this.#expected.get(account) ?? 0
      const event = events.get(expected)
      if (event === undefined) break
      this.#deliver(event)
    }
    if (this.#state !== State.Live) return
    const expected = this.#expected.get(account) ?? 0
    for (const sequence of events.keys()) {
      if (sequence >= expected) continue
      events.delete(sequence)
      this.#aheadCount -= 1
    }
  }

  #forgetAhead(): void {
    this.#ahead.clear()
    this.#aheadCount = 0
  }

  #park(): void {
    this.#state = State.Parked
    this.#forgetAhead()
    this.#release()
  }

  #fail(error: OesError): void {
    this.#error = error
    this.#end()
  }

  #end(): void {
    if (this.#state === State.Ended) return
    this.#state = State.Ended
    this.#forgetAhead()
    this.#release()
    this.#host.ended(this)
    this.#wake?.()
  }

  #release(): void {
    const subscriptionId = this.#subscriptionId
    this.#subscriptionId = 0
    if (subscriptionId !== 0) this.#host.release(subscriptionId)
  }
}

function gap(account: number, expected: number, received: number): OesError {
  return new OesError(
    ClientCode.SequenceGap,
    `Account ${account}: report ${expected} is missing, ${received} came instead.`,
    { params: [account, expected, received] },
  )
}
