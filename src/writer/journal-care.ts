// Looks after the segments of one journal on the writer's thread: now and then the keeper makes a spare and deletes what
// every store has. What goes wrong with that is told when it begins and when it ends.

import type { Log } from '../base/log.ts'
import type { JournalFailed } from '../journal/journal-errors.ts'
import type { Durability } from '../journal/segment.ts'
import { SegmentKeeper } from '../journal/segment-keeper.ts'
import type { WriterShared } from '../shared-memory/writer-shared.ts'
import type { JournalSource } from './store-session.ts'

/** A journal with what its keeper has to know. */
export interface WriterJournal extends JournalSource {
  /** False for the journal of an earlier shard, which is copied at the start and then left alone. */
  readonly isAppended: boolean
}

export interface JournalCareOptions {
  readonly durability: Durability
  /** Size of the segments made ahead of time. */
  readonly segmentBytes: number
  /** Segments made ahead of time in quiet times. */
  readonly spareSegments: number
}

/** How often the keeper looks whether a spare segment is missing. */
export const CARE_MS = 200
/** Entries appended between two looks, up to which the times count as quiet. */
const QUIET_ENTRIES_MAX = 1000

export class JournalCare {
  readonly #keeper: SegmentKeeper | undefined
  readonly #journal: WriterJournal
  readonly #index: number
  readonly #shared: WriterShared
  readonly #log: Pick<Log, 'info' | 'warning'>
  #round: Promise<void> | undefined
  #tendedAtMs = Number.NEGATIVE_INFINITY
  #durableNext = 0
  #isFailing = false

  constructor(
    journal: WriterJournal,
    index: number,
    options: JournalCareOptions,
    shared: WriterShared,
    log: Pick<Log, 'info' | 'warning'>,
  ) {
    const { durability, segmentBytes, spareSegments: spares } = options
    this.#keeper = journal.isAppended
      ? new SegmentKeeper({ directory: journal.directory, durability, segmentBytes, spares })
      : undefined
    this.#journal = journal
    this.#index = index
    this.#shared = shared
    this.#log = log
  }

  /** Begins a round where one is due and the shard has begun; does not wait for it. */
  tend(nowMs: number): void {
    if (this.#keeper === undefined || this.#round !== undefined || nowMs - this.#tendedAtMs < CARE_MS) return
    const durableNext = this.#shared.durableNext(this.#index)
    if (durableNext === 0) return
    const isQuiet = durableNext - this.#durableNext <= QUIET_ENTRIES_MAX
    this.#durableNext = durableNext
    this.#tendedAtMs = nowMs
    this.#keeper.confirm(this.#shared.confirmed(this.#index))
    this.#round = this.#tend(this.#keeper, isQuiet).finally(() => {
      this.#round = undefined
    })
  }

  /** Before the shard begins, deletes what every store has: where the disk was full, the shard may need that room at once. */
  async makeRoom(): Promise<void> {
    this.#keeper?.confirm(this.#shared.confirmed(this.#index))
    const report = await this.#keeper?.makeRoom()
    this.#tell(report?.failure)
  }

  /** A last round, for what was confirmed at the end. */
  async finish(): Promise<void> {
    await this.#round
    this.#tendedAtMs = Number.NEGATIVE_INFINITY
    this.tend(performance.now())
    await this.#round
  }

  async #tend(keeper: SegmentKeeper, isQuiet: boolean): Promise<void> {
    const { failure } = await keeper.tend(isQuiet)
    this.#tell(failure)
  }

  #tell(failure: JournalFailed | undefined): void {
    const isFailing = failure !== undefined
    if (isFailing === this.#isFailing) return
    this.#isFailing = isFailing
    const journal = this.#journal.name
    if (isFailing) this.#log.warning('segments cannot be looked after', { journal, error: failure })
    else this.#log.info('segments are looked after again', { journal })
  }
}
