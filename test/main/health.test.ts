import { deepEqual } from 'node:assert/strict'
import { test } from 'node:test'
import { Health } from '../../src/main/health.ts'
import { createWriterShared, StoreState, WriterShared } from '../../src/shared-memory/writer-shared.ts'

function watched(lagMsMax = 1_000) {
  const health = new Health({ lagMsMax, diskFreeBytesMin: 1_000 })
  const writer = new WriterShared(createWriterShared(1, 3, true))
  health.stores = { names: ['first', 'second', 'stand-in'], writer }
  writer.publishState(0, StoreState.Following)
  writer.publishState(1, StoreState.Following)
  health.stage = 'trading'
  const parts = () => health.report().degraded.map(({ part, what }) => `${part} ${what}`)
  return { health, writer, parts }
}

test('a server whose parts are all there is ready, and nothing is degraded', () => {
  const { health } = watched()
  health.services.set('uid_service', true)
  health.diskFreeBytes = 1_000
  health.halts = () => [{ scope: 'account', count: 0 }]
  deepEqual(health.report(), { isReady: true, stage: 'trading', degraded: [] })
})

test('a store that does not take part is named, whatever is wrong with it; one that catches up and the stand-in are not', () => {
  const { parts, writer } = watched()
  for (const state of Object.values(StoreState)) {
    writer.publishState(1, state)
    writer.publishState(2, state)
    const isGood = state === StoreState.Following || state === StoreState.CatchingUp
    deepEqual(parts(), isGood ? [] : ['store second'])
  }
})

test('a store further behind than the limit is named, with how far', () => {
  const { health, parts, writer } = watched()
  writer.publishDurable(0, 101)
  writer.publishStored(0, 0, 100)
  writer.publishStored(0, 1, 60)
  writer.publishLag(0, 1, 1, 100)
  deepEqual(parts(), [])
  writer.publishLag(0, 1, 2, 100)
  deepEqual(health.report().degraded, [
    { part: 'lag', what: 'second', why: 'The store is 2 s and 40 journal entries behind.' },
  ])
  const unlimited = watched(Number.POSITIVE_INFINITY)
  unlimited.writer.publishDurable(0, 101)
  unlimited.writer.publishLag(0, 1, 3_600, 100)
  deepEqual(unlimited.parts(), [])
})

test('a shard that publishes nothing is named while there is trading', () => {
  const { health, parts } = watched()
  health.silentShards = () => [1]
  deepEqual(parts(), ['shard shard-1'])
  health.stage = 'starting'
  deepEqual(parts(), [])
})

test('services, the disk and halts are named', () => {
  const { health, parts } = watched()
  health.services.set('uid_service', false)
  health.services.set('service_locator', true)
  health.diskFreeBytes = 999
  health.halts = () => [
    { scope: 'account', count: 2 },
    { scope: 'group', count: 0 },
    { scope: 'everybody', count: 1 },
  ]
  deepEqual(parts(), ['service uid_service', 'disk data_directory', 'halt account', 'halt everybody'])
  deepEqual(
    health
      .report()
      .degraded.slice(2)
      .map(({ why }) => why),
    ['Trading is halted for 2 of them.', 'Trading is halted for everybody.'],
  )
})
