// What administrators are told of who is logged in. Who may ask, and who may not, is in the matrix of permissions.

import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { SESSIONS_PER_PAGE } from '../../src/main/session-list.ts'
import { AlsoCancel, CancelOn, Kind } from '../../src/protocol/kinds.ts'
import type { Value } from '../../src/protocol/msgpack.ts'
import type { Rehearsal } from '../simulation/rehearsal.ts'
import type { RehearsedPeer } from '../simulation/rehearsed-peer.ts'
import { staged, submit } from '../simulation/stage.ts'

async function page(
  rehearsal: Rehearsal,
  peer: RehearsedPeer,
  ...after: Value[]
): Promise<{ rows: Value[][]; more: number }> {
  const requestId = peer.request(Kind.Sessions, 0, ...after)
  await rehearsal.settle()
  const [kind, , account, rows, more] = peer.take().find(message => message[1] === requestId)!
  deepEqual([kind, account], [Kind.SessionList, 0])
  return { rows: rows as Value[][], more: Number(more) }
}

test('each session is told with who it is, where from, since when, what it has under way and what it chose', async t => {
  const rehearsal = await staged(t)
  const { directory } = rehearsal
  directory.change(() => directory.observers.add('carol'))
  const root = await rehearsal.login('root')
  const rootUs = rehearsal.nowUs
  rehearsal.nowUs += 1_000_000
  const alice = await rehearsal.login('alice', 'key', CancelOn.Loss, 2_500, AlsoCancel.Gtc)
  const aliceUs = rehearsal.nowUs
  rehearsal.nowUs += 1_000_000
  const carol = await rehearsal.login('carol')
  const carolUs = rehearsal.nowUs
  carol.tls = 'TLSv1.3'
  carol.request(Kind.Subscribe, directory.id('bob'), 0)
  await rehearsal.settle()
  // One that has not logged in, and one that has gone.
  rehearsal.connect('stranger')
  rehearsal.hangUp(await rehearsal.login('bob'))
  const { rows, more } = await page(rehearsal, root)
  const row = (peer: RehearsedPeer, ...rest: Value[]) => [
    peer.session!.word,
    directory.id(peer.name),
    peer.name,
    peer.name,
    ...rest,
  ]
  deepEqual(rows, [
    row(root, rootUs, 1, 0, 1, 0, 0, '', 0, 0, 0),
    row(alice, aliceUs, 0, 0, 0, 0, 0, '', CancelOn.Loss, 2_500, AlsoCancel.Gtc),
    row(carol, carolUs, 0, 1, 0, 0, 1, 'TLSv1.3', 0, 0, 0),
  ])
  equal(more, 0)

  // What is not read waits, and is told as such.
  alice.reads = false
  submit(alice)
  await rehearsal.settle()
  const [, waiting] = (await page(rehearsal, root)).rows
  equal(Number(waiting![8]) > 0, true)
  equal(waiting![8], alice.waitingBytes)
})

test('the choice is that of the last login with the key, and roles are those of now', async t => {
  const rehearsal = await staged(t)
  const { directory } = rehearsal
  const root = await rehearsal.login('root')
  await rehearsal.login('alice', 'key', CancelOn.Loss, 1_000, 0)
  await rehearsal.login('alice', 'key', CancelOn.Both, 2_000, AlsoCancel.Gtd)
  await rehearsal.login('bob', 'other', CancelOn.Logout, 0, 0)
  directory.change(administrators => administrators.add('bob'))
  const chosen = (await page(rehearsal, root)).rows.map(row => [row[2], row[5], ...row.slice(11)])
  deepEqual(chosen, [
    ['root', 1, 0, 0, 0],
    ['alice', 0, CancelOn.Both, 2_000, AlsoCancel.Gtd],
    ['alice', 0, CancelOn.Both, 2_000, AlsoCancel.Gtd],
    ['bob', 1, CancelOn.Logout, 0, 0],
  ])
})

test('many sessions come in pages, each once, also when others come and go between them', async t => {
  const rehearsal = await staged(t, { gateLimits: { connectionsMax: 3 * SESSIONS_PER_PAGE } })
  const root = await rehearsal.login('root')
  const peers: RehearsedPeer[] = []
  for (let i = 0; i < 2 * SESSIONS_PER_PAGE; i++) peers.push(await rehearsal.login('alice'))
  const first = await page(rehearsal, root, 0)
  equal(first.rows.length, SESSIONS_PER_PAGE)
  equal(first.more, 1)
  // The last one of the page goes, and its place is taken by somebody else.
  const gone = peers[SESSIONS_PER_PAGE - 2]!
  equal(gone.session!.word, first.rows.at(-1)![0])
  rehearsal.hangUp(gone)
  await rehearsal.login('bob')
  const second = await page(rehearsal, root, first.rows.at(-1)![0]!)
  const third = await page(rehearsal, root, second.rows.at(-1)![0]!)
  deepEqual([second.more, third.more], [1, 0])
  deepEqual(
    [...first.rows, ...second.rows, ...third.rows].map(([word]) => word),
    [root, ...peers].map(({ session }) => session!.word),
  )
})

test('a place that is no number is refused', async t => {
  const rehearsal = await staged(t)
  const root = await rehearsal.login('root')
  for (const after of ['1', -1, 1.5, 2 ** 32, [], null]) root.request(Kind.Sessions, 0, after)
  await rehearsal.settle()
  const answers = root.take().map(([kind, , , reason]) => [kind, kind === Kind.Refused ? reason : 0])
  deepEqual(answers.slice(0, 5), Array(5).fill([Kind.Refused, 103]))
  equal(answers[5]![0], Kind.SessionList)
})
