import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { Reason, reasonName } from '../../src/domain/reasons.ts'
import { HaltScope, Kind } from '../../src/protocol/kinds.ts'
import type { Value } from '../../src/protocol/msgpack.ts'
import { Rehearsal } from '../simulation/rehearsal.ts'
import type { RehearsedPeer } from '../simulation/rehearsed-peer.ts'
import { smallDirectory, staged, submit, temporaryFolder } from '../simulation/stage.ts'

const { Account, Group, Destination, Everybody } = HaltScope

/** The answers and the reports as words: `NEW`, `Halted 2`, `REJECTED TRADING_HALTED`. */
function words(messages: readonly Value[][]): string[] {
  return messages.flatMap(message => {
    const [kind] = message
    if (kind === Kind.OrderAccepted) return []
    if (kind === Kind.Halted) return [`Halted ${message[3]}`]
    if (kind === Kind.Done) return ['Done']
    if (kind === Kind.Refused) return [reasonName(Number(message[3]))]
    if (kind !== Kind.ExecutionReport) return [`kind ${kind}`]
    const status = ['PENDING_NEW', 'REJECTED', 'NEW', '', '', 'CANCELED', '', '', '', '', 'PENDING_CANCEL'][
      Number(message[7])
    ]
    const reason = Number(message[17] ?? 0)
    return [reason === Reason.None ? `${status}` : `${status} ${reasonName(reason)}`]
  })
}

async function ask(rehearsal: Rehearsal, peer: RehearsedPeer, kind: number, ...elements: Value[]): Promise<string[]> {
  peer.request(kind, 0, ...elements)
  await rehearsal.settle()
  return words(peer.take())
}

async function orders(rehearsal: Rehearsal, peer: RehearsedPeer, count = 1, destination = ''): Promise<string[]> {
  for (let i = 0; i < count; i++) submit(peer, { destination })
  await rehearsal.settle()
  return words(peer.take())
}

const CANCELED = ['PENDING_CANCEL', 'CANCELED CANCELED_BY_HALT']
const REJECTED = ['REJECTED TRADING_HALTED']

/** Follows its own account from now on. */
async function following(rehearsal: Rehearsal, name: string): Promise<RehearsedPeer> {
  const peer = await rehearsal.login(name)
  await ask(rehearsal, peer, Kind.Subscribe, 0, 0)
  return peer
}

test('a halted account sends no new orders, its working ones are canceled, and nobody else notices', async t => {
  const rehearsal = await staged(t, { shards: 2 })
  const { directory } = rehearsal
  const [alice, bob, root] = [
    await following(rehearsal, 'alice'),
    await following(rehearsal, 'bob'),
    await rehearsal.login('root'),
  ]
  deepEqual(await orders(rehearsal, alice, 2), ['NEW', 'NEW'])
  deepEqual(await orders(rehearsal, bob), ['NEW'])
  deepEqual(await ask(rehearsal, root, Kind.Halt, Account, directory.id('alice'), 'runaway'), ['Halted 2'])
  deepEqual(words(alice.take()), [...CANCELED, ...CANCELED])
  deepEqual(await orders(rehearsal, alice), REJECTED)
  deepEqual(await orders(rehearsal, bob), ['NEW'])
  // Thrown again it has nothing left to do; lifted it is as if it had never been.
  deepEqual(await ask(rehearsal, root, Kind.Halt, Account, directory.id('alice'), 'again'), ['Halted 0'])
  deepEqual(await ask(rehearsal, root, Kind.Lift, Account, directory.id('alice')), ['Done'])
  deepEqual(await ask(rehearsal, root, Kind.Lift, Account, directory.id('alice')), ['UNKNOWN_HALT'])
  deepEqual(await orders(rehearsal, alice), ['NEW'])
})

test('a halted group is halted with whoever is its trader at the time', async t => {
  const rehearsal = await staged(t)
  const { directory } = rehearsal
  const [alice, carol, mona] = [
    await following(rehearsal, 'alice'),
    await following(rehearsal, 'carol'),
    await following(rehearsal, 'mona'),
  ]
  for (const peer of [alice, carol, mona]) deepEqual(await orders(rehearsal, peer), ['NEW'])
  deepEqual(await ask(rehearsal, mona, Kind.Halt, Group, directory.findGroup('desk')!), ['Halted 1'])
  deepEqual(words(alice.take()), CANCELED)
  deepEqual(await orders(rehearsal, mona), ['NEW'])
  directory.change(() => {
    const { traders } = directory.group('desk')
    traders.delete('alice')
    traders.add('carol')
  })
  rehearsal.membershipsChanged()
  await rehearsal.settle()
  deepEqual(words(carol.take()), CANCELED)
  deepEqual(await orders(rehearsal, carol), REJECTED)
  deepEqual(await orders(rehearsal, alice), ['NEW'])
})

test('a halted destination takes nothing, and what was sent there is canceled', async t => {
  const rehearsal = await staged(t)
  const [alice, root] = [await following(rehearsal, 'alice'), await rehearsal.login('root')]
  deepEqual(await orders(rehearsal, alice, 1, 'CHIX'), ['NEW'])
  deepEqual(await orders(rehearsal, alice), ['NEW'])
  deepEqual(await ask(rehearsal, root, Kind.Halt, Destination, 'CHIX'), ['Halted 1'])
  deepEqual(words(alice.take()), CANCELED)
  deepEqual(await orders(rehearsal, alice, 1, 'CHIX'), REJECTED)
  deepEqual(await orders(rehearsal, alice), ['NEW'])
  deepEqual(await ask(rehearsal, root, Kind.Lift, Destination, 'CHIX'), ['Done'])
  deepEqual(await orders(rehearsal, alice, 1, 'CHIX'), ['NEW'])
})

