// Runs small concurrent programs under every interleaving of their steps, in one thread and without waiting.
//
// An actor is one thread of such a program, suspended between steps. There are two ways to make one:
//
// - `scripted` takes a generator; a step is what lies between two `yield`s. It fits code whose calls touch one shared
//   word each at most, such as the ring's.
// - `atomic` takes ordinary code of the server, unchanged; a step is one operation of `Atomics`, or one
//   plain access to a Float64Array, over shared memory. The code cannot be
//   stopped in the middle of a call, so it is run again from its start for each step: the operations it has done before
//   are answered from a log, the next one is carried out, and the one after that is where it is stopped, by throwing.
//   So the code must be deterministic, share nothing that it does not reach in these ways, and not catch.
//   Of asynchronous code the part before its first wait is run; it must throw synchronously, so it cannot be `async`.
//
// `everyInterleaving` starts the program afresh for each schedule, in the order of an odometer over the choices.

export interface Actor {
  /** False once it has ended, and while it sleeps. */
  canStep(): boolean
  step(): void
}

/** Runs the program under every schedule; calls `check` where nobody can go on. Gives the number of schedules. */
export function everyInterleaving(start: () => { actors: Actor[]; check: () => void }): number {
  const choices: number[] = []
  for (let schedules = 1; ; schedules++) {
    const { actors, check } = start()
    const widths: number[] = []
    for (;;) {
      const ready = actors.filter(actor => actor.canStep())
      if (ready.length === 0) break
      const depth = widths.length
      if (depth === choices.length) choices.push(0)
      widths.push(ready.length)
      ready[choices[depth]!]!.step()
    }
    check()
    while (choices.length > 0 && choices.at(-1)! + 1 === widths[choices.length - 1]) choices.pop()
    if (choices.length === 0) return schedules
    choices[choices.length - 1]!++
  }
}

export function scripted(steps: Generator<void, void>): Actor {
  let ended = false
  return {
    canStep: () => !ended,
    step() {
      ended = steps.next().done === true
    },
  }
}

/** A thread asleep in `Atomics.wait` or `Atomics.waitAsync`. */
interface Sleeper {
  readonly buffer: ArrayBufferLike
  readonly index: number
  wake(): void
}

/** Who sleeps where, shared by the actors of one program. */
export class Sleepers {
  readonly list: Sleeper[] = []

  notify(words: Int32Array, index: number): number {
    const woken = this.list.filter(sleeper => sleeper.buffer === words.buffer && sleeper.index === index)
    for (const sleeper of woken) {
      this.list.splice(this.list.indexOf(sleeper), 1)
      sleeper.wake()
    }
    return woken.length
  }
}

class Suspended extends Error {}

const RealDoubles = Float64Array
const isShared = (view: ArrayBufferView) => view.buffer instanceof SharedArrayBuffer

/** An actor that runs `body`, one operation of `Atomics` per step; `body` makes its own objects over shared memory. */
export function atomic(sleepers: Sleepers, body: () => void): Actor {
  const log: unknown[] = []
  let replayed = 0
  let carriedOut = false
  let ended = false
  let asleep: { sleeper: Sleeper; timed: boolean } | undefined

  /** The result of the operation at hand: from the log, or by carrying it out where its turn has come. */
  const operation = (carryOut: () => unknown): unknown => {
    if (replayed < log.length) return log[replayed++]
    if (carriedOut) throw new Suspended()
    carriedOut = true
    const result = carryOut()
    log.push(result)
    replayed++
    return result
  }

  const real = { load: Atomics.load, store: Atomics.store, wait: Atomics.wait }
  const realAsync = { waitAsync: Atomics.waitAsync, notify: Atomics.notify }
  const sleep = (words: Int32Array, index: number, timeoutMs: number | undefined): never => {
    const sleeper = {
      buffer: words.buffer,
      index,
      wake() {
        asleep = undefined
        log.push('ok')
      },
    }
    sleepers.list.push(sleeper)
    asleep = { sleeper, timed: timeoutMs !== undefined && timeoutMs !== Number.POSITIVE_INFINITY }
    throw new Suspended()
  }
  const stepped = {
    load: (words: Int32Array, index: number) => operation(() => real.load(words, index)),
    store: (words: Int32Array, index: number, value: number) =>
      isShared(words) ? operation(() => real.store(words, index, value)) : real.store(words, index, value),
    wait: (words: Int32Array, index: number, value: number, timeoutMs?: number) =>
      operation(() => (real.load(words, index) === value ? sleep(words, index, timeoutMs) : 'not-equal')),
    waitAsync: (words: Int32Array, index: number, value: number) =>
      operation(() => {
        if (real.load(words, index) !== value) return { async: false, value: 'not-equal' }
        sleepers.list.push({ buffer: words.buffer, index, wake() {} })
        return { async: true, value: new Promise(() => {}) }
      }),
    notify: (words: Int32Array, index: number) => operation(() => sleepers.notify(words, index)),
  }

  // Code makes its views anew for each step, so it can be given views whose elements are accessed in steps.
  const steppedDoubles = new Proxy(RealDoubles, {
    construct(target, args) {
      const doubles: Float64Array = Reflect.construct(target, args)
      if (!isShared(doubles)) return doubles
      return new Proxy(doubles, {
        get: (_, index) => operation(() => doubles[Number(index)]),
        set: (_, index, value: number) => {
          operation(() => {
            doubles[Number(index)] = value
          })
          return true
        },
      })
    },
  })

  return {
    canStep: () => !ended && (asleep === undefined || asleep.timed),
    step() {
      replayed = 0
      carriedOut = false
      if (asleep !== undefined) {
        sleepers.list.splice(sleepers.list.indexOf(asleep.sleeper), 1)
        asleep = undefined
        log.push('timed-out')
      }
      Object.assign(Atomics, stepped)
      globalThis.Float64Array = steppedDoubles
      try {
        body()
        ended = true
      } catch (error) {
        if (!(error instanceof Suspended)) throw error
      } finally {
        Object.assign(Atomics, real, realAsync)
        globalThis.Float64Array = RealDoubles
      }
    },
  }
}
