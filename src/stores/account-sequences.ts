// Where the sequences of the accounts stand, while a batch is written: what the store's rows say, and what the batch at
// hand adds. An account's sequences only rise; an event whose sequence was there is refused, as a key that is there
// would be. Every store holds to this, so that all of them take and refuse the same.

import { Kind } from '../protocol/kinds.ts'
import { accountAt, EventOffset, MalformedEvent, reportSequenceAt } from '../protocol/order-events.ts'
import type { EventColumns } from './event-columns.ts'

/** The sequences of one account as its row has them, with what the batch at hand adds. */
export interface AccountSequences {
  readonly account: number
  orderSequence: number
  reportSequence: number
  orderTimestamp: number
  orderTimestampSlack: number
  reportTimestamp: number
  reportTimestampSlack: number
  isChanged: boolean
}

export function noSequences(account: number): AccountSequences {
  return {
    account,
    orderSequence: 0,
    reportSequence: 0,
    orderTimestamp: 0,
    orderTimestampSlack: 0,
    reportTimestamp: 0,
    reportTimestampSlack: 0,
    isChanged: false,
  }
}

export class SequenceBook {
  /** Accounts the batch at hand has changed: their rows are to be written with it. */
  readonly changed: AccountSequences[] = []
  readonly #find: (account: number) => AccountSequences
  readonly #accounts = new Map<number, AccountSequences>()
  #last: AccountSequences | undefined

  /** @param find reads an account's row; asked once for each account, and again after its batch was abandoned. */
  constructor(find: (account: number) => AccountSequences) {
    this.#find = find
  }

  knows(account: number): boolean {
    return this.#accounts.has(account)
  }

  /** Refuses an event whose sequences are not new. @throws MalformedEvent */
  check(event: EventColumns): void {
    const { account, kind, orderSequence, reportSequence } = event
    if (kind === Kind.InventorySnapshot) return
    const last = this.#of(account)
    if (reportSequence <= last.reportSequence) {
      throw new MalformedEvent(`account ${account} has report ${last.reportSequence} already, now ${reportSequence}`)
    }
    if (kind === Kind.OrderAccepted && orderSequence <= last.orderSequence) {
      throw new MalformedEvent(`account ${account} has order ${last.orderSequence} already, now ${orderSequence}`)
    }
  }

  /** Takes over the sequences and times of an event whose rows are written. */
  note(event: EventColumns): void {
    const { account, kind, timestamp } = event
    if (kind === Kind.InventorySnapshot) return
    const sequences = this.#of(account)
    if (kind === Kind.OrderAccepted) {
      sequences.orderSequence = event.orderSequence
      if (timestamp >= sequences.orderTimestamp) sequences.orderTimestamp = timestamp
      else {
        const behind = sequences.orderTimestamp - timestamp
        if (behind > sequences.orderTimestampSlack) sequences.orderTimestampSlack = behind
      }
    }
    sequences.reportSequence = event.reportSequence
    if (timestamp >= sequences.reportTimestamp) sequences.reportTimestamp = timestamp
    else {
      const behind = sequences.reportTimestamp - timestamp
      if (behind > sequences.reportTimestampSlack) sequences.reportTimestampSlack = behind
    }
  }

  /**
   * The sequences of an entry set aside are used up all the same: a restart must not give them to another event.
   * @param event what was read of it, unless `error` says that it could not be read.
   */
  noteSetAside(body: Buffer, event: EventColumns, error: unknown): void {
    if (body.length < EventOffset.reportSequence + 8 || body[EventOffset.kind] === Kind.InventorySnapshot) return
    const sequences = this.#of(accountAt(body, 0))
    const reportSequence = reportSequenceAt(body, 0)
    if (reportSequence === sequences.reportSequence + 1) sequences.reportSequence = reportSequence
    if (error instanceof MalformedEvent || event.kind !== Kind.OrderAccepted) return
    if (event.orderSequence > sequences.orderSequence) sequences.orderSequence = event.orderSequence
  }

  /** The batch is in the store. */
  accept(): void {
    for (const sequences of this.changed) sequences.isChanged = false
    this.changed.length = 0
  }

  /** The batch is not in the store: what it changed is forgotten. */
  abandon(): void {
    this.#last = undefined
    for (const { account } of this.changed) this.#accounts.delete(account)
    this.changed.length = 0
  }

  /** Forgets everything: somebody else may have written. */
  clear(): void {
    this.abandon()
    this.#accounts.clear()
  }

  #of(account: number): AccountSequences {
    let sequences = this.#last
    if (sequences?.account !== account) {
      sequences = this.#accounts.get(account)
      if (sequences === undefined) {
        sequences = this.#find(account)
        this.#accounts.set(account, sequences)
      }
      this.#last = sequences
    }
    if (!sequences.isChanged) {
      sequences.isChanged = true
      this.changed.push(sequences)
    }
    return sequences
  }
}
