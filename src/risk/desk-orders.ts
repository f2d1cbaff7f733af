// Cancels and flattening orders on their way to the order execution server. Each is tried until it has an answer or is
// not wanted any more; no more than so many are unanswered at once, however many an account has to get rid of.

import { setTimeout as pause } from 'node:timers/promises'
import type { Log } from '../base/log.ts'
import { marketOrder, type OesClient, OesError, Reason, type UnknownOrder } from '../client/index.ts'
import { isPassing } from '../client/outcomes.ts'
import { formatDecimal } from '../domain/decimal.ts'
import type { FlatteningOrder } from './risk-transition-model.ts'
import { Turns } from './turns.ts'

const UNANSWERED_MAX = 128
const DEADLINE_MS = 5_000
const PAUSE_FIRST_MS = 20
const PAUSE_MAX_MS = 5_000

/** Refusals of a cancel that leave nothing to cancel. */
const SETTLED: ReadonlySet<number> = new Set([Reason.OrderTerminal, Reason.UnknownOrder, Reason.AlreadyCanceling])

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

  /** Submits an order that takes a position to zero. @param isWanted asked before each attempt. */
  async flatten(desk: Desk, order: FlatteningOrder, isWanted: () => boolean): Promise<void> {
    const { client, account } = desk
    const { ticker, side, destination } = order
    const quantity = formatDecimal(order.quantity)
    const told = { account, ticker, quantity }
    let unknown: UnknownOrder | undefined
    await this.#repeat(isWanted, async () => {
      try {
        const outcome =
          unknown === undefined
            ? await client.submit(marketOrder(side, ticker, quantity, { account, destination }), {
                deadlineMs: DEADLINE_MS,
              })
            : await client.settle(unknown, { deadlineMs: DEADLINE_MS })
        if (outcome.outcome === 'accepted') return true
        unknown = outcome.outcome === 'unknown' ? outcome : undefined
        if (outcome.outcome === 'unknown' || outcome.reason >= Reason.Busy) return false
        this.#log.error('a position could not be flattened', { ...told, refusal: outcome.text })
        return true
      } catch (error) {
        if (error instanceof OesError && isPassing(error)) return false
        this.#log.error('a position could not be flattened', { ...told, error })
        return true
      }
    })
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

  /** Tries until it is done or not wanted any more, with growing pauses. */
  async #repeat(isWanted: () => boolean, attempt: () => Promise<boolean>): Promise<void> {
    for (let pauseMs = PAUSE_FIRST_MS; ; pauseMs = Math.min(PAUSE_MAX_MS, 2 * pauseMs)) {
      const isDone = await this.#turns.run(async () => !isWanted() || (await attempt()))
      if (isDone) return
      await pause(pauseMs, undefined, { ref: false })
    }
  }
}
