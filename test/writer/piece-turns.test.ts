import { deepEqual, equal, rejects } from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { PieceTurns } from '../../src/writer/piece-turns.ts'

/** Pieces that end when they are told to, and which have begun. */
function pieces() {
  const turns = new PieceTurns()
  const begun: string[] = []
  const take = (name: string) => {
    const end = Promise.withResolvers<string>()
    const taken = turns.take(() => {
      begun.push(name)
      return end.promise
    })
    return { taken, end }
  }
  return { begun, take }
}

test('one piece is under way at a time, in the order in which they came, whatever becomes of them', async () => {
  const { begun, take } = pieces()
  const a = take('a')
  const b = take('b')
  const c = take('c')
  await turn()
  deepEqual(begun, ['a'])
  a.end.resolve('done')
  equal(await a.taken, 'done')
  await turn()
  deepEqual(begun, ['a', 'b'])
  b.end.reject(new Error('gone'))
  await rejects(b.taken, /gone/)
  await turn()
  deepEqual(begun, ['a', 'b', 'c'])
  c.end.resolve('done')
  await c.taken
})

test('a piece that does not end does not hold up the next one for ever', async () => {
  const { begun, take } = pieces()
  take('hangs')
  const next = take('next')
  await turn()
  deepEqual(begun, ['hangs'])
  next.end.resolve('done')
  equal(await next.taken, 'done')
  deepEqual(begun, ['hangs', 'next'])
})
