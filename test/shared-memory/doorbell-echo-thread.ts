// The echoing thread of the test that wakes two threads in turn: it blocks, and answers each number with the same.

import { workerData } from 'node:worker_threads'
import { Doorbell } from '../../src/shared-memory/doorbell.ts'

const { doorbells, numbers, rounds } = workerData as {
  doorbells: SharedArrayBuffer
  numbers: SharedArrayBuffer
  rounds: number
}
const words = new Int32Array(numbers)
const [theirs, mine] = [new Doorbell(doorbells, 0), new Doorbell(doorbells, 1)]
for (let round = 1; round <= rounds; round++) {
  while (Atomics.load(words, 0) !== round) {
    mine.park(Number.POSITIVE_INFINITY, () => Atomics.load(words, 0) === round)
  }
  Atomics.store(words, 1, round)
  theirs.ring()
}
