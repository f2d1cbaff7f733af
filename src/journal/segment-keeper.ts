// Looks after the segments of one journal beside its writer, on a thread that may wait for the disk: keeps spare segments
// ready, so that the writer rolls without filling one with zeros itself, and deletes segments that every store has
// confirmed. Filling a segment takes the disk as long as the commits that fill it, so most spares are made in quiet times
// and a burst finds them; while commits are many, only a missing last one is made. Segments are deleted, not used again:
// a reader that still holds one reads what was written there.

import fs from 'node:fs'
import path from 'node:path'
import { assert } from '../base/assert.ts'
import { JournalFailed } from './journal-errors.ts'
import { Durability, listSegments, listSpares, SPARE_UNDER_CONSTRUCTION_NAME, spareFile, ZEROS } from './segment.ts'

/** A spare is synced piece by piece, so that a commit waits behind one piece at most and not behind a whole segment. */
const PIECE_BYTES = 1 << 18
assert(PIECE_BYTES <= ZEROS.length)

export interface SegmentKeeperOptions {
  /** The journal's directory, in which its writer has begun. */
  readonly directory: string
  readonly durability: Durability
  /** Size of a spare segment. */
  readonly segmentBytes: number
  /** Spares kept in quiet times; at least 1. */
  readonly spares: number
}

/** What one round did. */
export interface TendReport {
  readonly spareMade: boolean
  /** Files of the deleted segments, oldest first. */
  readonly deleted: readonly string[]
  /** Why the round ended early; the next one tries again, and until then the writer makes its own segments. */
  readonly failure: JournalFailed | undefined
}

export class SegmentKeeper {
  readonly #options: SegmentKeeperOptions
  #confirmedSequence = 0
  #round: Promise<TendReport> | undefined

  constructor(options: SegmentKeeperOptions) {
    this.#options = options
  }

  /** Every store has every entry up to and including `sequence`; the next round deletes what lies wholly before. */
  confirm(sequence: number): void {
    if (sequence > this.#confirmedSequence) this.#confirmedSequence = sequence
  }

  /**
   * One round: deletes confirmed segments, then makes a spare where one is missing: in quiet times one of those kept,
   * otherwise the only one. Call it after each confirmation, and at least as often as the writer fills a segment; a call
   * during a round gives the report of that round. Trouble with the disk is in the report.
   */
  tend(isQuiet: boolean): Promise<TendReport> {
    return this.#begin(isQuiet ? this.#options.spares : 1)
  }

  /** A round that deletes confirmed segments and makes nothing; the journal's writer need not have begun. */
  makeRoom(): Promise<TendReport> {
    return this.#begin(0)
  }

  #begin(spares: number): Promise<TendReport> {
    this.#round ??= this.#tend(spares).finally(() => {
      this.#round = undefined
    })
    return this.#round
  }

  async #tend(spares: number): Promise<TendReport> {
    const deleted: string[] = []
    let doing = 'deleting in'
    let file = this.#options.directory
    try {
      for (file of this.#confirmedSegments()) {
        await fs.promises.rm(file, { force: true })
        deleted.push(file)
      }
      doing = 'creating'
      const numbers = listSpares(this.#options.directory)
      const isMissing = numbers.length < spares
      file = spareFile(this.#options.directory, Math.max(-1, ...numbers) + 1)
      if (isMissing) await this.#makeSpare(file)
      return { spareMade: isMissing, deleted, failure: undefined }
    } catch (error) {
      return { spareMade: false, deleted, failure: new JournalFailed(file, doing, error) }
    }
  }

  /** Segments that end before the confirmed sequence; never the last, in which the writer goes on. */
  #confirmedSegments(): string[] {
    const segments = listSegments(this.#options.directory)
    const end = segments.findLastIndex(segment => segment.firstSequence <= this.#confirmedSequence + 1)
    return segments.slice(0, Math.max(end, 0)).map(segment => segment.file)
  }

  async #makeSpare(spare: string): Promise<void> {
    const { directory, durability, segmentBytes } = this.#options
    const made = path.join(directory, SPARE_UNDER_CONSTRUCTION_NAME)
    try {
      const handle = await fs.promises.open(made, 'w')
      try {
        for (let offset = 0; offset < segmentBytes; ) {
          const length = Math.min(PIECE_BYTES, segmentBytes - offset)
          offset += (await handle.write(ZEROS, 0, length, offset)).bytesWritten
          if (durability !== Durability.None) await handle.datasync()
        }
        if (durability !== Durability.None) await handle.sync()
      } finally {
        await handle.close()
      }
      // Only a whole segment gets the name that the writer looks for.
      await fs.promises.rename(made, spare)
    } catch (error) {
      await fs.promises.rm(made, { force: true })
      throw error
    }
  }
}
