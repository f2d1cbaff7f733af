// What a store is to the writer: something that takes the entries of the journals in order, remembers in the very same
// transaction how far it got, and says what of it would survive a power failure.

import type { EventBatch } from './event-batch.ts'

/** How far each journal, by name, has been copied: the sequence of its last entry that the store has. */
export type JournalPositions = ReadonlyMap<string, number>

/** An entry that no table can take, now or later. It was kept whole beside the tables, and the stream goes on. */
export interface SetAside {
  readonly journal: string
  readonly sequence: number
  readonly reason: string
}

/** Lets a batch go into a store in small pieces, so that whoever shares the machine gets a turn between them. */
export interface PieceByPiece {
  /** A piece, where it is a statement, has about so many bytes. */
  readonly statementBytes: number
  /** Does the next piece when it may be done, and settles as it does. One at a time. */
  piece<Result>(work: () => Promise<Result>): Promise<Result>
}

export interface OrderStore {
  /** What the log and the metrics call it. */
  readonly name: string

  /** What the store has; journals it has never seen are missing. */
  positions(): Promise<JournalPositions>

  /**
   * Writes a batch and the position behind it, in one transaction: after a failure of any kind the store has all of the
   * batch or none of it. The batch has to begin where the store ends.
   * @param pieces where the batch is to go piece by piece. A store without a process of its own may do without.
   * @returns the entries that were set aside.
   */
  apply(batch: EventBatch, pieces?: PieceByPiece): Promise<readonly SetAside[]>

  /** Makes what was applied so far safe against power failures; the positions up to which it now is. */
  confirm(): Promise<JournalPositions>

  /** The installation whose orders the store holds; undefined as long as nobody claimed it. */
  owner(): Promise<string | undefined>

  /**
   * Makes the store the installation's, where it still is `from`'s: nobody's, unless somebody takes it over knowingly.
   * Of several that do so at once one succeeds; one that has the store already does.
   * @throws StoreMismatch where it is somebody else's.
   */
  claim(installation: string, from?: string): Promise<void>

  close(): Promise<void>
}

/** How a store is that takes nothing at the moment, in a word for the log. */
export type UnavailableState = 'away' | 'read only' | 'full' | 'busy'

/**
 * The store could not take a batch now, though it may later: the disk is full, the server is away. It is as it was
 * before, or has all of the batch without having been able to say so; applying the batch again tells them apart.
 */
export class StoreUnavailable extends Error {
  override name = 'StoreUnavailable'
  readonly state: UnavailableState

  constructor(message: string, options: ErrorOptions & { readonly state?: UnavailableState } = {}) {
    super(message, options)
    this.state = options.state ?? 'away'
  }
}

/** A store is not what the journals say: it must not be written, and somebody has to look. */
export class StoreMismatch extends Error {
  override name = 'StoreMismatch'
}

/** A store is being made anew for this very installation: nobody else writes it meanwhile. */
export class StoreBeingRebuilt extends StoreMismatch {
  override name = 'StoreBeingRebuilt'
}

/**
 * What is said of a store that is not the installation's. While it is rebuilt its owner tells so, with the installation
 * behind it.
 * @throws StoreMismatch where it is not, StoreBeingRebuilt where it will be again.
 */
export function checkOwner(owner: string | undefined, installation: string): void {
  if (owner === installation) return
  if (owner?.startsWith('rebuild ') && owner.endsWith(` ${installation}`)) {
    throw new StoreBeingRebuilt('it is being rebuilt')
  }
  const told = owner === undefined ? 'belongs to nobody' : `holds the orders of another installation (${owner})`
  throw new StoreMismatch(`it ${told}; this data directory is ${installation}`)
}
