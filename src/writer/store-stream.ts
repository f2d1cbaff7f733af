// The life of one store beside the others: it is opened, brought to the end of the journals, kept there, and, whenever it
// fails, tried again with growing pauses, by itself and for as long as the server runs. Nobody waits for it: not the
// shards, not the other stores. What happens to it is told once for each change, and is in the metrics.
//
//   opening ─→ catching up ─→ following
//      │            │             │       the store fails         ─→ away, read only, full, busy: the same batch again
//      └────────────┴─────────────┤       the journals begin later ─→ needs rebuild ┐ not written; looked at again
//                                 └────── it is not what it was    ─→ refused       ┘ from time to time
//
// Several servers of one cluster hold the same tables: what is written to one shows up in the others, and their streams
// meet. The position in the tables lets only one of two writers in. Who finds that the position has moved on without it
// only watches from then on, and writes again where it stands still.

import { setImmediate as eventLoopTurn, setTimeout as timer } from 'node:timers/promises'
import { JournalTrimmed } from '../journal/journal-errors.ts'
import type { JournalRange } from '../journal/journal-range.ts'
import {
  STORE_STATE_NAMES,
  StoreState,
  type StoreStateName,
  type WriterShared,
} from '../shared-memory/writer-shared.ts'
import type { EventBatch } from '../stores/event-batch.ts'
import {
  checkOwner,
  type OrderStore,
  type PieceByPiece,
  StoreBeingRebuilt,
  StoreMismatch,
  StoreUnavailable,
} from '../stores/order-store.ts'
import { CATCH_UP_STATEMENT_BYTES, type Pacing } from './pacing.ts'
import type { PieceTurns } from './piece-turns.ts'
import type { StoreMeter } from './store-meter.ts'
import { type JournalSource, StoreSession, type StreamLog } from './store-session.ts'

/** Pauses between attempts, in ms: the first, and the longest that doubling leads to. */
export interface RetryPauses {
  readonly firstMs: number
  readonly longestMs: number
}

export interface StoreStreamOptions {
  /** The store's number in the shared memory, and what the log calls it. */
  readonly number: number
  readonly name: string
  /** Opens the store and brings its tables up to date. @throws StoreUnavailable, StoreMismatch */
  readonly open: () => Promise<OrderStore>
  /** The installation whose orders the store has to hold; a store that nobody claimed is claimed for it. */
  readonly installation: string
  readonly journals: readonly JournalSource[]
  /** What the journals held when the writer started. */
  readonly ranges: readonly JournalRange[]
  /** Where accounts moved from one journal to another: see `Beginning`. */
  readonly changes?: readonly (readonly number[])[]
  readonly shared: WriterShared
  readonly batchRowsMax: number
  readonly batchBytesMax: number
  /** How long entries may wait in the journal for a batch of their own. */
  readonly batchAgeMs: number
  /** The store is confirmed after so many bytes of entries, and after so long where there are any. */
  readonly confirmBytes: number
  readonly confirmMs: number
  /** False where nothing is copied once the store has caught up. */
  readonly copiesAlways: boolean
  readonly pauses: RetryPauses
  /** How long until a store that is refused or needs a rebuild is looked at again; 30 s where nothing is said. */
  readonly lookAgainMs?: number
  /** How long a position that others move may stand still until this stream writes; 2 s where nothing is said. */
  readonly standStillMs?: number
  readonly pacing: Pick<Pacing, 'begin' | 'isPieceByPiece' | 'pieceRestMs' | 'pieceBegins' | 'pieceEnds' | 'restMs'>
  readonly pieceTurns: PieceTurns
  readonly meter: StoreMeter
  readonly log: StreamLog
  /** Called after each change of state. */
  readonly onChange: () => void
  /** Called when the store has what the journals held, and when it has caught up again. */
  readonly onCaughtUp: () => void
}

