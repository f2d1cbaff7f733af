// Recalls: the cancels that follow from a lost session, a logout, or a dead-man's switch. That one has begun is written down
// together with what made it begin, before any shard hears of it, and forgotten when all shards have been through their
// orders and the cancels are durable. So one that a crash interrupts is carried out by the next start, to its end, and
// takes no order that came after it.

import type { Log } from '../base/log.ts'
import { Reason, reasonName } from '../domain/reasons.ts'
import { RecallScope, recallBody } from '../protocol/recall.ts'
import { Command } from '../shared-memory/records.ts'
import type { Directory } from './directory.ts'
import type { KeptRecall, SafetyStore } from './safety-store.ts'
import type { SessionMarks } from './session-marks.ts'
import type { ShardLink } from './shard-link.ts'

export interface RecallsParts {
  readonly store: SafetyStore
  readonly marks: SessionMarks
  readonly directory: Pick<Directory, 'rowOf'>
  readonly shards: readonly ShardLink[]
  /** Now, µs since the epoch, UTC. */
  readonly nowUs: () => number
  readonly log: Pick<Log, 'info' | 'warning' | 'error'>
}

const TOKENS = 2 ** 32

export class Recalls {
  /** The latest order that shards were given; raised by whoever gives them orders. */
  lastOrderId = 0
  readonly #parts: RecallsParts
  readonly #underWay = new Map<number, { shardsLeft: number; canceled: number; settle: (canceled: number) => void }>()
  #nextToken = 1

  constructor(parts: RecallsParts) {
    this.#parts = parts
  }

  /**
   * Cancels the orders there are, once it is written down that it has to be; where that fails, without.
   * @param because what is written down with it: why it may not happen a second time.
   * @param ended what is written down when it has ended, with the number of orders canceled.
   * @returns how many orders were canceled, once all shards have told.
   */
  begin(
    recall: Omit<KeptRecall, 'lastOrderId'>,
    because: () => void,
    ended: (canceled: number) => void = () => undefined,
  ): Promise<number> {
    const { store, log } = this.#parts
    const kept = { ...recall, lastOrderId: this.lastOrderId }
    let id: number | undefined
    try {
      id = store.together(() => {
        because()
        return store.beginRecall(kept)
      })
    } catch (error) {
      log.error('a recall could not be written down; a crash before its end would leave orders', { error })
    }
    return this.#carryOut(kept, id, ended)
  }

  /** After recovery: what a crash has interrupted goes to its end. */
  async resume(): Promise<void> {
    const unfinished = this.#parts.store.recalls()
    if (unfinished.length === 0) return
    const counts = await Promise.all(unfinished.map(({ id, ...recall }) => this.#carryOut(recall, id, () => undefined)))
    const canceled = counts.reduce((sum, count) => sum + count, 0)
    this.#parts.log.info('recalls that were interrupted are finished', { recalls: counts.length, canceled })
  }

  /** By the pump: a shard has been through its orders. */
  recalled(token: number, canceled: number): void {
    const recall = this.#underWay.get(token)
    if (recall === undefined) return
    recall.canceled += canceled
    recall.shardsLeft -= 1
    if (recall.shardsLeft > 0) return
    this.#underWay.delete(token)
    recall.settle(recall.canceled)
  }

  async #carryOut(kept: KeptRecall, id: number | undefined, ended: (canceled: number) => void): Promise<number> {
    const { directory, log, marks, store } = this.#parts
    const { scope, account, key, alsoCancel, lastOrderId, reason } = kept
    const target = scope === RecallScope.Session ? marks.of(account, key).number : directory.rowOf(account)
    // An account that is gone has no orders: recovery would not have let it pass.
    const canceled = target < 0 ? 0 : await this.#send({ scope, target, alsoCancel, lastOrderId, reason })
    const facts = { reason: reasonName(reason), account, session: key, canceled }
    if (reason === Reason.CanceledOnLogout) log.info('orders are recalled', facts)
    else log.warning('orders are recalled', facts)
    try {
      store.together(() => {
        if (id !== undefined) store.endRecall(id)
        ended(canceled)
      })
    } catch (error) {
      // The next start goes through the orders once more; it finds none.
      log.error('the end of a recall could not be written down', { error })
    }
    return canceled
  }

  #send(recall: Parameters<typeof recallBody>[0]): Promise<number> {
    const { shards, nowUs } = this.#parts
    const token = this.#nextToken
    this.#nextToken = (token + 1) % TOKENS
    const { promise, resolve } = Promise.withResolvers<number>()
    this.#underWay.set(token, { shardsLeft: shards.length, canceled: 0, settle: resolve })
    const body = recallBody(recall)
    for (const shard of shards) {
      shard.urge(Command.Recall, 0, nowUs(), token, body)
      shard.flush()
    }
    return promise
  }
}
