import { deepEqual, rejects } from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { OpeningTurns } from '../../src/writer/opening-turns.ts'

test('stores are opened one after the other until one is open, then all at once', async () => {
  const turns = new OpeningTurns()
  const begun: string[] = []
  const opening = new Map<string, PromiseWithResolvers<string>>()
  const open = (name: string) =>
    turns.take(() => {
      begun.push(name)
      const outcome = Promise.withResolvers<string>()
      opening.set(name, outcome)
      return outcome.promise
    })
  const stores = ['a', 'b', 'c', 'd'].map(open)
  await turn()
  deepEqual(begun, ['a'])
  opening.get('a')!.reject(new Error('away'))
  await rejects(stores[0]!, /away/)
  await turn()
  deepEqual(begun, ['a', 'b'])
  opening.get('b')!.resolve('b')
  await turn()
  deepEqual(begun, ['a', 'b', 'c', 'd'])
  const again = open('a')
  deepEqual(begun, ['a', 'b', 'c', 'd', 'a'])
  for (const outcome of opening.values()) outcome.resolve('open')
  deepEqual(await Promise.all([...stores.slice(1), again]), ['b', 'open', 'open', 'open'])
})
