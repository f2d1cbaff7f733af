// The client of an order execution server: calls, queries and subscriptions over a link that is made again when it is
// lost. What a caller may rely on:
//
//   - Every call ends: with its answer, or with an error when its deadline passes or the connection ends.
//   - A request that changes something and was not answered has the outcome "unknown", never "refused".
//   - Subscriptions go on after a reconnect from the next sequence; calls do not, except where `repeat` asks for it.

import { randomBytes } from 'node:crypto'
import { Reason } from '../domain/reasons.ts'
import { FindWhat, Kind, SubscriptionScope } from '../protocol/kinds.ts'
import { type CallOptions, CallTable } from './calls.ts'
import { ClientCode, OesError } from './client-error.ts'
import { type ConnectOptions, pauseMaxMs } from './connect-options.ts'
import type { Connection, Session } from './connection.ts'
import { Elements, malformed } from './elements.ts'
import { type Halt, type HaltTarget, haltElements, readHalts } from './halts.ts'
import { Link } from './link.ts'
import {
  type MassCancelOutcome,
  type MassCancelResult,
  type MassCancelSelection,
  type MassCancelSettings,
  massCancelMessage,
  readMassCancelResult,
} from './mass-cancel.ts'
import { OrderTracker, type OrderTrackerLimits } from './order-tracker.ts'
import {
  type ExecutionReport,
  type NewOrder,
  type NewTerms,
  type OrderAccepted,
  type OrderEvent,
  type OrderRecord,
  type OrderUpdate,
  readAccepted,
  readOrderEvent,
  readOrderRecord,
  readReport,
  replaceMessage,
  submitMessage,
  updateMessage,
} from './orders.ts'
import {
  type CommandOutcome,
  commandOutcome,
  failedOutcome,
  isPassing,
  type ReplaceOutcome,
  replaceOutcome,
  type SentOrder,
  type SentReplace,
  type SubmitOutcome,
  submitOutcome,
  type UnknownOrder,
  type UnknownReplace,
} from './outcomes.ts'
import { type AccountPositions, readPositions } from './positions.ts'
import { type FetchPage, type OrderQuery, orderPages, type Page, type ReportQuery, reportPages } from './queries.ts'
import { type AlsoCanceled, alsoCancelBits, readSwitch, type SwitchState } from './safety.ts'
import { type LiveSession, readSessions } from './sessions.ts'
import { StreamTable } from './stream-table.ts'
import { EventStream, type Subscription, type SubscriptionTarget } from './subscription.ts'
import { systemTimers, type Timers } from './timers.ts'

export interface CallSettings {
  /** Time until the call ends without an answer. */
  deadlineMs?: number
}

export interface SubmitSettings extends CallSettings {
  /**
   * Keeps the order over a lost connection and sends it again, under the same client order id, until the deadline:
   * safe, because the server knows the id. Also waits for a connection that is being made.
   */
  repeat?: boolean
}

/** What to follow: the session's own account, an account, or a group. */
export type SubscribeOptions = (
  | {
      account?: number
      /** First report sequence wanted (the first of all is 1); what happens from now on where absent. */
      fromSequence?: number
    }
  | {
      group: number
      /** The `positions` of an earlier subscription, to go on where it stopped. */
      positions?: ReadonlyMap<number, number>
    }
) & {
  /** Events that may wait to be taken before the stream is parked; 10,000 where absent. */
  queueMax?: number
}

/** A name and what it stands for. */
export interface DirectoryEntry {
  id: number
  name: string
}

/** A tracker that holds the live orders of an account, and the subscription that goes on from there. */
export interface TrackedOrders {
  tracker: OrderTracker
  /** Give every event that is no membership change to `tracker.apply`. */
  subscription: Subscription
}

/** Connects and logs in. @throws OesError CONNECTION_FAILED, or the server's reason, as LOGIN_FAILED. */
export function connect(options: ConnectOptions): Promise<OesClient> {
  return new Promise((resolve, reject) => {
    const client: OesClient = new OesClient(options, error => {
      if (error === undefined) resolve(client)
      else reject(error)
    })
  })
}

