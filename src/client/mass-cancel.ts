// Mass cancels as a client sees them: which orders, what is done with them, and what has come of it.

import { Kind } from '../protocol/kinds.ts'
import { MassCancelMode, MassCancelWho } from '../protocol/mass-cancel.ts'
import { Elements } from './elements.ts'
import type { Refusal, Unknown } from './outcomes.ts'

/** Which live orders. What is left out does not narrow them down. */
export interface MassCancelSelection {
  /** Whose: of an account or the traders of a group, by id; of all accounts the session may trade. Its own where absent. */
  of?: { account: number } | { group: number } | 'everybody'
  /** `*`, a country, a venue or a ticker. */
  scope?: string
  /** Accepted from then on: µs since the epoch, or a date as `2026-01-30`, which is the day of each order's venue. */
  begin?: number | string
  /** Accepted up to then, itself included; likewise. */
  end?: number | string
  orderId?: number
}

export interface MassCancelSettings {
  /** 'cancel' asks the destinations; 'force', for administrators, marks the orders; 'count' changes nothing. */
  mode?: 'cancel' | 'force' | 'count'
  /** The message of the reports; `Canceled in bulk.` where absent. */
  text?: string
  /** How long the server waits for orders to end before it answers; 0 where absent. */
  waitMs?: number
  /** Time until the call ends without an answer; that of a page of a query and `waitMs` where absent. */
  deadlineMs?: number
  /** Told how far it has got. */
  onProgress?: (counts: MassCancelResult) => void
}

export interface MassCancelResult {
  /** Orders that were live and of the selection; `canceled`, `done` and `open` together. */
  matched: number
  canceled: number
  /** Ended in another way meanwhile: filled, expired. */
  done: number
  /** Not ended. */
  open: number
  /** Were being canceled already, and not asked for again. */
  pending: number
  /** How many a rule keeps from being canceled, by the number of its reason. */
  refused: ReadonlyMap<number, number>
}

/** What became of a mass cancel. It may have been carried out in part where that is unknown. */
export type MassCancelOutcome = { outcome: 'done'; result: MassCancelResult } | Refusal | Unknown

const modes = { cancel: MassCancelMode.Cancel, force: MassCancelMode.Force, count: MassCancelMode.Count } as const

/** Elements of the request; `own` is the session's account. */
export function massCancelMessage(
  own: number,
  selection: MassCancelSelection,
  settings: MassCancelSettings,
): unknown[] {
  const { of = { account: own }, scope = '*', begin = 0, end = 0, orderId = 0 } = selection
  const { mode = 'cancel', text = '', waitMs = 0 } = settings
  const [account, who, group] =
    of === 'everybody'
      ? [0, MassCancelWho.Everybody, 0]
      : 'group' in of
        ? [0, MassCancelWho.Group, of.group]
        : [of.account, MassCancelWho.Account, 0]
  return [Kind.MassCancel, 0, account, who, group, scope, begin, end, orderId, modes[mode], text, waitMs]
}

/** Reads the counts of the answer or of a message of progress. @throws OesError MALFORMED_ANSWER */
export function readMassCancelResult(message: Elements): MassCancelResult {
  const refused = message.list(8).map(value => {
    const pair = Elements.of(value)
    return [pair.integer(0), pair.integer(1)] as const
  })
  return {
    matched: message.integer(3),
    canceled: message.integer(4),
    done: message.integer(5),
    open: message.integer(6),
    pending: message.integer(7),
    refused: new Map(refused),
  }
}
