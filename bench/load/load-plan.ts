// What the process that makes the load is told, and what it answers. All of it is plain data that crosses a process
// boundary. The load process connects once and then runs one phase after the other over the same connections.

import type { Percentiles } from '../latencies.ts'

/** A ticker whose quote does not move, with prices as they stand on the wire. */
export interface QuotedTicker {
  readonly ticker: string
  readonly bid: number
  readonly ask: number
}

/** One connection: a manager, who submits for the traders of a desk. */
export interface ConnectionPlan {
  readonly username: string
  readonly password: string
  /** Group whose accounts are traded, and followed before the first order. */
  readonly desk: string
}

export interface LoadPlan {
  readonly host: string
  readonly port: number
  readonly connections: readonly ConnectionPlan[]
  readonly tickers: readonly QuotedTicker[]
}

export const OrderPattern = {
  /** Limit orders that cross the quote, buy and sell by turns: accepted, new, filled. */
  Marketable: 'marketable',
  /** Bids below the quote, on many price levels: accepted, new, and then they stay. */
  Resting: 'resting',
} as const
export type OrderPattern = (typeof OrderPattern)[keyof typeof OrderPattern]

export interface Phase {
  readonly pattern: OrderPattern
  /** Only so many accounts of each desk, and so many tickers, take part; all of them where absent. */
  readonly accountsPerConnection?: number
  readonly tickers?: number
  /** Connections that take part; all where absent. */
  readonly connections?: number
  /** Closed loop: so many orders wait for their last report on each connection, all the time. */
  readonly inFlight?: number
  /** Open loop: so many orders per second fall due over all connections, answered or not. */
  readonly rate?: number
  /** Time before the measurement, and of it. */
  readonly warmUpMs: number
  readonly measureMs: number
  /** Trading is halted at some time of it: rejections and cancels are answers as well. */
  readonly isHalted?: boolean
  /** Instead of a time to measure: so many orders, over all connections. */
  readonly orders?: number
}

export interface PhaseResult {
  /** Orders whose last report came while it was measured, and how long that was. */
  readonly orders: number
  readonly elapsedMs: number
  readonly ordersPerSecond: number
  /** Orders of the whole phase, before and after the measurement included. */
  readonly ordersTotal: number
  /** From the time an order was due to its acceptance, and to its last report. */
  readonly accepted: Percentiles
  readonly done: Percentiles
  /** From the time an order was due to when it was written to its socket: what the load itself is late. */
  readonly lateness: Percentiles
  /** What the halt did, in a phase with one. */
  readonly halted: HaltedResult
  /** Processor time of the load process during the measurement, as a share of one core. */
  readonly loadCores: number
}

/** Instants are milliseconds since the epoch. */
export interface HaltedResult {
  /** When the last report came that an order is new, and the last that one is canceled. */
  readonly lastNewMs: number
  readonly lastCanceledMs: number
  readonly rejected: number
  readonly canceled: number
}

/** What holds at the end, compared with the load's own books. */
export interface CheckResult {
  readonly accounts: number
  readonly reports: number
  readonly positions: number
}

export type LoadRequest =
  | { readonly what: 'connect'; readonly plan: LoadPlan }
  | { readonly what: 'reconnect'; readonly port: number }
  | { readonly what: 'run'; readonly phase: Phase }
  | { readonly what: 'check' }
  | { readonly what: 'close' }

export type LoadAnswer =
  | { readonly what: 'connected'; readonly accounts: number; readonly durability: string }
  | { readonly what: 'ran'; readonly result: PhaseResult }
  | { readonly what: 'checked'; readonly result: CheckResult }
  | { readonly what: 'failed'; readonly reason: string }
