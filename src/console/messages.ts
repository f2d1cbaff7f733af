// What the console's server half and its page say to each other, as JSON. Types alone: the page names them, and nothing
// of this file is loaded by it. Times are milliseconds since the epoch unless a name ends in `Us`.

/** Who is logged in. */
export interface SessionMessage {
  readonly name: string
  readonly account: number
  readonly isAdministrator: boolean
  /** Groups that may be halted. */
  readonly groups: readonly NamedId[]
  /** Sent along with every request that changes something. */
  readonly csrf: string
  readonly expiresMs: number
  readonly server: string
  readonly durability: string
}

export interface NamedId {
  readonly id: number
  readonly name: string
}

/** One second of the server. */
export interface Sample {
  readonly timeMs: number
  readonly ordersPerSecond: number
  readonly executionsPerSecond: number
  readonly rejectsPerSecond: number
  readonly requestsPerSecond: number
  /** From the receipt of an order to its acceptance handed to the socket, in µs; null where there was none. */
  readonly answerP50Us: number | null
  readonly answerP99Us: number | null
  readonly answerMaxUs: number | null
}

/** The columns of the hour, oldest first; the names are those of `Sample`. */
export type HistoryMessage = { readonly [Column in keyof Sample]: readonly (number | null)[] }

export interface ShardFigures {
  readonly name: string
  /** Part of a processor that the thread took, 0 … 1; null before the second sample. */
  readonly load: number | null
  readonly ordersPerSecond: number
  readonly ordersOpen: number
  /** How full its rings are, 0 … 1. */
  readonly commandRing: number
  readonly reportRing: number
  /** Journal entries that some store does not have. */
  readonly backlog: number
  readonly commandP99Us: number | null
}

export interface StoreFigures {
  readonly name: string
  readonly state: string
  /** Whether all is well with it. */
  readonly isGood: boolean
  readonly lagRecords: number
  readonly lagBytes: number
  readonly lagSeconds: number
  readonly failures: number
}

/** One stage of an order's way, over the last ten seconds. */
export interface StageFigures {
  readonly name: string
  readonly about: string
  readonly count: number
  readonly p50Us: number | null
  readonly p99Us: number | null
  readonly maxUs: number | null
}

export interface SessionFigures {
  readonly open: number
  readonly accepted: number
  readonly logins: number
  readonly loginFailures: number
  readonly inFlight: number
  readonly outboxBytes: number
  readonly outboxLargestBytes: number
  readonly subscriptions: number
  /** By the reason. */
  readonly closed: Readonly<Record<string, number>>
}

export interface Hint {
  readonly level: 'note' | 'warning'
  readonly text: string
}

/** How the server is now. */
export interface FiguresMessage {
  readonly sample: Sample
  readonly isReady: boolean
  readonly stage: string
  readonly degraded: readonly { readonly part: string; readonly what: string; readonly why: string }[]
  readonly version: string
  readonly startedMs: number
  readonly cores: number | null
  readonly mainLoad: number | null
  readonly shards: readonly ShardFigures[]
  readonly stores: readonly StoreFigures[]
  readonly stages: readonly StageFigures[]
  readonly sessions: SessionFigures
  readonly accountsByState: Readonly<Record<string, number>>
  readonly refusals: Readonly<Record<string, number>>
  readonly hints: readonly Hint[]
  readonly residentBytes: number
  readonly diskFreeBytes: number
}

/** Why there are no figures. */
export interface FiguresMissing {
  readonly why: string
}

/** A row of the blotter. */
export interface OrderRow {
  readonly id: number
  readonly account: number
  readonly accountName: string
  readonly ticker: string
  readonly side: 'buy' | 'sell' | 'sell short'
  readonly type: string
  readonly quantity: number
  readonly price: number
  readonly done: number
  readonly open: number
  readonly average: number
  readonly status: string
  readonly isTerminal: boolean
  readonly timeInForce: string
  readonly destination: string
  readonly clOrdId: string
  readonly acceptedUs: number
  readonly changedUs: number
  readonly text: string
}

