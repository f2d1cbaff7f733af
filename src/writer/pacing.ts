// How the writer makes way for those who trade. Copying can wait, judging cannot.
//
// To a store that keeps up, or has fallen behind while it was there, it copies as fast as it can get a processor: where
// orders come in while a batch is copied and the batch had to queue for one, the writer rests for a multiple of it. It
// rests no longer once such a store is too far behind, so the lag stays bounded whatever the load.
//
// A store that was away lacks minutes of orders, and the database that takes them in at full speed wants processors and
// disks that the orders may need: nothing that this thread could see. So as long as orders come in it gets small batches
// in small pieces, each followed by a rest, and takes no more than its share of the time. A piece is what a thread of
// orders may have to wait behind, where the database has taken its processor.
//
// Nobody makes the writer rest while nothing comes in.

import fs from 'node:fs'

/** A batch that queued longer than this part of the time it was running met others who want the processor. */
const QUEUED_SHARE_MAX = 0.25
/** Rest after such a batch, as a multiple of its time on the wall. */
const REST_FACTOR = 6
const REST_MS_MAX = 1000

/** Most entries of a round for a store that was away: for so long a transaction stays open over the rests in it. */
export const CATCH_UP_ENTRIES_MAX = 256
/** And bytes of a statement: half a dozen rows, for which a database needs some tenths of a millisecond. */
export const CATCH_UP_STATEMENT_BYTES = 2 << 10
/** Longest rest between two of them: the transaction is open, and what is left to rest comes behind its end. */
const PIECE_REST_MS_MAX = 1_000
/** A store that was away is like any other once it lacks fewer. */
export const NEARLY_THERE_ENTRIES = 2_048
/** Its longest rest; orders may have ceased to come meanwhile. */
const CATCH_UP_REST_MS_MAX = 10_000
/** Orders count as coming in for so long after the last one. */
const COMING_IN_MS = 1_000

export interface PacingOptions {
  /** A store may fall this far behind for the sake of others. */
  readonly lagMaxMs: number
  /** Percent of the time that a store which was away may take while orders come in; 100 treats it like any other. */
  readonly catchUpShare: number
}

/** How long the calling thread has run and how long it queued for a processor, in ms. */
export interface ProcessorTimes {
  runMs: number
  queuedMs: number
}

/** As Linux counts it for each thread; undefined elsewhere, where nobody can tell. */
export function processorTimes(): ProcessorTimes | undefined {
  let text: string
  try {
    text = fs.readFileSync('/proc/thread-self/schedstat', 'latin1')
  } catch {
    return undefined // no such file outside Linux, or with the statistics switched off
  }
  const [run, queued] = text.split(' ').map(Number)
  return Number.isFinite(run) && Number.isFinite(queued) ? { runMs: run / 1e6, queuedMs: queued / 1e6 } : undefined
}

/** Where a batch begins. */
interface Mark {
  wallMs: number
  times: ProcessorTimes | undefined
  /** What the journals hold durably. */
  durable: number
}

/** How far a store is behind the journals. */
export interface PacedLag {
  readonly records: number
  readonly seconds: number
}

export class Pacing {
  readonly #lagMaxMs: number
  readonly #catchUpShare: number
  readonly #wallMs: () => number
  readonly #times: () => ProcessorTimes | undefined
  #mark: Mark = { wallMs: 0, times: undefined, durable: 0 }
  /** Whether the round is to go piece by piece, each between `pieceBegins` and `pieceEnds`. */
  isPieceByPiece = false
  /** The piece under way, or the last one: when it began and ended. */
  #piece = { beganMs: 0, endedMs: 0 }
  /** Time of the round in which no piece was under way. */
  #betweenMs = 0
  /** When a store that was away was last seen catching up; undefined once it is like any other. */
  #caughtUpMs: number | undefined
  /** When the journals were last seen to grow. */
  #grownMs = Number.NEGATIVE_INFINITY
  #durable = 0

  constructor(
    { lagMaxMs, catchUpShare }: PacingOptions,
    wallMs: () => number = () => performance.now(),
    times = processorTimes,
  ) {
    this.#lagMaxMs = lagMaxMs
    this.#catchUpShare = catchUpShare
    this.#wallMs = wallMs
    this.#times = times
  }

  /**
   * A round of batches begins.
   * @param durable counts the entries of all journals.
   * @param isFollowing false until the store has what there was when it came, or came back.
   * @returns most entries of the round.
   */
  begin(durable: number, isFollowing: boolean): number {
    const wallMs = this.#wallMs()
    this.#noteGrowth(durable, wallMs)
    this.#mark = { wallMs, times: this.#times(), durable }
    if (!isFollowing) this.#caughtUpMs = wallMs
    this.#piece = { beganMs: wallMs, endedMs: wallMs }
    this.#betweenMs = 0
    this.isPieceByPiece = this.#makesRoom(wallMs)
    return this.isPieceByPiece ? CATCH_UP_ENTRIES_MAX : Number.POSITIVE_INFINITY
  }

  /** How long to rest before the next piece of the round, in ms. */
  get pieceRestMs(): number {
    return Math.min(PIECE_REST_MS_MAX, this.#restAfterMs(this.#piece.endedMs - this.#piece.beganMs))
  }

  pieceBegins(): void {
    const wallMs = this.#wallMs()
    this.#betweenMs += wallMs - this.#piece.endedMs
    this.#piece.beganMs = wallMs
  }

  pieceEnds(): void {
    this.#piece.endedMs = this.#wallMs()
  }

  /**
   * The round is done.
   * @returns how long to rest, in ms; 0 where nobody is kept waiting or a store that was there is too far behind.
   */
  restMs(durable: number, isFollowing: boolean, lag: PacedLag): number {
    const wallMs = this.#wallMs()
    this.#noteGrowth(durable, wallMs)
    // What came in while it caught up is caught up with at the same pace, but for so long only as any store may lag.
    const isOver = lag.records < NEARLY_THERE_ENTRIES || wallMs - (this.#caughtUpMs ?? 0) > this.#lagMaxMs
    if (isFollowing && isOver) this.#caughtUpMs = undefined
    const isTooFarBehind = 1000 * lag.seconds > this.#lagMaxMs
    const tookMs = wallMs - this.#mark.wallMs - this.#betweenMs
    const shareRestMs = this.#makesRoom(wallMs) ? this.#restAfterMs(tookMs) - this.#betweenMs : 0
    const queueRestMs = !isTooFarBehind && this.#hasQueued(durable) ? REST_FACTOR * tookMs : 0
    return Math.max(Math.min(CATCH_UP_REST_MS_MAX, shareRestMs), Math.min(REST_MS_MAX, queueRestMs))
  }

  /** The part of the time that is not the store's, for so much that was. */
  #restAfterMs(busyMs: number): number {
    return (busyMs * (100 - this.#catchUpShare)) / this.#catchUpShare
  }

  #noteGrowth(durable: number, wallMs: number): void {
    if (durable > this.#durable) this.#grownMs = wallMs
    this.#durable = durable
  }

  /** Whether the store has to keep to its share at present. */
  #makesRoom(wallMs: number): boolean {
    return this.#caughtUpMs !== undefined && this.#catchUpShare < 100 && wallMs - this.#grownMs < COMING_IN_MS
  }

  /** Whether the round met others who wanted the processor while orders came in. */
  #hasQueued(durable: number): boolean {
    const { times: before, durable: durableBefore } = this.#mark
    const after = this.#times()
    if (durable === durableBefore || before === undefined || after === undefined) return false
    return after.queuedMs - before.queuedMs > QUEUED_SHARE_MAX * (after.runMs - before.runMs)
  }
}