export class OesClient {
  readonly #options: ConnectOptions
  readonly #timers: Timers
  readonly #calls: CallTable
  readonly #streams = new StreamTable()
  /** Client order ids are this and a number: unique without asking anybody. */
  readonly #clOrdIdPrefix = randomBytes(12).toString('base64url')
  #clOrdIdCount = 0
  /** Told how the first attempt went; afterwards undefined. */
  #onFirst: ((error: OesError | undefined) => void) | undefined
  #session: Session | undefined
  readonly #link: Link
  #isClosed = false
  /** Alarms of streams that a busy server is asked for again; they end with the connection. */
  readonly #retries = new Set<() => void>()

  /** For `connect`. */
  constructor(options: ConnectOptions, onFirst: (error: OesError | undefined) => void) {
    this.#options = options
    this.#timers = options.timers ?? systemTimers
    this.#calls = new CallTable(this.#timers, options.callsWaitingMax ?? 1_024)
    this.#onFirst = onFirst
    this.#link = new Link(options, this.#timers, {
      onLive: connection => this.#live(connection),
      onMessage: (kind, requestId, message) => this.#receive(kind, requestId, message),
      onDrain: () => this.#calls.resume(),
      onEnded: cause => this.#ended(cause),
      onPause: (cause, pauseMs) => options.onState?.({ state: 'lost', cause, pauseMs }),
      onGivenUp: cause => this.#close(cause),
    })
  }

  /** What the server told at the latest login. */
  get session(): Session {
    if (this.#session === undefined) throw new OesError(ClientCode.NotConnected, 'There was no login yet.')
    return this.#session
  }

  /** True while calls can be sent. */
  get isLive(): boolean {
    return this.#link.live !== undefined
  }

  /**
   * Submits an order.
   * @throws OesError where nothing was sent: INVALID_ARGUMENT, NOT_CONNECTED, TOO_MANY_CALLS, NOT_SENT.
   */
  submit(order: NewOrder, settings: SubmitSettings = {}): Promise<SubmitOutcome> {
    const sent = {
      ...order,
      account: order.account ?? this.session.account,
      clOrdId: order.clOrdId ?? this.#nextClOrdId(),
    }
    return this.#submit(sent, settings, false)
  }

  /**
   * Finds out what became of an order of unknown outcome, by sending it again under its client order id until the
   * deadline: where it had arrived the server answers with the first outcome, else it arrives now. The answer may be
   * "unknown" again. Settle while the server remembers the order's id.
   */
  settle(unknown: UnknownOrder, settings: CallSettings = {}): Promise<SubmitOutcome> {
    return this.#submit(unknown.order, { ...settings, repeat: true }, true)
  }

  /**
   * Asks for an order to be canceled. "Done" says that the request was taken; reports tell what comes of it.
   * @throws OesError where nothing was sent, as for `submit`.
   */
  async cancel(orderId: number, settings: CallSettings & { account?: number } = {}): Promise<CommandOutcome> {
    const account = settings.account ?? this.session.account
    return commandOutcome(await this.#command([Kind.Cancel, 0, account, orderId], settings))
  }

  /**
   * Asks for a live order to go on with another quantity or price. "Pending" says that the request was passed on; reports
   * tell what comes of it.
   * @throws OesError where nothing was sent, as for `submit`.
   */
  replace(
    orderId: number,
    terms: NewTerms,
    settings: SubmitSettings & { account?: number } = {},
  ): Promise<ReplaceOutcome> {
    const sent = {
      ...terms,
      orderId,
      account: settings.account ?? this.session.account,
      clOrdId: terms.clOrdId ?? this.#nextClOrdId(),
    }
    return this.#replace(sent, settings, false)
  }

  /** Finds out what became of a replace of unknown outcome, as `settle` does of an order. */
  settleReplace(unknown: UnknownReplace, settings: CallSettings = {}): Promise<ReplaceOutcome> {
    return this.#replace(unknown.replace, { ...settings, repeat: true }, true)
  }

  /** Makes a report by hand; for administrators. @throws OesError where nothing was sent, as for `submit`. */
  async update(
    orderId: number,
    update: OrderUpdate,
    settings: CallSettings & { account?: number } = {},
  ): Promise<CommandOutcome> {
    const account = settings.account ?? this.session.account
    return commandOutcome(await this.#command(updateMessage(account, orderId, update), settings))
  }

  /** An order with its reports, whichever permitted account it belongs to; undefined where there is none. @throws OesError */
  async load(orderId: number, settings: CallSettings = {}): Promise<OrderRecord | undefined> {
    const take = answerOf(Kind.OrderRecord, readOrderRecord)
    return this.#find({ message: [Kind.LoadOrder, 0, 0, orderId], take }, settings, Reason.UnknownOrder)
  }

  /** Stored orders with their reports, by order sequence, fetched as they are taken. @throws OesError */
  async *queryOrders(query: OrderQuery = {}): AsyncGenerator<OrderRecord, void, undefined> {
    for await (const page of this.#orderPages(query)) yield* page.rows
  }

  /** Stored acceptances and reports, by account report sequence, fetched as they are taken. @throws OesError */
  async *queryReports(query: ReportQuery = {}): AsyncGenerator<OrderEvent, void, undefined> {
    const readRow = (row: Elements) => readOrderEvent(row.nested(3))
    for await (const page of reportPages(this.#fetchPage, query, readRow, event => event.reportSequence)) {
      yield* page.rows
    }
  }

  /** Follows orders and reports. @throws OesError where the server refuses, or does not answer. */
  async subscribe(options: SubscribeOptions = {}): Promise<Subscription> {
    // The account is known before the server names it, so that events find their stream at once.
    const account = 'group' in options ? undefined : options.account || this.session.account
    const target: SubscriptionTarget =
      'group' in options
        ? { scope: SubscriptionScope.Group, groupId: options.group, positions: options.positions ?? new Map() }
        : { scope: SubscriptionScope.Account, account: options.account ?? 0, fromSequence: options.fromSequence ?? 0 }
    const host = {
      open: (stream: EventStream) => void this.#resume(stream),
      release: (subscriptionId: number) => this.#release(subscriptionId),
      ended: (stream: EventStream) => this.#streams.delete(stream, account),
    }
    const stream = new EventStream(host, target, options.queueMax ?? 10_000)
    this.#streams.add(stream, account)
    const error = await this.#open(stream)
    if (error === undefined) return stream
    stream.close()
    throw error
  }

  /** The live orders of an account, and everything that happens from there on. @throws OesError */
  async track(options: { account?: number; limits?: OrderTrackerLimits } = {}): Promise<TrackedOrders> {
    const account = options.account ?? this.session.account
    const tracker = new OrderTracker(options.limits)
    let subscription: Subscription | undefined
    try {
      // The first page tells where to subscribe; what later pages repeat of it the tracker drops.
      for await (const page of this.#orderPages({ account, filter: ['=', 'is_live', true] })) {
        subscription ??= await this.subscribe({ account, fromSequence: page.lastReportSequence + 1 })
        for (const record of page.rows) tracker.load(record)
      }
    } catch (error) {
      subscription?.close()
      throw error
    }
    if (subscription === undefined) throw malformed('a query without a page')
    return { tracker, subscription }
  }

  /** Positions and buying power of an account; the session's own where absent. @throws OesError */
  async positions(account = 0, settings: CallSettings = {}): Promise<AccountPositions> {
    const take = answerOf(Kind.PositionList, readPositions)
    return this.#ask({ message: [Kind.Positions, 0, account], take }, settings)
  }

  /**
   * The kill switch: no new orders from now on, and the working ones are canceled. It stays until an administrator lifts
   * it. Throwing it again is harmless. @returns how many orders were canceled. @throws OesError
   */
  async halt(target: HaltTarget, settings: CallSettings & { text?: string } = {}): Promise<number> {
    const message = [Kind.Halt, 0, 0, ...haltElements(target), settings.text ?? '']
    return this.#ask({ message, take: answerOf(Kind.Halted, answer => answer.integer(3)) }, settings)
  }

  /** Lets orders pass again; for administrators. @throws OesError UNKNOWN_HALT where nothing of the kind is halted. */
  async lift(target: HaltTarget, settings: CallSettings & { text?: string } = {}): Promise<void> {
    const message = [Kind.Lift, 0, 0, ...haltElements(target), settings.text ?? '']
    await this.#ask({ message, take: answerOf(Kind.Done, () => true) }, settings)
  }

  /**
   * Cancels the live orders of a selection. Asked again it does what is left. @throws OesError where nothing was sent, as
   * for `submit`.
   */
  async massCancel(selection: MassCancelSelection = {}, settings: MassCancelSettings = {}): Promise<MassCancelOutcome> {
    const { onProgress, waitMs = 0 } = settings
    const { value, error, timesSent } = await this.#calls.call<MassCancelResult>({
      message: massCancelMessage(this.session.account, selection, settings),
      deadlineMs: settings.deadlineMs ?? (this.#options.pageDeadlineMs ?? 30_000) + waitMs,
      take: (kind, message) => {
        const isProgress = kind === Kind.MassCancelProgress
        if (!isProgress && kind !== Kind.MassCanceled) throw malformed(`kind ${kind} in the answer to a mass cancel`)
        const result = readMassCancelResult(message)
        if (!isProgress) return result
        onProgress?.(result)
        return undefined
      },
    })
    return error === undefined ? { outcome: 'done', result: value } : failedOutcome(error, timesSent)
  }

  /** The halts in force that concern whoever asks, oldest first. @throws OesError */
  halts(settings: CallSettings = {}): Promise<Halt[]> {
    return this.#ask({ message: [Kind.Halts, 0, 0], take: answerOf(Kind.HaltList, readHalts) }, settings)
  }

  /**
   * Arms the dead-man's switch of an account, the session's own where absent: all its orders are canceled, whoever has
   * sent them, unless it is refreshed within the time. GTC and GTD orders are kept unless asked for. @throws OesError
   */
  async armSwitch(
    timeoutMs: number,
    settings: CallSettings & { account?: number; alsoCancel?: AlsoCanceled } = {},
  ): Promise<void> {
    const message = [Kind.ArmSwitch, 0, settings.account ?? 0, timeoutMs, alsoCancelBits(settings.alsoCancel)]
    await this.#ask({ message, take: answerOf(Kind.Done, () => true) }, settings)
  }

  /** Gives an armed switch its whole time again. @throws OesError SWITCH_NOT_ARMED where it has fired or never was. */
  async refreshSwitch(settings: CallSettings & { account?: number } = {}): Promise<void> {
    const message = [Kind.RefreshSwitch, 0, settings.account ?? 0]
    await this.#ask({ message, take: answerOf(Kind.Done, () => true) }, settings)
  }

  /** @throws OesError SWITCH_NOT_ARMED where it has fired or never was armed. */
  async disarmSwitch(settings: CallSettings & { account?: number } = {}): Promise<void> {
    const message = [Kind.DisarmSwitch, 0, settings.account ?? 0]
    await this.#ask({ message, take: answerOf(Kind.Done, () => true) }, settings)
  }

  /** Where the dead-man's switch of an account stands. @throws OesError */
  switchState(settings: CallSettings & { account?: number } = {}): Promise<SwitchState> {
    const message = [Kind.Switch, 0, settings.account ?? 0]
    return this.#ask({ message, take: answerOf(Kind.SwitchState, readSwitch) }, settings)
  }

  /** The account of that name; undefined where there is none. @throws OesError */
  findAccount(name: string, settings: CallSettings = {}): Promise<DirectoryEntry | undefined> {
    const message = [Kind.Find, 0, 0, FindWhat.Account, name]
    return this.#find({ message, take: answerOf(Kind.Found, readFound) }, settings, Reason.UnknownAccount)
  }

  /** The trading group of that name; undefined where there is none. @throws OesError */
  findGroup(name: string, settings: CallSettings = {}): Promise<DirectoryEntry | undefined> {
    const message = [Kind.Find, 0, 0, FindWhat.Group, name]
    return this.#find({ message, take: answerOf(Kind.Found, readFound) }, settings, Reason.UnknownGroup)
  }

  /** The accounts this session may trade, by id. @throws OesError */
  async *accounts(): AsyncGenerator<DirectoryEntry, void, undefined> {
    let afterId = 0
    while (true) {
      const message = [Kind.Accounts, 0, 0, afterId]
      const page = await this.#ask({ message, take: answerOf(Kind.AccountList, readAccounts) }, {})
      yield* page.accounts
      const last = page.accounts.at(-1)
      if (!page.more || last === undefined || last.id <= afterId) return
      afterId = last.id
    }
  }

  /**
   * Everybody who is logged in, for administrators. Whoever is there from the first page to the last is told once.
   * @throws OesError
   */
  async *sessions(): AsyncGenerator<LiveSession, void, undefined> {
    let after = 0
    while (true) {
      const message = [Kind.Sessions, 0, 0, after]
      const page = await this.#ask({ message, take: answerOf(Kind.SessionList, readSessions) }, {})
      yield* page.sessions
      const last = page.sessions.at(-1)
      // Pages go up by the lower half of the number, the place among the connections.
      if (!page.more || last === undefined || (last.session & 0xffff) <= (after & 0xffff)) return
      after = last.session
    }
  }

  /**
   * Says goodbye, then ends everything like `close`: what was asked before is answered first, and the orders are canceled
   * or left as `cancelOn` chose. A connection that ends without is a lost one to the server. @throws OesError where no answer
   * came; then the client goes on.
   */
  async logout(settings: CallSettings = {}): Promise<void> {
    await this.#ask({ message: [Kind.Logout, 0, 0], take: answerOf(Kind.Done, () => true) }, settings)
    this.#close(undefined)
  }

  /** Ends everything: pending calls are answered, subscriptions end without an error, the connection is closed. */
  close(): void {
    this.#close(undefined)
  }

  [Symbol.dispose](): void {
    this.close()
  }

  // Calls.

  async #submit(order: SentOrder, settings: SubmitSettings, isRepetition: boolean): Promise<SubmitOutcome> {
    const result = await this.#calls.call({
      message: submitMessage(order.account, order),
      deadlineMs: this.#deadlineMs(settings),
      repeats: settings.repeat ?? false,
      take: answerOf<OrderAccepted>(Kind.OrderAccepted, readAccepted),
    })
    return submitOutcome(result, order, isRepetition)
  }

  async #replace(replace: SentReplace, settings: SubmitSettings, isRepetition: boolean): Promise<ReplaceOutcome> {
    const result = await this.#calls.call({
      message: replaceMessage(replace.account, replace.orderId, replace),
      deadlineMs: this.#deadlineMs(settings),
      repeats: settings.repeat ?? false,
      take: answerOf<ExecutionReport>(Kind.ExecutionReport, readReport),
    })
    return replaceOutcome(result, replace, isRepetition)
  }

  #command(message: unknown[], settings: CallSettings) {
    return this.#calls.call({
      message,
      deadlineMs: this.#deadlineMs(settings),
      take: answerOf(Kind.Done, () => true as const),
    })
  }

  async #ask<T>(call: Pick<CallOptions<T>, 'message' | 'take'>, settings: CallSettings): Promise<T> {
    const result = await this.#calls.call({ ...call, deadlineMs: this.#deadlineMs(settings) })
    if (result.error !== undefined) throw result.error
    return result.value
  }

  async #find<T>(
    call: Pick<CallOptions<T>, 'message' | 'take'>,
    settings: CallSettings,
    absent: Reason,
  ): Promise<T | undefined> {
    try {
      return await this.#ask(call, settings)
    } catch (error) {
      if (error instanceof OesError && error.reason === absent) return undefined
      throw error
    }
  }

  #orderPages(query: OrderQuery): AsyncGenerator<Page<OrderRecord>, void, undefined> {
    return orderPages(this.#fetchPage, query, readOrderRecord, record => record.accepted.orderSequence)
  }

  #fetchPage: FetchPage = (message, readRow) => {
    const rows: ReturnType<typeof readRow>[] = []
    const take = (kind: number, answer: Elements) => {
      if (kind === Kind.OrderRecord || kind === Kind.ReportRecord) {
        rows.push(readRow(answer))
        return undefined
      }
      if (kind !== Kind.QueryEnd) throw malformed(`kind ${kind} in the answer to a query`)
      const count = answer.integer(3)
      if (count !== rows.length) throw malformed(`${rows.length} rows where ${count} were counted`)
      return { rows, lastReportSequence: answer.integer(5), lastOrderSequence: answer.integer(6) }
    }
    return this.#ask({ message, take }, { deadlineMs: this.#options.pageDeadlineMs ?? 30_000 })
  }

  #deadlineMs(settings: CallSettings): number {
    return settings.deadlineMs ?? this.#options.callDeadlineMs ?? 5_000
  }

  #nextClOrdId(): string {
    this.#clOrdIdCount += 1
    return `${this.#clOrdIdPrefix}-${this.#clOrdIdCount.toString(36)}`
  }

  // Subscriptions.

  async #open(stream: EventStream): Promise<OesError | undefined> {
    let isLate = false
    const result = await this.#calls.call({
      message: stream.request(),
      deadlineMs: this.#deadlineMs({}),
      take: answerOf(Kind.Subscribed, message => {
        const subscriptionId = message.integer(3)
        // Opened here and not after the await: the first events lie in the bytes right behind this answer.
        if (stream.opening && !isLate) stream.opened(subscriptionId, readNextSequences(message))
        else this.#release(subscriptionId)
        return true as const
      }),
    })
    isLate = true
    return result.error
  }

  async #resume(stream: EventStream): Promise<void> {
    const connection = this.#link.live
    const error = await this.#open(stream)
    if (error === undefined || !stream.opening) return
    if (!isPassing(error)) return stream.refused(error)
    // After a lost connection the next login resumes the stream; a busy server is asked again.
    if (connection === undefined || connection !== this.#link.live) return
    const cancel = this.#timers.after(pauseMaxMs(this.#options), () => {
      this.#retries.delete(cancel)
      if (stream.opening) void this.#resume(stream)
    })
    this.#retries.add(cancel)
  }

  #release(subscriptionId: number): void {
    if (!this.isLive) return
    // Whatever comes of it: the subscription is over for us, and at the server it ends with the connection at the latest.
    void this.#command([Kind.Unsubscribe, 0, 0, subscriptionId], {})
  }

  #dispatch(message: Elements, isAnswer: boolean): void {
    const followers = this.#streams.followers(message.integer(2))
    if (followers.size === 0) return
    const event = readOrderEvent(message)
    const mayRunAhead = isAnswer || followers.size > 1
    for (const stream of followers) stream.offer(event, mayRunAhead)
  }

  // The connection.

  #live(connection: Connection): void {
    this.#session = connection.session
    this.#options.onState?.({ state: 'live', session: connection.session })
    this.#calls.attach(connection, connection.session.inFlightMax)
    for (const stream of this.#streams) if (stream.opening) void this.#resume(stream)
    this.#onFirst?.(undefined)
    this.#onFirst = undefined
  }

  #receive(kind: number, requestId: number, message: Elements): void {
    switch (kind) {
      // The answer to our own submit is our copy of the event too.
      case Kind.OrderAccepted:
      case Kind.ExecutionReport:
        this.#dispatch(message, requestId !== 0)
        break
      case Kind.Membership: {
        const subscriptionId = message.integer(3)
        const change = {
          event: 'membership' as const,
          account: message.integer(4),
          joined: message.integer(5) === 1,
          nextSequence: message.integer(6),
        }
        for (const stream of this.#streams) if (stream.subscriptionId === subscriptionId) stream.changed(change)
        return
      }
    }
    if (requestId !== 0) this.#calls.answer(kind, requestId, message)
  }

  #ended(cause: OesError): void {
    this.#cancelRetries()
    for (const stream of this.#streams) stream.interrupted()
    // The reason the server gave for closing is no answer to the calls: these are merely unanswered.
    const text = `The connection was lost before the answer: ${cause.message}`
    this.#calls.detach(new OesError(ClientCode.ConnectionLost, text, { cause }))
  }

  #cancelRetries(): void {
    for (const cancel of this.#retries) cancel()
    this.#retries.clear()
  }

  #close(cause: OesError | undefined): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#cancelRetries()
    const why = cause === undefined ? '.' : `: ${cause.message}`
    const closed = new OesError(ClientCode.ClientClosed, `The client was closed${why}`, { cause })
    this.#calls.close(closed)
    for (const stream of [...this.#streams]) {
      if (cause === undefined) stream.close()
      else stream.fail(cause)
    }
    this.#link.close()
    this.#options.onState?.({ state: 'closed', cause })
    this.#onFirst?.(cause ?? closed)
    this.#onFirst = undefined
  }
}

/** Takes an answer of one message of the given kind. */
function answerOf<T>(kind: Kind, read: (message: Elements) => T): (kind: number, message: Elements) => T {
  return (received, message) => {
    if (received !== kind) throw malformed(`kind ${received} where ${kind} was expected`)
    return read(message)
  }
}

function readFound(message: Elements): DirectoryEntry {
  return { id: message.integer(3), name: message.text(4) }
}

function readAccounts(message: Elements): { accounts: DirectoryEntry[]; more: boolean } {
  const accounts = message.list(3).map(value => {
    const account = Elements.of(value)
    return { id: account.integer(0), name: account.text(1) }
  })
  return { accounts, more: message.integer(4) === 1 }
}

function readNextSequences(message: Elements): Map<number, number> {
  return new Map(
    message.list(4).map(value => {
      const position = Elements.of(value)
      return [position.integer(0), position.integer(1)]
    }),
  )
}
