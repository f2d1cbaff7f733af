import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { reasonName } from '../../src/domain/reasons.ts'
import { Kind } from '../../src/protocol/kinds.ts'
import type { Value } from '../../src/protocol/msgpack.ts'
import type { Rehearsal } from '../simulation/rehearsal.ts'
import type { RehearsedPeer } from '../simulation/rehearsed-peer.ts'
import { staged, submit, submitElements } from '../simulation/stage.ts'

/** The answer to a request in one word: the kind, or the name of the reason. */
function outcome(answers: readonly Value[][], requestId: number): string {
  const answer = answers.filter(message => message[1] === requestId).at(-1)
  if (answer === undefined) return 'silence'
  if (answer[0] === Kind.Refused) return reasonName(Number(answer[3]))
  return Object.entries(Kind).find(([, kind]) => kind === answer[0])![0]
}

async function ask(rehearsal: Rehearsal, peer: RehearsedPeer, kind: number, ...rest: unknown[]): Promise<string> {
  const requestId = peer.request(kind, rest[0] as number, ...rest.slice(1))
  await rehearsal.settle()
  return outcome(peer.take(), requestId)
}

test('an observer reads what it observes and does nothing else, whatever other roles it has, also for itself', async t => {
  for (const [who, observes] of [
    ['carol', 'the group'],
    ['carol', 'everybody'],
    ['mona', 'the group'],
    ['root', 'everybody'],
    ['alice', 'the group'],
  ] as const) {
    const rehearsal = await staged(t)
    const { directory } = rehearsal
    const owner = await rehearsal.login('alice')
    submit(owner)
    await rehearsal.settle()
    const peer = who === 'alice' ? owner : await rehearsal.login(who)
    const [alice, group, own] = [directory.id('alice'), directory.findGroup('desk')!, directory.id(who)]
    // Followed live: the session was there before.
    directory.change(() => (observes === 'everybody' ? directory : directory.group('desk')).observers.add(who))
    rehearsal.membershipsChanged()
    peer.take()
    const before = rehearsal.nextOrderId
    const found: Record<string, string> = {}
    for (const [name, kind] of Object.entries(Kind)) {
      if (kind > 63 || kind === Kind.Heartbeat || kind === Kind.Logout || kind === Kind.Unsubscribe) continue
      const rest: Record<string, unknown[]> = {
        Submit: [alice, ...submitElements()],
        Cancel: [alice, 1],
        Replace: [alice, 1, 200, 10],
        Update: [alice, 1, 3, 10, 1],
        LoadOrder: [0, 1],
        QueryOrders: [alice, 0, -1, 3],
        QueryReports: [alice, 0, -2, 3],
        Subscribe: [0, 1, 0, group],
        Find: [0, 0, 'alice'],
        Halt: [0, 0, alice],
        Lift: [0, 0, alice],
        ArmSwitch: [alice, 5_000],
      }
      found[name] = await ask(rehearsal, peer, kind, ...(rest[name] ?? [alice]))
    }
    for (const [title, rest] of Object.entries({
      'own Submit': [Kind.Submit, own, ...submitElements()],
      'own Switch': [Kind.ArmSwitch, 0, 5_000],
      'unknown kind': [63, 0],
    })) {
      found[title] = await ask(rehearsal, peer, rest[0] as number, ...rest.slice(1))
    }
    const reads: Record<string, string> = {
      LoadOrder: 'OrderRecord',
      QueryOrders: 'QueryEnd',
      QueryReports: 'QueryEnd',
      Subscribe: 'Subscribed',
      Positions: 'PositionList',
      Find: 'Found',
      Accounts: 'AccountList',
      Halts: 'HaltList',
      Switch: 'SwitchState',
    }
    deepEqual(
      found,
      Object.fromEntries(Object.keys(found).map(name => [name, reads[name] ?? 'NOT_PERMITTED'])),
      `${who} observes ${observes}`,
    )
    equal(rehearsal.nextOrderId, before)
    equal(await ask(rehearsal, peer, Kind.Unsubscribe, 0, 99), 'UNKNOWN_SUBSCRIPTION')
    // What it follows comes, and ends with its role.
    const trader = who === 'alice' ? await rehearsal.login('bob') : owner
    submit(trader)
    await rehearsal.settle()
    equal(
      peer.take().some(([kind]) => kind === Kind.OrderAccepted),
      true,
    )
    directory.change(() => (observes === 'everybody' ? directory : directory.group('desk')).observers.delete(who))
    rehearsal.membershipsChanged()
    await rehearsal.settle()
    peer.take()
    const may = { carol: 'NOT_PERMITTED', mona: 'OrderAccepted', root: 'OrderAccepted', alice: 'OrderAccepted' }[who]
    equal(await ask(rehearsal, peer, Kind.Submit, alice, ...submitElements()), may)
    peer.take()
    submit(trader)
    await rehearsal.settle()
    const heard = peer.take().some(([kind]) => kind === Kind.OrderAccepted)
    equal(heard, who === 'mona' || who === 'root')
  }
})

test('an observer of a group sees its traders alone, one of everybody all accounts', async t => {
  const rehearsal = await staged(t)
  const { directory } = rehearsal
  const carol = await rehearsal.login('carol')
  const listed = async () => {
    carol.request(Kind.Accounts, 0)
    await rehearsal.settle()
    return (carol.take()[0]![3] as [number, string][]).map(([, name]) => name)
  }
  deepEqual(await listed(), ['carol'])
  directory.change(() => directory.group('desk').observers.add('carol'))
  deepEqual(await listed(), ['alice', 'bob', 'carol'])
  equal(await ask(rehearsal, carol, Kind.Positions, directory.id('mona')), 'NOT_PERMITTED')
  equal(await ask(rehearsal, carol, Kind.Positions, directory.id('bob')), 'PositionList')
  directory.change(() => directory.observers.add('carol'))
  deepEqual(await listed(), ['alice', 'bob', 'carol', 'mona', 'max', 'root'])
})
