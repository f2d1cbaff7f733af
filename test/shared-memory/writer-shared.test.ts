import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createWriterShared, StoreState, WriterShared } from '../../src/shared-memory/writer-shared.ts'

test('positions of stores in journals are seen by whoever looks at the same memory, each in its place', () => {
  const memory = createWriterShared(3, 2)
  const writer = new WriterShared(memory)
  const main = new WriterShared(memory)
  assert.deepEqual([main.journals, main.stores, main.endpoints, main.standIn], [3, 2, 2, undefined])
  writer.publishDurable(1, 2 ** 40 + 1)
  writer.publishBeginning(1, 2 ** 39)
  writer.publishStored(1, 1, 2 ** 40 - 10)
  writer.publishConfirmed(1, 1, 2 ** 39)
  writer.publishLag(1, 1, 1.5, 100)
  assert.deepEqual(
    [0, 1, 2].map(journal => [
      main.durableNext(journal),
      main.beginning(journal),
      main.stored(journal, 0),
      main.stored(journal, 1),
    ]),
    [
      [0, 1, 0, 0],
      [2 ** 40 + 1, 2 ** 39, 0, 2 ** 40 - 10],
      [0, 1, 0, 0],
    ],
  )
  assert.deepEqual(main.lag(1, 1), { records: 10, bytes: 1000, seconds: 1.5 })
  assert.deepEqual(main.lag(2, 1), { records: 0, bytes: 0, seconds: 0 })
  writer.publishDurable(2, 6)
  writer.publishLag(2, 1, 3, 10)
  assert.deepEqual(main.totalLag(1), { records: 15, bytes: 1050, seconds: 3 })
})

test('a journal keeps what a store that takes part has not confirmed; one that is away takes part, a stand-in never', () => {
  const shared = new WriterShared(createWriterShared(1, 4, true))
  const confirmed = (...states: StoreState[]) => {
    for (const [store, state] of states.entries()) shared.publishState(store, state)
    return shared.confirmed(0)
  }
  for (const [store, sequence] of [30, 20, 10, 5].entries()) shared.publishConfirmed(0, store, sequence)
  const { Following, Away, NeedsRebuild, Refused, Opening } = StoreState
  assert.equal(confirmed(Following, Following, Following, Following), 10)
  assert.equal(confirmed(Following, Following, Away, Following), 10)
  assert.equal(confirmed(Following, Opening, NeedsRebuild, Following), 20)
  assert.equal(confirmed(Following, Refused, NeedsRebuild, Following), 30)
  assert.equal(confirmed(Refused, Refused, NeedsRebuild, Following), 0)
})

test('questions go to a store that is up to date before others, and never to one that is not what the journals say', () => {
  const shared = new WriterShared(createWriterShared(2, 5, true))
  const { Following, CatchingUp, ReadOnly, Away, Refused, NeedsRebuild, Opening } = StoreState
  assert.deepEqual(shared.storesToTry(0), [0, 1, 2, 3])
  const tried = (...states: StoreState[]) => {
    for (const [store, state] of states.entries()) shared.publishState(store, state)
    return shared.storesToTry(0)
  }
  assert.deepEqual(tried(Away, CatchingUp, Following, ReadOnly), [2, 3, 1, 0])
  assert.deepEqual(tried(Away, Refused, NeedsRebuild, Opening, Following), [4, 0, 3])
  assert.deepEqual(tried(Following, Following, Following, Following, Following), [0, 1, 2, 3, 4])
  shared.publishDurable(0, 1001)
  for (const [store, sequence] of [100, 900, 950, 1000].entries()) shared.publishStored(0, store, sequence)
  shared.publishLag(0, 0, 60, 1)
  shared.publishLag(0, 1, 1, 1)
  assert.deepEqual(shared.storesToTry(0), [1, 2, 3, 4, 0])
  assert.deepEqual(shared.storesToTry(1), [0, 1, 2, 3, 4])
})

test('who waits for a store to catch up goes on with the first that has', async () => {
  const memory = createWriterShared(0, 3)
  const waiting = new WriterShared(memory).caughtUp()
  const writer = new WriterShared(memory)
  assert.deepEqual([writer.isStopping, writer.caughtUpStore], [false, undefined])
  writer.publishCaughtUp(2)
  writer.publishCaughtUp(0)
  assert.equal(await waiting, 2)
  assert.equal(await writer.caughtUp(), 2)
  new WriterShared(memory).stop()
  assert.equal(writer.isStopping, true)
})