export interface OrdersMessage {
  /** The page forgets what it has. */
  readonly isFresh: boolean
  readonly rows: readonly OrderRow[]
  /** `live`: each event is followed. `sampled`: there is more than that, and only a part is shown. */
  readonly mode: 'loading' | 'live' | 'sampled'
  /** Accounts that are followed, and how many there are that are not. */
  readonly accounts: readonly NamedId[]
  readonly accountsLeftOut: number
  /** Why some account is not followed. */
  readonly faults: readonly string[]
}

/** One thing that was looked at before an order was let through. */
export interface Verdict {
  readonly name: string
  readonly verdict: 'passed' | 'refused' | 'not reached' | 'unknown'
  readonly why: string
}

export interface LifeStep {
  readonly sequence: number
  readonly timeUs: number
  /** Since the step before; 0 for the first. */
  readonly afterUs: number
  readonly status: string
  readonly lastQty: number
  readonly lastPx: number
  /** The terms of the replace that the report tells of. */
  readonly replace: { readonly quantity: number; readonly price: number } | undefined
  readonly done: number
  readonly open: number
  readonly fees: number
  readonly market: string
  readonly reason: string
  readonly text: string
  readonly operator: number
}

export interface LifeMessage {
  readonly order: OrderRow
  readonly currency: string
  readonly orderSequence: number
  readonly reportSequence: number
  readonly submittedBy: number
  readonly isShort: boolean
  readonly holdPrice: number
  readonly expiryUs: number
  readonly tags: readonly (readonly [key: number, value: string])[]
  readonly verdicts: readonly Verdict[]
  readonly steps: readonly LifeStep[]
  /** How long the server's stages took lately: the record of an order does not tell its own. */
  readonly stages: readonly StageFigures[]
}

export interface AccountRow {
  readonly id: number
  readonly name: string
  readonly currency: string
  readonly buyingPower: number
  readonly used: number
  readonly riskState: string
  readonly openOrders: number
  readonly positions: number
  readonly gross: number
}

export interface AccountsMessage {
  readonly rows: readonly AccountRow[]
  readonly total: number
  readonly offset: number
}

/** Somebody who is logged in at the server. */
export interface ClientSessionRow {
  readonly session: number
  readonly account: string
  readonly role: 'administrator' | 'observer' | 'trader'
  readonly peer: string
  readonly sinceUs: number
  readonly inFlight: number
  readonly outboxBytes: number
  readonly subscriptions: number
  /** Version of TLS; empty where the connection is plain. */
  readonly tls: string
  readonly cancelOn: 'loss' | 'logout' | 'both' | null
  readonly graceMs: number
  /** Orders that are canceled with the others although they are good for longer. */
  readonly alsoCanceled: readonly ('GTC' | 'GTD')[]
}

export interface ClientSessionsMessage {
  readonly rows: readonly ClientSessionRow[]
  /** There are more than are shown. */
  readonly hasMore: boolean
}

export interface PositionRow {
  readonly ticker: string
  readonly currency: string
  readonly quantity: number
  readonly average: number
  readonly cost: number
  readonly pendingBuy: number
  readonly pendingSell: number
  readonly gross: number
  readonly fees: number
}

export interface ChangeRow {
  readonly timeUs: number
  readonly by: string
  readonly what: string
  readonly before: string
  readonly after: string
}

export interface AccountMessage {
  readonly account: AccountRow
  readonly positions: readonly PositionRow[]
  /** What the account may risk; undefined where the administration service does not answer. */
  readonly limits?: { readonly netLoss: number; readonly allowedState: string; readonly transitionSeconds: number }
  readonly changes: readonly ChangeRow[]
}

export interface ViolationRow {
  readonly number: number
  readonly timeUs: number
  readonly account: string
  readonly orderId: number
  readonly ruleId: number
  readonly rule: string
  readonly reason: string
  readonly text: string
}

export interface HaltRow {
  readonly scope: 'account' | 'group' | 'destination' | 'everybody'
  readonly target: number | string | null
  readonly name: string
  readonly by: string
  readonly sinceUs: number
  readonly text: string
}

/** What somebody did at this console. */
export interface AuditRow {
  readonly timeMs: number
  readonly who: string
  readonly what: string
  readonly about: string
  readonly text: string
  readonly outcome: string
}
