// Cancels and flattening orders on their way to the order execution server. Each is tried until it has an answer or is
// not wanted any more; no more than so many are unanswered at once, however many an account has to get rid of.

import { setTimeout as pause } from 'node:timers/promises'
import type { Log } from '../base/log.ts'
import { marketOrder, type OesClient, OesError, Reason, type Side, type UnknownOrder } from '../client/index.ts'
import { Turns } from './turns.ts'

const UNANSWERED_MAX = 128
const DEADLINE_MS = 5_000
const PAUSE_FIRST_MS = 20
const PAUSE_MAX_MS = 5_000

/** Refusals of a cancel that leave nothing to cancel. */
const SETTLED: ReadonlySet<number> = new Set([Reason.OrderTerminal, Reason.UnknownOrder, Reason.AlreadyCanceling])

/** A market order, good for the day. */
export interface DeskOrder {
  readonly ticker: string
  readonly side: Side
  readonly quantity: string
  /** Empty where the venue has no preferred destination. */
  readonly destination: string
  readonly clOrdId: string
}

/** One account's way to its orders. */
export interface Desk {
  readonly client: OesClient
  readonly account: number
}

export class DeskOrders {
  readonly #log: Log
  readonly #turns = new Turns(UNANSWERED_MAX)

  constructor(log: Log) {
    this.#log = log
  }

  /**
   * Has orders canceled, in rounds: what a round could not settle is in the next.
   * @param isWanted asked before each attempt.
   */
  async cancel(desk: Desk, orderIds: readonly number[], isWanted: (orderId: number) => boolean): Promise<void> {
    let left = orderIds
    for (let pauseMs = PAUSE_FIRST_MS; ; pauseMs = Math.min(PAUSE_MAX_MS, 2 * pauseMs)) {
      const failed = await this.#cancelRound(desk, left, isWanted)
      const [first] = failed
      if (first === undefined) return
      const [orderId, refusal] = first
      const { account } = desk
      this.#log.warning('orders could not be canceled yet', { account, orders: failed.size, orderId, refusal })
      left = [...failed.keys()]
      await pause(pauseMs, undefined, { ref: false })
    }
  }

  /** Asks for each cancel once. @returns why, for each that has to be asked for again. */
  async #cancelRound(
    desk: Desk,
    orderIds: readonly number[],
    isWanted: (orderId: number) => boolean,
  ): Promise<Map<number, string>> {
    const failed = new Map<number, string>()
    const ids = orderIds.values()
    const work = async () => {
      for (const orderId of ids) {
        const refusal = await this.#turns.run(async () =>
          isWanted(orderId) ? await this.#cancelOnce(desk, orderId) : '',
        )
        if (refusal !== '') failed.set(orderId, refusal)
      }
    }
    await Promise.all(Array.from({ length: Math.min(orderIds.length, UNANSWERED_MAX) }, work))
    return failed
  }

  /** Has a question answered, when its turn comes. */
  ask<Answer>(question: () => Promise<Answer>): Promise<Answer> {
    return this.#turns.run(question)
  }

  /**
   * Submits an order that takes a position to zero, and finds out what became of it where the answer is lost.
   * @param isWanted asked before each attempt.
   * @returns empty where it was accepted or is not wanted any more, else why it was refused.
   */
  async flatten(desk: Desk, order: DeskOrder, isWanted: () => boolean): Promise<string> {
    const { client, account } = desk
    const { ticker, side, quantity, destination, clOrdId } = order
    const settings = { deadlineMs: DEADLINE_MS }
    let unknown: UnknownOrder | undefined
    for (let pauseMs = PAUSE_FIRST_MS; ; pauseMs = Math.min(PAUSE_MAX_MS, 2 * pauseMs)) {
      const refusal = await this.#turns.run(async () => {
        if (!isWanted()) return ''
        try {
          const outcome =
            unknown === undefined
              ? await client.submit(marketOrder(side, ticker, quantity, { account, destination, clOrdId }), settings)
              : await client.settle(unknown, settings)
          if (outcome.outcome === 'accepted') return ''
          unknown = outcome.outcome === 'unknown' ? outcome : undefined
          return outcome.outcome === 'unknown' ? undefined : outcome.text
        } catch (error) {
          if (!(error instanceof OesError)) throw error
          // Nothing was sent, or its first sending is as unknown as before.
          return unknown === undefined ? error.message : undefined
        }
      })
      if (refusal !== undefined) return refusal
      this.#log.warning('nobody knows yet whether a flattening order arrived', { account, ticker, quantity, pauseMs })
      await pause(pauseMs, undefined, { ref: false })
    }
  }

  /** Empty where nothing is left to do, else why it has to be tried again. */
  async #cancelOnce({ client, account }: Desk, orderId: number): Promise<string> {
    try {
      const outcome = await client.cancel(orderId, { account, deadlineMs: DEADLINE_MS })
      if (outcome.outcome === 'done') return ''
      if (outcome.outcome === 'unknown') return outcome.cause.message
      return SETTLED.has(outcome.reason) ? '' : outcome.text
    } catch (error) {
      if (!(error instanceof OesError)) throw error
      return error.message
    }
  }
}
