import { deepEqual, equal, throws } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { NONE, RestingColumns, RestingQueue } from '../../src/destinations/resting-queue.ts'

const SLOTS = 64

interface Resting {
  readonly slot: number
  readonly rank: number
  readonly venue: number
}

/** The twin: one list, sorted anew for each question. Slots are their own sequence numbers. */
class SortedList {
  all: Resting[] = []

  first(): number {
    return this.all.toSorted((a, b) => a.rank - b.rank || a.slot - b.slot)[0]?.slot ?? NONE
  }

  at(rank: number, venue: number): number[] {
    const here = this.all.filter(resting => resting.rank === rank && resting.venue === venue)
    return here.map(({ slot }) => slot).sort((a, b) => a - b)
  }
}

function slotsAt(queue: RestingQueue, rank: number, venue: number): number[] {
  const slots: number[] = []
  for (let slot = queue.firstAt(rank, venue); slot !== NONE; slot = queue.behind(slot)) slots.push(slot)
  return slots
}

test('a queue serves what a list serves that is sorted anew each time', () => {
  const command = fc.record({
    slot: fc.nat({ max: SLOTS - 1 }),
    rank: fc.oneof(fc.integer({ min: -3, max: 3 }), fc.integer({ min: -1_000, max: 1_000 })),
    venue: fc.nat({ max: 2 }),
  })
  fc.assert(
    fc.property(fc.array(command, { maxLength: 300 }), commands => {
      const columns = new RestingColumns(SLOTS)
      for (let slot = 0; slot < SLOTS; slot++) columns.sequence[slot] = slot
      const queue = new RestingQueue(columns)
      const twin = new SortedList()
      for (const resting of commands) {
        const known = twin.all.find(({ slot }) => slot === resting.slot)
        if (known === undefined) {
          twin.all.push(resting)
          queue.add(resting.slot, resting.rank, resting.venue)
        } else {
          twin.all.splice(twin.all.indexOf(known), 1)
          queue.remove(resting.slot)
        }
        equal(queue.first(), twin.first())
        equal(queue.isEmpty, twin.all.length === 0)
        equal(queue.firstRank, Math.min(...twin.all.map(({ rank }) => rank)))
        for (const { rank, venue } of [resting, known ?? resting]) {
          deepEqual(slotsAt(queue, rank, venue), twin.at(rank, venue))
        }
      }
      const served: number[] = []
      for (let slot = queue.first(); slot !== NONE; slot = queue.first()) {
        served.push(slot)
        queue.remove(slot)
      }
      deepEqual(
        served,
        twin.all.toSorted((a, b) => a.rank - b.rank || a.slot - b.slot).map(({ slot }) => slot),
      )
    }),
  )
})

test('queues that share their columns do not see each other', () => {
  const columns = new RestingColumns(4)
  columns.sequence.set([1, 2, 3, 4])
  const bids = new RestingQueue(columns)
  const asks = new RestingQueue(columns)
  bids.add(0, 5, 0)
  asks.add(1, 5, 0)
  bids.add(2, 5, 0)
  bids.remove(0)
  asks.add(3, 4, 0)
  deepEqual([bids.first(), asks.first()], [2, 3])
})

test('ascending prices do not make the tree a list', () => {
  // A tree that degenerates would take billions of steps here.
  const columns = new RestingColumns(200_000)
  const queue = new RestingQueue(columns)
  for (let slot = 0; slot < 200_000; slot++) queue.add(slot, slot, 0)
  for (let slot = 199_999; slot > 0; slot--) queue.remove(slot)
  equal(queue.first(), 0)
})

test('taking an order out of a queue where it does not rest stops the thread', () => {
  const columns = new RestingColumns(2)
  const [bids, asks] = [new RestingQueue(columns), new RestingQueue(columns)]
  bids.add(0, 1, 0)
  throws(() => asks.remove(0), /the level is in this queue/)
})
