// Dead-man's switches: everything of an account is canceled unless somebody says in time that he is still there. One switch
// for each account. Within a process time is counted by the monotonic clock, so nobody who sets the wall clock fires or
// stays a switch; from one process to the next only the wall clock goes on, so that is what is written down. What ran out
// while no server ran fires with the next start. A wall clock that was set back meanwhile gives at most one whole time more.
//
//   arm ─► written down ─► armed ─┬─ refresh ─► counts at once, written down with others, then answered
//                                 ├─ disarm ──► written down ─► off
//                                 └─ time over, and over still a moment later ─► fired: recall

import type { Log } from '../base/log.ts'
import { Reason } from '../domain/reasons.ts'
import { SwitchStatus } from '../protocol/kinds.ts'
import { RecallScope } from '../protocol/recall.ts'
import type { Recalls } from './recalls.ts'
import type { KeptSwitch, SafetyStore } from './safety-store.ts'

export interface SwitchesParts {
  readonly store: SafetyStore
  readonly recalls: Recalls
  /** Monotonic. */
  readonly nowMs: () => number
  /** Now, µs since the epoch, UTC. */
  readonly nowUs: () => number
  readonly log: Pick<Log, 'info' | 'warning'>
}

/** What a client may know of a switch. */
export interface SwitchState {
  readonly status: SwitchStatus
  readonly timeoutMs: number
  readonly alsoCancel: number
  /** When it fires or has fired, µs since the epoch, UTC; 0 where it is off. */
  readonly at: number
  readonly canceled: number
}

interface ArmedSwitch {
  readonly timeoutMs: number
  readonly alsoCancel: number
  dueMs: number
  dueAt: number
  /** It was over at the last look: what a client sent in time has had its chance to be read by the next. */
  isOver: boolean
}

export interface Refreshed {
  /** It is written down. */
  readonly done: () => void
  readonly failed: (error: unknown) => void
}

const OFF: SwitchState = { status: SwitchStatus.Off, timeoutMs: 0, alsoCancel: 0, at: 0, canceled: 0 }

export class Switches {
  readonly #parts: SwitchesParts
  readonly #armed = new Map<number, ArmedSwitch>()
  readonly #fired = new Map<number, KeptSwitch>()
  /** No switch is over before that. */
  #nextLookMs = Number.POSITIVE_INFINITY
  #refreshed = new Map<number, Refreshed[]>()
  #isStopped = false

  constructor(parts: SwitchesParts) {
    this.#parts = parts
    const nowUs = parts.nowUs()
    for (const kept of parts.store.switches()) {
      if (kept.firedAt > 0) this.#fired.set(kept.account, kept)
      else {
        const leftMs = Math.min(kept.timeoutMs, (kept.dueAt - nowUs) / 1000)
        this.#set(kept.account, kept.timeoutMs, kept.alsoCancel, parts.nowMs() + leftMs)
      }
    }
  }

