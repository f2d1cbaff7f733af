// Time as the SDK needs it: a steady clock and single alarms. Tests bring their own and move it by hand.

export interface Timers {
  /** Milliseconds of a clock that never goes back; its zero has no meaning. */
  nowMs(): number
  /** Runs `action` once after `delayMs`. @returns a function that takes the alarm back. */
  after(delayMs: number, action: () => void): () => void
}

export const systemTimers: Timers = {
  nowMs: () => performance.now(),
  after: (delayMs, action) => {
    const timer = setTimeout(action, delayMs)
    return () => clearTimeout(timer)
  },
}
