import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Worker } from 'node:worker_threads'
import { createDoorbells, Doorbell } from '../../src/shared-memory/doorbell.ts'
import { type Actor, atomic, everyInterleaving, Sleepers } from './interleavings.ts'

interface Program {
  /** What the owner of the doorbell does once it has found nothing to do. */
  readonly wait: (doorbell: Doorbell, hasWork: () => boolean) => void
  /** For each other thread: how often it publishes a piece of work and rings; 0 for one that only rings, once. */
  readonly ringers: readonly number[]
}

/** Runs the program under every interleaving of its atomic operations; gives the schedules and the outcomes seen. */
function outcomesOf({ wait, ringers }: Program): { schedules: number; outcomes: string[] } {
  const outcomes = new Set<string>()
  const pieces = ringers.reduce((sum, published) => sum + published, 0)
  const schedules = everyInterleaving(() => {
    const memory = createDoorbells(1)
    const work = new Int32Array(new SharedArrayBuffer(4))
    const sleepers = new Sleepers()
    let taken = 0
    const owner = atomic(sleepers, () => {
      taken = 0
      const doorbell = new Doorbell(memory, 0)
      const hasWork = () => Atomics.load(work, 0) > taken
      while (taken < pieces) {
        wait(doorbell, hasWork)
        taken = Atomics.load(work, 0)
      }
    })
    const others = ringers.map(published =>
      atomic(sleepers, () => {
        const doorbell = new Doorbell(memory, 0)
        if (published === 0) doorbell.ring()
        for (let piece = 1; piece <= published; piece++) {
          Atomics.store(work, 0, piece)
          doorbell.ring()
        }
      }),
    )
    const actors: Actor[] = [owner, ...others]
    return { actors, check: () => outcomes.add(`${taken} taken, ${sleepers.list.length} asleep`) }
  })
  return { schedules, outcomes: [...outcomes] }
}

const park: Program['wait'] = (doorbell, hasWork) => doorbell.park(Number.POSITIVE_INFINITY, hasWork)

test('in no interleaving does a parked thread sleep on while there is work for it', () => {
  assert.deepEqual(outcomesOf({ wait: park, ringers: [1] }), { schedules: 47, outcomes: ['1 taken, 0 asleep'] })
  assert.deepEqual(outcomesOf({ wait: park, ringers: [2] }), { schedules: 11850, outcomes: ['2 taken, 0 asleep'] })
})

test('a second ringer, which may be late and have nothing, takes no wake-up away', () => {
  assert.deepEqual(outcomesOf({ wait: park, ringers: [1, 0] }), { schedules: 5755, outcomes: ['1 taken, 0 asleep'] })
})

test('a time-out at any moment does no harm', () => {
  const parkAWhile: Program['wait'] = (doorbell, hasWork) => {
    if (!doorbell.park(1, hasWork)) park(doorbell, hasWork)
  }
  assert.deepEqual(outcomesOf({ wait: parkAWhile, ringers: [1] }).outcomes, ['1 taken, 0 asleep'])
})

test('an asynchronous wait is ended by every piece of work, or not begun', () => {
  // The owner stops at its wait; what is asleep then was forgotten if nobody has woken it although the work is there.
  const outcomes = new Set<string>()
  everyInterleaving(() => {
    const doorbells = createDoorbells(1)
    const work = new Int32Array(new SharedArrayBuffer(4))
    const sleepers = new Sleepers()
    const owner = atomic(sleepers, () => {
      void new Doorbell(doorbells, 0).parkAsync(Number.POSITIVE_INFINITY, () => Atomics.load(work, 0) === 1)
    })
    const ringer = atomic(sleepers, () => {
      Atomics.store(work, 0, 1)
      new Doorbell(doorbells, 0).ring()
    })
    return { actors: [owner, ringer], check: () => outcomes.add(`${sleepers.list.length} asleep`) }
  })
  assert.deepEqual([...outcomes], ['0 asleep'])
})

test('the enumeration finds the wake-up that is lost by parking without a second look', () => {
  const parkCarelessly: Program['wait'] = (doorbell, hasWork) => {
    if (hasWork()) return
    doorbell.park(Number.POSITIVE_INFINITY, () => false)
  }
  const { outcomes } = outcomesOf({ wait: parkCarelessly, ringers: [1] })
  assert.deepEqual(outcomes.sort(), ['0 taken, 1 asleep', '1 taken, 0 asleep'])
})

test('a parked thread says whether it was rung or its time was over, and counts how often it slept', async () => {
  const doorbell = new Doorbell(createDoorbells(2), 1)
  assert.equal(
    doorbell.park(Number.POSITIVE_INFINITY, () => true),
    true,
  )
  assert.equal(doorbell.parks, 0)
  assert.equal(
    doorbell.park(0, () => false),
    false,
  )
  assert.equal(await doorbell.parkAsync(0, () => false), false)
  assert.equal(await doorbell.parkAsync(Number.POSITIVE_INFINITY, () => true), true)
  assert.equal(doorbell.parks, 2)
  const wait = doorbell.parkAsync(Number.POSITIVE_INFINITY, () => false)
  doorbell.ring()
  assert.equal(await wait, true)
  assert.equal(doorbell.parks, 3)
  assert.throws(() => new Doorbell(createDoorbells(2), 2), /no such doorbell/)
})

test('spinning finds work without going to sleep', () => {
  const doorbell = new Doorbell(createDoorbells(1), 0, 60_000_000)
  let looks = 0
  assert.equal(
    doorbell.park(Number.POSITIVE_INFINITY, () => ++looks === 1000),
    true,
  )
  assert.deepEqual({ looks, parks: doorbell.parks }, { looks: 1000, parks: 0 })
})

test('two threads hand a number to and fro, one blocking and one on its event loop', async () => {
  const doorbells = createDoorbells(2)
  const numbers = new SharedArrayBuffer(8)
  const rounds = 500
  const worker = new Worker(new URL('./doorbell-echo-thread.ts', import.meta.url), {
    workerData: { doorbells, numbers, rounds },
  })
  const words = new Int32Array(numbers)
  const [mine, theirs] = [new Doorbell(doorbells, 0), new Doorbell(doorbells, 1)]
  for (let round = 1; round <= rounds; round++) {
    Atomics.store(words, 0, round)
    theirs.ring()
    while (Atomics.load(words, 1) !== round) {
      await mine.parkAsync(Number.POSITIVE_INFINITY, () => Atomics.load(words, 1) === round)
    }
  }
  assert.equal(Atomics.load(words, 1), rounds)
  await worker.terminate()
})