test('sweeps of many orders take turns with other commands, and all who asked are answered', async t => {
  const rehearsal = await staged(t, { shards: 2 })
  const { directory } = rehearsal
  const [alice, bob, root] = [
    await rehearsal.login('alice'),
    await following(rehearsal, 'bob'),
    await rehearsal.login('root'),
  ]
  await orders(rehearsal, alice, 700)
  await orders(rehearsal, bob, 300)
  for (const target of ['alice', 'bob']) root.request(Kind.Halt, 0, Account, directory.id(target))
  root.request(Kind.Halt, 0, Everybody)
  submit(bob)
  await rehearsal.settle()
  const halted = words(root.take())
  // What one of them has canceled the others need not: the first have begun together.
  equal(halted.length, 3)
  ok(halted.includes('Halted 1000'), halted.join())
  deepEqual(
    words(bob.take())
      .filter(word => word !== 'PENDING_CANCEL')
      .sort(),
    [...Array<string>(300).fill('CANCELED CANCELED_BY_HALT'), 'REJECTED TRADING_HALTED'],
  )
  deepEqual(
    rehearsal.shards.map(({ state }) => state.orders.size),
    [0, 0],
  )
})

test('a halt holds after a crash, and what was not canceled before is canceled then', async t => {
  const folder = temporaryFolder(t)
  const directory = smallDirectory()
  const before = await Rehearsal.start({ folder, directory })
  const [alice, root] = [await following(before, 'alice'), await before.login('root')]
  await orders(before, alice, 3)
  // Killed before any shard has turned.
  root.request(Kind.Halt, 0, Everybody, null, 'flash crash')
  await before.kill()
  const after = await Rehearsal.start({ folder, directory })
  t.after(() => after.kill())
  equal(after.shards[0]!.state.orders.size, 0)
  const again = await after.login('root')
  again.request(Kind.Halts, 0)
  await after.settle()
  const [list] = again.take()
  const [[scope, target, name, by, byName, at, text]] = list![3] as [Value[]]
  deepEqual([scope, target, name, by, byName, text], [Everybody, null, '', directory.id('root'), 'root', 'flash crash'])
  ok(typeof at === 'number' && at > 0)
  deepEqual(await orders(after, await following(after, 'carol')), REJECTED)
})

test('a halt that cannot be written down is in force, and says so', async t => {
  const folder = temporaryFolder(t)
  const rehearsal = await Rehearsal.start({ folder, directory: smallDirectory() })
  const [alice, root] = [await following(rehearsal, 'alice'), await rehearsal.login('root')]
  rehearsal.haltStore.close()
  deepEqual(await ask(rehearsal, root, Kind.Halt, Everybody), ['NOT_KEPT'])
  deepEqual(await orders(rehearsal, alice), REJECTED)
  deepEqual(await ask(rehearsal, root, Kind.Lift, Everybody), ['NOT_KEPT'])
  deepEqual(await orders(rehearsal, alice), REJECTED)
})

test('a halt that could not be written down is, when it is thrown again', async t => {
  const folder = temporaryFolder(t)
  const directory = smallDirectory()
  const before = await Rehearsal.start({ folder, directory })
  const root = await before.login('root')
  // The disk is full for a while.
  const full = () => {
    throw new Error('database or disk is full')
  }
  Object.defineProperty(before.haltStore, 'throw', { value: full, configurable: true })
  deepEqual(await ask(before, root, Kind.Halt, Everybody), ['NOT_KEPT'])
  Reflect.deleteProperty(before.haltStore, 'throw')
  deepEqual(await ask(before, root, Kind.Halt, Everybody), ['Halted 0'])
  deepEqual(await ask(before, root, Kind.Halt, Everybody), ['Halted 0'])
  await before.kill()
  const after = await Rehearsal.start({ folder, directory })
  t.after(() => after.kill())
  deepEqual(await orders(after, await following(after, 'carol')), REJECTED)
  deepEqual(await ask(after, await after.login('root'), Kind.Lift, Everybody), ['Done'])
  deepEqual(await orders(after, await following(after, 'carol')), ['NEW'])
})

test('a request about what is not there is refused by its code', async t => {
  const rehearsal = await staged(t)
  const root = await rehearsal.login('root')
  for (const [elements, reason] of [
    [[9, 1], 'MALFORMED_MESSAGE'],
    [[Account, 'alice'], 'MALFORMED_MESSAGE'],
    [[Account, 4711], 'UNKNOWN_ACCOUNT'],
    [[Group, 4711], 'UNKNOWN_GROUP'],
    [[Destination, 'NOWHERE'], 'UNKNOWN_DESTINATION'],
    [[Everybody, null, 7], 'INVALID_TEXT'],
    [[Everybody, null, 'x'.repeat(257)], 'INVALID_TEXT'],
  ] as const) {
    for (const kind of [Kind.Halt, Kind.Lift]) deepEqual(await ask(rehearsal, root, kind, ...elements), [reason])
  }
})
