import { deepEqual, doesNotThrow, equal, throws } from 'node:assert/strict'
import { test } from 'node:test'
import {
  beginsBehind,
  checkBeginning,
  mostAdvanced,
  plannedRanges,
  reachBack,
  StartRefused,
  type StoreAnswer,
  spreadFrom,
} from '../../src/writer/start-rules.ts'

function answer(name: string, owner: string | undefined, positions: Record<string, number>): StoreAnswer {
  return { number: 0, name, owner, positions: new Map(Object.entries(positions)) }
}

test('a directory without journals begins them only where no store holds anything, or just what it went on from', () => {
  const ours = { id: 'ours', begins: {} }
  const refused = (installation: typeof ours | undefined, ...answers: StoreAnswer[]) => {
    try {
      checkBeginning('data', answers, installation)
      return undefined
    } catch (error) {
      equal(error instanceof StartRefused, true)
      return (error as Error).message.split(', ')[0]
    }
  }
  equal(refused(undefined, answer('a', undefined, {})), undefined)
  equal(refused(ours, answer('a', 'ours', {}), answer('b', undefined, {})), undefined)
  equal(refused(undefined, answer('a', 'theirs', {})), 'Store a holds the orders of installation theirs')
  equal(
    refused(ours, answer('b', 'ours', {}), answer('a', 'theirs', { 'shard-0': 7 })),
    'Store a holds the orders of installation theirs',
  )
  equal(refused(ours, answer('a', 'ours', { 'shard-0': 7 })), 'Store a holds orders up to entry 7 of journal shard-0')
  equal(
    refused(undefined, answer('a', undefined, { 'shard-0': 7 })),
    'Store a holds orders up to entry 7 of journal shard-0',
  )
  const adopted = { id: 'ours', begins: { 'shard-0': 8 } }
  doesNotThrow(() => checkBeginning('data', [answer('a', 'ours', { 'shard-0': 7 })], adopted))
  throws(() => checkBeginning('data', [answer('a', 'ours', { 'shard-0': 8 })], adopted), StartRefused)
})

test('a new machine goes on from the store that has all the others have, and from none where each lacks something', () => {
  equal(mostAdvanced([], 'z'), undefined)
  equal(mostAdvanced([answer('a', undefined, {})], 'z'), undefined)
  const behind = answer('a', 'x', { 'shard-0': 5 })
  const ahead = answer('b', 'x', { 'shard-0': 5, 'shard-1': 1 })
  const aside = answer('c', 'x', { 'shard-0': 6 })
  equal(mostAdvanced([behind, ahead], 'z'), ahead)
  equal(mostAdvanced([answer('new', undefined, {}), behind], 'z'), behind)
  throws(() => mostAdvanced([behind, ahead, aside], 'z'), {
    name: 'StartRefused',
    message:
      'Each of the stores lacks orders that another one has: a shard-0 up to 5, shard-1 up to 0; b shard-0 up to 5, ' +
      'shard-1 up to 1; c shard-0 up to 6, shard-1 up to 0. Leave one of them in data_store to go on from that, and ' +
      'rebuild the others from it afterwards.',
  })
  equal(mostAdvanced([behind, ahead, aside], 'z', ['shard-1']), ahead)
  throws(() => mostAdvanced([behind, answer('d', 'y', {})], 'z'), /^StartRefused: The stores hold orders of different/)
  // One was taken over already when the start was interrupted.
  equal(mostAdvanced([behind, answer('e', 'z', { 'shard-0': 4 })], 'z'), behind)
  const taken = answer('e', 'z', { 'shard-0': 9 })
  equal(mostAdvanced([behind, taken], 'z'), taken)
  equal(mostAdvanced([taken], 'z'), taken)
  deepEqual(beginsBehind(ahead.positions), { 'shard-0': 6, 'shard-1': 2 })
})

test('journals hold everything where each begins with its first entry and none that there was is gone', () => {
  const names = ['shard-0', 'shard-1']
  const begun = { first: 1, next: 9 }
  const unbegun = { first: undefined, next: 1 }
  equal(reachBack(names, [begun, begun], { journals: names }), true)
  equal(reachBack(names, [begun, unbegun], { journals: ['shard-0'] }), true)
  equal(reachBack(names, [begun, unbegun], { journals: names }), false)
  equal(reachBack(names, [begun, begun], { journals: [...names, 'shard-7'] }), false)
  equal(reachBack(names, [begun, { first: 4, next: 9 }], { journals: names }), false)
})

test('a journal that goes on from a store begins behind it, unless it has begun', () => {
  const names = ['shard-0', 'shard-1', 'shard-2']
  const unbegun = { first: undefined, next: 1 }
  const begun = { first: 100, next: 120 }
  deepEqual(plannedRanges(names, [unbegun, begun, unbegun], { 'shard-0': 50, 'shard-1': 60 }), [
    { first: 50, next: 50 },
    begun,
    unbegun,
  ])
})

test('another set of journals is another spread, behind everything that all of them hold', () => {
  const two = ['shard-0', 'shard-1']
  const held = [
    { first: 1, next: 11 },
    { first: 1, next: 21 },
  ]
  const none = { first: undefined, next: 1 }
  deepEqual(spreadFrom(undefined, two, [none, none], two), { journals: two, changes: [] })
  const known = { journals: two, changes: [] }
  deepEqual(spreadFrom(known, two, held, two), known)

  const one = { journals: ['shard-0'], changes: [{ 'shard-0': 11, 'shard-1': 21 }] }
  deepEqual(spreadFrom(known, two, held, ['shard-0']), one)
  // Of a directory that never said how it was spread, it is not known.
  deepEqual(spreadFrom(undefined, two, held, ['shard-0']), one)

  const three = ['shard-0', 'shard-1', 'shard-2']
  const later = [{ first: 1, next: 31 }, held[1]!, none]
  const second = { 'shard-0': 31, 'shard-1': 21, 'shard-2': 1 }
  deepEqual(spreadFrom(one, three, later, three), {
    journals: three,
    changes: [{ ...one.changes[0], 'shard-2': 1 }, second],
  })
})

test('a change is forgotten with the last entry before it, and follows a journal that lost its end', () => {
  const names = ['shard-0', 'shard-1']
  const known = { journals: ['shard-0'], changes: [{ 'shard-0': 11, 'shard-1': 21 }] }
  const range = (first: number, next: number) => ({ first, next })
  deepEqual(spreadFrom(known, names, [range(11, 31), range(20, 21)], ['shard-0']), known)
  deepEqual(spreadFrom(known, names, [range(11, 31), range(21, 21)], ['shard-0']).changes, [])
  deepEqual(spreadFrom(known, names, [range(1, 9), range(1, 21)], ['shard-0']).changes, [
    { 'shard-0': 9, 'shard-1': 21 },
  ])
})