  /** After recovery, before clients come: what ran out while no server ran. */
  async fireOverdue(): Promise<void> {
    const nowMs = this.#parts.nowMs()
    const overdue = [...this.#armed].filter(([, { dueMs }]) => dueMs <= nowMs)
    await Promise.all(overdue.map(([account, armed]) => this.#fire(account, armed)))
  }

  stateOf(account: number): SwitchState {
    const armed = this.#armed.get(account)
    if (armed !== undefined) {
      const { timeoutMs, alsoCancel, dueAt } = armed
      return { status: SwitchStatus.Armed, timeoutMs, alsoCancel, at: dueAt, canceled: 0 }
    }
    const fired = this.#fired.get(account)
    if (fired === undefined) return OFF
    const { timeoutMs, alsoCancel, firedAt, canceled } = fired
    return { status: SwitchStatus.Fired, timeoutMs, alsoCancel, at: firedAt, canceled }
  }

  /** Arms the switch anew, whatever it was before. @throws the store's error; then nothing has changed. */
  arm(account: number, timeoutMs: number, alsoCancel: number): void {
    const dueAt = this.#parts.nowUs() + 1000 * timeoutMs
    this.#parts.store.keepSwitch({ account, timeoutMs, alsoCancel, dueAt, firedAt: 0, canceled: 0 })
    this.#fired.delete(account)
    this.#set(account, timeoutMs, alsoCancel, this.#parts.nowMs() + timeoutMs)
  }

  /** Gives an armed switch its whole time again; false where it is not armed. `outcome` is told at the next tick. */
  refresh(account: number, outcome: Refreshed): boolean {
    const armed = this.#armed.get(account)
    if (armed === undefined) return false
    const { nowMs, nowUs } = this.#parts
    armed.dueMs = nowMs() + armed.timeoutMs
    armed.dueAt = nowUs() + 1000 * armed.timeoutMs
    armed.isOver = false
    const outcomes = this.#refreshed.get(account)
    if (outcomes === undefined) this.#refreshed.set(account, [outcome])
    else outcomes.push(outcome)
    return true
  }

  /** False where it is not armed. @throws the store's error; then it is armed still. */
  disarm(account: number): boolean {
    if (!this.#armed.has(account)) return false
    this.#parts.store.forgetSwitch(account)
    this.#armed.delete(account)
    return true
  }

  /** Called a few times a second. */
  tick(): void {
    if (this.#isStopped) return
    if (this.#refreshed.size > 0) this.#keepRefreshed()
    const nowMs = this.#parts.nowMs()
    if (nowMs < this.#nextLookMs) return
    let nextLookMs = Number.POSITIVE_INFINITY
    for (const [account, armed] of this.#armed) {
      if (nowMs < armed.dueMs) nextLookMs = Math.min(nextLookMs, armed.dueMs)
      else if (armed.isOver) void this.#fire(account, armed)
      else {
        armed.isOver = true
        nextLookMs = nowMs
      }
    }
    this.#nextLookMs = nextLookMs
  }

  /** The process ends: the next one goes on from what is written down. */
  stop(): void {
    if (this.#refreshed.size > 0) this.#keepRefreshed()
    this.#isStopped = true
  }

  #set(account: number, timeoutMs: number, alsoCancel: number, dueMs: number): void {
    const { nowMs, nowUs } = this.#parts
    const dueAt = nowUs() + Math.round(1000 * (dueMs - nowMs()))
    this.#armed.set(account, { timeoutMs, alsoCancel, dueMs, dueAt, isOver: false })
    this.#nextLookMs = Math.min(this.#nextLookMs, dueMs)
  }

  /** One sync for all that were refreshed since the last tick. */
  #keepRefreshed(): void {
    const refreshed = this.#refreshed
    this.#refreshed = new Map()
    const { store } = this.#parts
    let failure: { error: unknown } | undefined
    try {
      store.together(() => {
        for (const account of refreshed.keys()) {
          const armed = this.#armed.get(account)
          if (armed === undefined) continue // disarmed since
          const { timeoutMs, alsoCancel, dueAt } = armed
          store.keepSwitch({ account, timeoutMs, alsoCancel, dueAt, firedAt: 0, canceled: 0 })
        }
      })
    } catch (error) {
      failure = { error }
    }
    for (const outcomes of refreshed.values()) {
      for (const { done, failed } of outcomes) failure === undefined ? done() : failed(failure.error)
    }
  }

  async #fire(account: number, { timeoutMs, alsoCancel, dueAt }: ArmedSwitch): Promise<void> {
    const { log, recalls, store, nowUs } = this.#parts
    log.warning("a dead-man's switch was not refreshed in time", { account, timeout_ms: timeoutMs })
    const fired = { account, timeoutMs, alsoCancel, dueAt, firedAt: nowUs(), canceled: 0 }
    this.#armed.delete(account)
    this.#fired.set(account, fired)
    await recalls.begin(
      { scope: RecallScope.Account, account, key: '', alsoCancel, reason: Reason.CanceledBySwitch },
      () => store.keepSwitch(fired),
      canceled => {
        if (this.#fired.get(account) !== fired) return // armed anew since
        const told = { ...fired, canceled }
        store.keepSwitch(told)
        this.#fired.set(account, told)
      },
    )
  }
}
