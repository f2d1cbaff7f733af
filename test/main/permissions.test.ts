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

test('refusals for want of permission are logged with who asked for what', async t => {
  const rehearsal = await staged(t)
  const carol = await rehearsal.login('carol')
  const asked = rehearsal.directory.id('alice')
  await ask(rehearsal, carol, Kind.Submit, asked, ...submitElements())
  deepEqual(rehearsal.logged, [{ message: 'not permitted', facts: { peer: 'carol', account: 'carol', asked } }])
})

test('a permission given or taken holds for the sessions that are there', async t => {
  const rehearsal = await staged(t)
  const { directory } = rehearsal
  const mona = await rehearsal.login('mona')
  const carol = directory.id('carol')
  equal(await ask(rehearsal, mona, Kind.Submit, carol, ...submitElements()), 'NOT_PERMITTED')
  directory.change(() => directory.group('desk').traders.add('carol'))
  rehearsal.membershipsChanged()
  equal(await ask(rehearsal, mona, Kind.Submit, carol, ...submitElements()), 'OrderAccepted')
  directory.change(() => directory.group('desk').managers.delete('mona'))
  rehearsal.membershipsChanged()
  equal(await ask(rehearsal, mona, Kind.Submit, carol, ...submitElements()), 'NOT_PERMITTED')
  directory.change(administrators => administrators.add('mona'))
  rehearsal.membershipsChanged()
  equal(await ask(rehearsal, mona, Kind.Submit, carol, ...submitElements()), 'OrderAccepted')
  // The administrator's rights hold for the own account as well.
  submit(mona)
  await rehearsal.settle()
  const orderId = rehearsal.nextOrderId - 1
  equal(await ask(rehearsal, mona, Kind.Update, 0, orderId, 3, 1, 1), 'Done')
  directory.change(administrators => administrators.delete('mona'))
  rehearsal.membershipsChanged()
  equal(await ask(rehearsal, mona, Kind.Update, 0, orderId, 3, 1, 1), 'NOT_PERMITTED')
})

test('names are found, and the accounts one may trade are listed page by page', async t => {
  const rehearsal = await staged(t)
  const { directory } = rehearsal
  const mona = await rehearsal.login('mona')
  mona.request(Kind.Find, 0, 0, 'carol')
  mona.request(Kind.Find, 0, 1, 'desk')
  mona.request(Kind.Find, 0, 0, 'nobody')
  mona.request(Kind.Find, 0, 1, 'nowhere')
  mona.request(Kind.Accounts, 0, 0)
  mona.request(Kind.Accounts, 0, directory.id('alice'))
  const [carol, desk, nobody, nowhere, all, rest] = mona.take()
  deepEqual(carol!.slice(2), [directory.id('carol'), directory.id('carol'), 'carol'])
  deepEqual(desk!.slice(2), [0, directory.findGroup('desk'), 'desk'])
  equal(reasonName(Number(nobody![3])), 'UNKNOWN_ACCOUNT')
  equal(reasonName(Number(nowhere![3])), 'UNKNOWN_GROUP')
  const mine = ['alice', 'bob', 'mona'].map(name => [directory.id(name), name])
  deepEqual(all!.slice(3), [mine, 0])
  deepEqual(rest!.slice(3), [mine.slice(1), 0])
})
