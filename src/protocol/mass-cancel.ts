// A mass cancel: which orders, what is done with them, and how many it has met. The counts travel as a list, from a shard
// to main and, added up over the shards, to the client; in both the elements have the order of `MassCancelCounts`.

/** Whose orders. */
export const MassCancelWho = { Account: 0, Group: 1, Everybody: 2 } as const
export type MassCancelWho = (typeof MassCancelWho)[keyof typeof MassCancelWho]

/** What is done with an order. */
export const MassCancelMode = {
  /** Its destination is asked to cancel it. */
  Cancel: 0,
  /** It is marked as canceled, and nobody is asked; for administrators. */
  Force: 1,
  /** It is counted. */
  Count: 2,
} as const
export type MassCancelMode = (typeof MassCancelMode)[keyof typeof MassCancelMode]

/** Longest message, in bytes. */
export const MASS_CANCEL_TEXT_BYTES_MAX = 256
/** Longest scope, in bytes: a ticker, or the name of a country. */
export const SCOPE_BYTES_MAX = 64
/** How long an answer may wait for orders to end, ms. */
export const MASS_CANCEL_WAIT_MS_MAX = 600_000

/** How far a mass cancel has got. `matched` is `canceled`, `done` and `open` together. */
export interface MassCancelCounts {
  /** Live orders of the selection. */
  matched: number
  /** Those that have been canceled. */
  canceled: number
  /** Those that have ended in another way: filled, expired. */
  done: number
  /** Those that have not ended. */
  open: number
  /** Those that were being canceled already, and were not asked for again. */
  pending: number
  /** Those that a rule keeps from being canceled, by its reason. */
  refused: Map<number, number>
}

export function noCounts(): MassCancelCounts {
  return { matched: 0, canceled: 0, done: 0, open: 0, pending: 0, refused: new Map() }
}

export function addCounts(to: MassCancelCounts, more: MassCancelCounts): void {
  to.matched += more.matched
  to.canceled += more.canceled
  to.done += more.done
  to.open += more.open
  to.pending += more.pending
  for (const [reason, count] of more.refused) to.refused.set(reason, (to.refused.get(reason) ?? 0) + count)
}

/** Counts as they travel. */
export type CountElements = [
  matched: number,
  canceled: number,
  done: number,
  open: number,
  pending: number,
  refused: [reason: number, count: number][],
]

export function countElements({ matched, canceled, done, open, pending, refused }: MassCancelCounts): CountElements {
  return [matched, canceled, done, open, pending, [...refused].sort(([a], [b]) => a - b)]
}

export function countsOfElements([matched, canceled, done, open, pending, refused]: CountElements): MassCancelCounts {
  return { matched, canceled, done, open, pending, refused: new Map(refused) }
}

/** What a shard is asked to do; all that needs the world's knowledge has been found out by main. */
export interface ShardMassCancel {
  /** Comes back with the counts. */
  readonly token: number
  /** Account of whoever asks. */
  readonly operator: number
  readonly mode: MassCancelMode
  readonly text: string
  /** How long orders may take to end once all are asked, ms. */
  readonly waitMs: number
  /** Rows of the accounts; null for all. */
  readonly rows: readonly number[] | null
  /** Only this order; 0 for all. */
  readonly orderId: number
  /** Only this ticker; '' for all. */
  readonly ticker: string
  /** Venues by MIC, each with the first and the last moment (µs) at which an order there was accepted. */
  readonly venues: readonly (readonly [mic: string, beginUs: number, endUs: number])[]
  /** The same for all other venues; null where no other counts. */
  readonly others: readonly [beginUs: number, endUs: number] | null
}