const CLOSE_MS_MAX = 2_000
const LOOK_AGAIN_MS = 30_000
const STAND_STILL_MS = 2_000
/** How soon a store that is being rebuilt is looked at again. */
const REBUILD_LOOK_MS = 1_000
/** How often the position is asked for that somebody else moves. */
const WATCH_MS = 100
/** A store that is in the way of others now and then is not worth a line; one that fails so often in a row is. */
const BUSY_ATTEMPTS = 3

/** A store whose position somebody else has moved, or that went back: it has to be opened again. */
class PositionMoved extends Error {
  override name = 'PositionMoved'
}

export class StoreStream {
  readonly #options: StoreStreamOptions
  readonly #stopping = new AbortController()
  #state: StoreState
  /** What keeps the store from taking rows, for whoever has to tell why the server does not start. */
  reason = ''
  #session: StoreSession | undefined
  #store: OrderStore | undefined
  #batch: EventBatch | undefined
  /** Failures in a row. */
  #failures = 0
  readonly #startedMs = performance.now()
  /** When the store was last seen to take rows. */
  #leftAtMs = performance.now()
  #copied = 0
  #confirmedAtMs = 0
  #isAbandoned = false
  /** Somebody else moves the position. */
  #isWatching = false
  /** Why the last session ended, where the tables were not as it left them. */
  #mismatch: StoreMismatch | undefined
  /** When anything was last copied or found to be done. */
  progressMs = performance.now()
  /** How a batch goes into the store where others are to have the machine in between. */
  readonly #pieces: PieceByPiece = {
    statementBytes: CATCH_UP_STATEMENT_BYTES,
    piece: async work => {
      const { pacing, pieceTurns } = this.#options
      await this.#pause(pacing.pieceRestMs)
      return pieceTurns.take(async () => {
        pacing.pieceBegins()
        try {
          return await work()
        } finally {
          pacing.pieceEnds()
        }
      })
    },
  }

  constructor(options: StoreStreamOptions) {
    this.#options = options
    this.#state = StoreState.Opening
    options.shared.publishState(options.number, this.#state)
    options.meter.state(this.#state)
  }

  get name(): string {
    return this.#options.name
  }

  get number(): number {
    return this.#options.number
  }

  get state(): StoreState {
    return this.#state
  }

  /**
   * Runs until `stop` is called and what is there has been copied, or the store cannot take it.
   * @param opened the store, where it was opened already.
   * @throws JournalDamaged, and whatever else is not the store's fault.
   */
  async run(opened?: OrderStore): Promise<void> {
    let next = opened
    for (let isOver = false; !isOver; next = undefined) {
      try {
        await this.#begin(next)
        await this.#keepUp()
        isOver = true
      } catch (error) {
        await this.#closeStore()
        if (!(error instanceof PositionMoved)) {
          await this.#afterFailure(error)
          isOver = this.#isStopping
        }
      }
      isOver ||= this.#isAbandoned
    }
    await this.#closeStore()
  }

  /** What is durable by now is copied, then the stream ends; one whose store does not take it ends at once. */
  stop(): void {
    this.#stopping.abort()
  }

  /** Ends the stream where it is: its store has not answered for too long. */
  abandon(): void {
    this.#isAbandoned = true
    this.#stopping.abort()
  }

  get #isStopping(): boolean {
    return this.#stopping.signal.aborted
  }

  /** Opens the store, makes sure that it is ours, and finds where it is. */
  async #begin(opened: OrderStore | undefined): Promise<void> {
    const { installation, number, journals, ranges, shared, log } = this.#options
    const before = this.#session
    const store = opened ?? (await this.#options.open())
    this.#store = store
    const owner = await store.owner()
    if (owner !== undefined) checkOwner(owner, installation)
    const session = await StoreSession.open({
      store,
      number,
      journals,
      ranges,
      changes: this.#options.changes ?? [],
      shared,
      batchRowsMax: this.#options.batchRowsMax,
      batchBytesMax: this.#options.batchBytesMax,
      ...(this.#batch === undefined ? {} : { batch: this.#batch }),
      meter: this.#options.meter,
      log,
    })
    this.#session = session
    this.#batch = session.batch
    if (owner === undefined) await store.claim(installation)
    if (before !== undefined) this.#compare(before, session)
    // What a store that was just opened has, it may have for longer: its position is safe once it confirms it.
    await session.confirm()
    this.#confirmedAtMs = performance.now()
    this.#answered(session)
  }

  /**
   * Finds what became of the position since the session before. Where that ended because the tables were not as it left
   * them, and the position is where it was, it is not the position that somebody has to look at.
   * @throws StoreMismatch that one
   */
  #compare(before: StoreSession, session: StoreSession): void {
    const { log } = this.#options
    const { underWay } = before
    const mismatch = this.#mismatch
    this.#mismatch = undefined
    let hasMoved = false
    for (const [journal, stored] of session.positions) {
      const known = before.positions.get(journal) ?? 0
      hasMoved ||= stored !== known
      if (stored < known) {
        log.warning('the store has gone back, as after a failover that lost its last commits; they are copied again', {
          store: this.name,
          journal,
          from: known,
          to: stored,
        })
      } else if (stored > known && stored !== underWay.get(journal)) {
        this.#isWatching = true
      }
    }
    if (mismatch !== undefined && !hasMoved) throw mismatch
  }

  /** Copies until told to stop, and then the rest. A store that fails keeps its batch, and gets it again. */
  async #keepUp(): Promise<void> {
    const { batchAgeMs, copiesAlways, pacing, shared } = this.#options
    const session = this.#session!
    for (;;) {
      if (this.#isAbandoned) return
      // Read first: what was published before the stop is then copied below.
      const isStopping = this.#isStopping
      if (this.#isWatching) {
        await this.#watch(session)
        if (isStopping && session.hasAll) return
        continue
      }
      const copies = copiesAlways || !session.hasCaughtUp
      let entries = 0
      let restMs = 0
      try {
        const entriesMax = pacing.begin(durableTotal(shared), this.#state === StoreState.Following)
        if (copies) entries = await session.round(entriesMax, pacing.isPieceByPiece ? this.#pieces : undefined)
        this.#copied += entries
        const isIdle = entries === 0
        const hasArrived = this.#state !== StoreState.Following && session.hasCaughtUp
        await this.#confirmWhereDue(session, hasArrived || (isStopping && isIdle))
        if (entries > 0 || this.#failures > 0) this.#succeeded(session)
        if (!isStopping && !isIdle) {
          const isFollowing = this.#state === StoreState.Following
          restMs = pacing.restMs(durableTotal(shared), isFollowing, shared.totalLag(this.number))
        }
      } catch (error) {
        if (error instanceof StoreMismatch) {
          this.#mismatch = error
          throw new PositionMoved('the store is not as it was left', { cause: error })
        }
        if (!(error instanceof StoreUnavailable)) throw error
        this.#measureLag()
        await this.#failed(error)
        if (this.#isStopping) return
        continue
      }
      if (isStopping && entries === 0) return
      if (restMs > 0) await this.#pause(restMs)
      else if (entries > 0) await eventLoopTurn()
      else await this.#pause(batchAgeMs)
    }
  }

  async #confirmWhereDue(session: StoreSession, isWanted: boolean): Promise<void> {
    const { confirmBytes, confirmMs } = this.#options
    const now = performance.now()
    const isDue = isWanted || session.unconfirmedBytes >= confirmBytes || now - this.#confirmedAtMs >= confirmMs
    if (!isDue || !session.hasUnconfirmed) return
    await session.confirm()
    this.#confirmedAtMs = now
  }

  /** Somebody else moves the position: looks where it is until it stands still although there is more. */
  async #watch(session: StoreSession): Promise<void> {
    const { standStillMs = STAND_STILL_MS } = this.#options
    let movedAtMs = performance.now()
    for (;;) {
      await timer(WATCH_MS)
      if (this.#isAbandoned) return
      const hasMoved = await session.follow()
      if (hasMoved || session.hasAll) {
        await session.confirm()
        this.#succeeded(session)
        movedAtMs = performance.now()
        if (this.#isStopping && session.hasAll) return
      } else {
        this.#measureLag()
        if (performance.now() - movedAtMs < standStillMs) continue
        this.#isWatching = false
        // Opened again, so that nothing is left of what the store knew before.
        throw new PositionMoved('the position stands still')
      }
    }
  }

  /** What a failure of opening leads to, or one that no further attempt mends. */
  async #afterFailure(error: unknown): Promise<void> {
    const { lookAgainMs = LOOK_AGAIN_MS, log } = this.#options
    if (error instanceof StoreUnavailable) {
      this.#measureLag()
      await this.#failed(error)
      return
    }
    if (error instanceof StoreBeingRebuilt) {
      await this.#waitForRebuild(error)
      return
    }
    const isTrimmed = error instanceof JournalTrimmed
    if (!isTrimmed && !isMismatch(error)) throw error
    this.#session = undefined
    this.#mismatch = undefined
    this.reason = error.message
    if (isTrimmed) {
      if (this.#enter(StoreState.NeedsRebuild)) {
        log.error(
          `the store lacks orders that the journals do not hold any more, and takes part no longer; ` +
            `"oes store rebuild ${this.name}" makes it whole again from another store`,
          { store: this.name, reason: error.message },
        )
      }
    } else if (this.#enter(StoreState.Refused)) {
      log.error(
        'the store is not what the journals say, so it is neither written nor read; compare it with "oes store verify"',
        { store: this.name, reason: error.message },
      )
    }
    await this.#pause(lookAgainMs * (1 + Math.random() / 4))
  }

  /**
   * Somebody rebuilds the store. It counts as away meanwhile, so that the journals keep what it will lack then, and is
   * looked at again soon.
   */
  async #waitForRebuild({ message }: StoreBeingRebuilt): Promise<void> {
    const { lookAgainMs = LOOK_AGAIN_MS, log } = this.#options
    this.#session = undefined
    this.#mismatch = undefined
    this.reason = message
    if (this.#enter(StoreState.Away)) {
      log.info('the store is being rebuilt; the journals keep what comes meanwhile', { store: this.name })
    }
    await this.#pause(Math.min(lookAgainMs, REBUILD_LOOK_MS))
  }

  /** The store did not take what it was given: tells once what it is, and pauses. */
  async #failed(error: StoreUnavailable): Promise<void> {
    const { pauses, log, meter } = this.#options
    this.#failures += 1
    meter.failed()
    this.reason = error.message
    const state = unavailableState(error)
    // A store that nobody waits for stays that, whether it answers or not.
    const isOut = this.#state === StoreState.NeedsRebuild || this.#state === StoreState.Refused
    const isWorthTelling = !isOut && (state !== StoreState.Busy || this.#failures >= BUSY_ATTEMPTS)
    if (isWorthTelling && this.#enter(state)) {
      log.warning(`${UNAVAILABLE_TOLD[state] ?? 'the store fails'}; the journals keep what it lacks`, {
        store: this.name,
        reason: error.message,
      })
    }
    const doubled = pauses.firstMs * 2 ** Math.min(this.#failures - 1, DOUBLINGS_MAX)
    // Pauses of several stores, and of several servers on one store, drift apart.
    await this.#pause(Math.min(doubled, pauses.longestMs) * (1 - Math.random() / 2))
  }

  /** The store was opened and is ours. */
  #answered(session: StoreSession): void {
    if (isFailing(this.#state)) this.#backAgain('the store is there again')
    // One that follows, and was opened anew because its position had moved, goes on following.
    if (this.#state !== StoreState.Following) this.#enter(StoreState.CatchingUp)
    this.#succeeded(session)
  }

  /** A step of the session went well. */
  #succeeded(session: StoreSession): void {
    this.progressMs = performance.now()
    this.#options.meter.lag()
    if (isFailing(this.#state)) {
      this.#backAgain('the store takes rows again')
      session.aimAtEnd()
      this.#enter(StoreState.CatchingUp)
    }
    this.#failures = 0
    if (this.#state !== StoreState.CatchingUp || !session.hasCaughtUp) return
    this.#options.log.info('the store has what the journals hold', { store: this.name, copied: this.#copied })
    this.#copied = 0
    this.#enter(StoreState.Following)
    this.#options.onCaughtUp()
  }

  #backAgain(message: string): void {
    const { shared, number, log } = this.#options
    log.info(message, {
      store: this.name,
      lacks: shared.totalLag(number).records,
      failedAttempts: this.#failures,
      seconds: Math.round((performance.now() - this.#leftAtMs) / 1000),
    })
  }

  /** Publishes how far the store has fallen behind; its position is not known where it has never answered. */
  #measureLag(): void {
    const { shared, number, meter } = this.#options
    if (this.#session !== undefined) this.#session.measureLag()
    else {
      const seconds = (performance.now() - this.#startedMs) / 1000
      for (let journal = 0; journal < shared.journals; journal++) {
        if (shared.lag(journal, number).records > 0) shared.publishLag(journal, number, seconds, 0)
      }
    }
    meter.lag()
  }

  /** @returns whether that is a change. */
  #enter(state: StoreState): boolean {
    if (this.#state === state) return false
    if (!isFailing(this.#state)) this.#leftAtMs = performance.now()
    this.#state = state
    const { shared, number, meter, onChange } = this.#options
    shared.publishState(number, state)
    meter.state(state)
    onChange()
    return true
  }

  /** Waits, but not beyond the order to stop. */
  async #pause(ms: number): Promise<void> {
    if (this.#isStopping) return
    // The only way this rejects is that order.
    await timer(ms, undefined, { signal: this.#stopping.signal }).catch(() => undefined)
  }

  async #closeStore(): Promise<void> {
    this.#session?.close()
    const store = this.#store
    this.#store = undefined
    // A server that hangs need not take leave of us.
    if (store !== undefined) await Promise.race([store.close(), timer(CLOSE_MS_MAX, undefined, { ref: false })])
  }
}

/** 2^10 times the first pause is beyond every longest one that makes sense. */
const DOUBLINGS_MAX = 20

/** True where the store was given up for now, or until somebody has looked. */
function isFailing(state: StoreState): boolean {
  const { Opening, CatchingUp, Following, Unused } = StoreState
  return state !== Opening && state !== CatchingUp && state !== Following && state !== Unused
}

/** Tables of a later version, or not ours: whoever opens a store says so in one of two ways. */
function isMismatch(error: unknown): error is Error {
  return error instanceof StoreMismatch || (error instanceof Error && error.name === 'SchemaTooNew')
}

function unavailableState(error: StoreUnavailable): StoreState {
  const state = STORE_STATE_NAMES.indexOf(error.state as StoreStateName)
  return state < 0 ? StoreState.Away : (state as StoreState) // its place in the list of states
}

const UNAVAILABLE_TOLD: { readonly [state in StoreState]?: string } = {
  [StoreState.Away]: 'the store is away',
  [StoreState.ReadOnly]: 'the store is read only and takes no rows',
  [StoreState.Full]: 'the store has no room for rows: make some there',
  [StoreState.Busy]: 'the store is too busy to take rows',
}

/** Counts what all journals hold durably. */
function durableTotal(shared: WriterShared): number {
  let total = 0
  for (let journal = 0; journal < shared.journals; journal++) total += shared.durableNext(journal)
  return total
}
