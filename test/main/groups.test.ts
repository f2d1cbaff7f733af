import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { Reason, reasonName } from '../../src/domain/reasons.ts'
import { Kind } from '../../src/protocol/kinds.ts'
import { range, sequencesOf, staged, submit } from '../simulation/stage.ts'

test('a group is followed as it is: who joins is told from the next event on, who leaves no more', async t => {
  const rehearsal = await staged(t, { shards: 2 })
  const { directory } = rehearsal
  const [alice, bob, carol] = ['alice', 'bob', 'carol'].map(name => directory.id(name)) as [number, number, number]
  const traders = new Map<string, Awaited<ReturnType<typeof rehearsal.login>>>()
  for (const name of ['alice', 'bob', 'carol']) traders.set(name, await rehearsal.login(name))
  const everybodyTrades = async () => {
    for (const peer of traders.values()) submit(peer)
    await rehearsal.settle()
  }
  await everybodyTrades()
  const mona = await rehearsal.login('mona')
  mona.request(Kind.Subscribe, 0, 1, 0, directory.findGroup('desk'))
  await rehearsal.settle()
  const [subscribed] = mona.take()
  deepEqual(subscribed!.slice(3), [
    1,
    [
      [alice, 3],
      [bob, 3],
    ],
  ])
  await everybodyTrades()
  directory.change(() => directory.group('desk').traders.add('carol'))
  rehearsal.membershipsChanged()
  await rehearsal.settle()
  await everybodyTrades()
  directory.change(() => directory.group('desk').traders.delete('alice'))
  rehearsal.membershipsChanged()
  await everybodyTrades()
  const heard = mona.take()
  deepEqual(
    heard.filter(([kind]) => kind === Kind.Membership),
    [
      [Kind.Membership, 0, 0, 1, carol, 1, 5],
      [Kind.Membership, 0, 0, 1, alice, 0, 0],
    ],
  )
  deepEqual(sequencesOf(heard, alice), range(3, 6))
  deepEqual(sequencesOf(heard, bob), range(3, 8))
  deepEqual(sequencesOf(heard, carol), range(5, 8))
})

test('a group is resumed member by member, from where each had come', async t => {
  const rehearsal = await staged(t)
  const { directory } = rehearsal
  const [alice, bob] = [directory.id('alice'), directory.id('bob')]
  for (const name of ['alice', 'bob']) {
    const peer = await rehearsal.login(name)
    for (let i = 0; i < 3; i++) submit(peer)
    await rehearsal.settle()
  }
  const mona = await rehearsal.login('mona')
  const group = directory.findGroup('desk')
  mona.request(Kind.Subscribe, 0, 1, 0, group, [
    [alice, 4],
    [directory.id('carol'), 1],
  ])
  await rehearsal.settle()
  const heard = mona.take()
  deepEqual(heard[0]!.slice(4), [
    [
      [alice, 4],
      [bob, 7],
    ],
  ])
  deepEqual(sequencesOf(heard, alice), range(4, 6))
  deepEqual(sequencesOf(heard, bob), [])
  // A member of which more is said than has happened: what was told before has been lost here.
  mona.request(Kind.Subscribe, 0, 1, 0, group, [[alice, 8]])
  await rehearsal.settle()
  deepEqual(
    mona.take().map(message => [message[0], reasonName(Number(message[3]))]),
    [[Kind.Refused, 'INVALID_RANGE']],
  )
})

test('who may not manage the group any more loses the group, and keeps what else is followed', async t => {
  const rehearsal = await staged(t)
  const { directory } = rehearsal
  const [alice, bob] = [directory.id('alice'), directory.id('bob')]
  const traders = [await rehearsal.login('alice'), await rehearsal.login('mona')]
  const mona = await rehearsal.login('mona')
  mona.request(Kind.Subscribe, 0, 1, 0, directory.findGroup('desk'))
  mona.request(Kind.Subscribe, 0, 0, 0)
  mona.request(Kind.Subscribe, alice, 0, 0)
  await rehearsal.settle()
  mona.take()
  directory.change(() => directory.group('desk').managers.delete('mona'))
  rehearsal.membershipsChanged()
  for (const peer of traders) submit(peer)
  await rehearsal.settle()
  const heard = mona.take()
  deepEqual(
    heard.filter(([kind]) => kind === Kind.Membership),
    [
      [Kind.Membership, 0, 0, 1, alice, 0, 0],
      [Kind.Membership, 0, 0, 1, bob, 0, 0],
      [Kind.Membership, 0, 0, 3, alice, 0, 0],
    ],
  )
  deepEqual(sequencesOf(heard), [1, 2])
  deepEqual(sequencesOf(heard, directory.id('mona')), [1, 2])
  // The empty group still counts: it may be managed again. That of the single account has ended.
  deepEqual([...rehearsal.sessionOf(mona).subscriptions.keys()], [1, 2])
  directory.change(() => directory.group('desk').managers.add('mona'))
  rehearsal.membershipsChanged()
  await rehearsal.settle()
  deepEqual(
    mona.take().map(message => message.slice(3)),
    [
      [1, alice, 1, 3],
      [1, bob, 1, 1],
    ],
  )
})

test('a subscription or live query that loses its permission before it is answered is refused', async t => {
  const rehearsal = await staged(t)
  const { directory } = rehearsal
  const mona = await rehearsal.login('mona')
  const alice = directory.id('alice')
  mona.request(Kind.Subscribe, alice, 0, 1)
  mona.request(Kind.QueryReports, alice, 0, -1, 3)
  mona.request(Kind.Subscribe, 0, 1, 0, directory.findGroup('desk'))
  directory.change(() => directory.group('desk').managers.delete('mona'))
  rehearsal.membershipsChanged()
  await rehearsal.settle()
  const heard = mona.take()
  deepEqual(
    heard.filter(([kind]) => kind === Kind.Refused).map(message => message[3]),
    [Reason.NotPermitted, Reason.NotPermitted],
  )
  deepEqual(heard.find(([kind]) => kind === Kind.Subscribed)!.slice(4), [[]])
  equal(rehearsal.subscriptions.followers(directory.rowOf(alice)), undefined)
  equal(rehearsal.sessionOf(mona).inFlight, 0)
})

test('subscriptions have a limit, and ending one makes room', async t => {
  const rehearsal = await staged(t, { subscriptionsMax: 2 })
  const alice = await rehearsal.login('alice')
  for (let i = 0; i < 3; i++) alice.request(Kind.Subscribe, 0, 0, 0)
  await rehearsal.settle()
  const kinds = () => alice.take().map(([kind]) => kind)
  deepEqual(kinds(), [Kind.Refused, Kind.Subscribed, Kind.Subscribed])
  alice.request(Kind.Unsubscribe, 0, 1)
  alice.request(Kind.QueryReports, 0, 0, -1, 0)
  await rehearsal.settle()
  deepEqual(kinds(), [Kind.Done, Kind.QueryEnd])
})
