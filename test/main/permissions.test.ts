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

/** Each request about alice's account and orders, as who may do it is answered, and as a stranger is. */
const requests = (alice: number, live: number, group: number) =>
  ({
    Submit: [Kind.Submit, alice, ...submitElements()],
    Update: [Kind.Update, alice, live, 3, 10, 1],
    LoadOrder: [Kind.LoadOrder, 0, live],
    'LoadOrder of the account': [Kind.LoadOrder, alice, live],
    QueryOrders: [Kind.QueryOrders, alice, 0, -2, 3],
    'QueryOrders live': [Kind.QueryOrders, alice, 0, -1, 3],
    QueryReports: [Kind.QueryReports, alice, 0, -2, 3],
    Subscribe: [Kind.Subscribe, alice, 0, 1],
    'Subscribe to the group': [Kind.Subscribe, 0, 1, 0, group],
    Positions: [Kind.Positions, alice],
    Cancel: [Kind.Cancel, alice, live],
  }) as const

const full = {
  Submit: 'OrderAccepted',
  Update: 'NOT_PERMITTED',
  LoadOrder: 'OrderRecord',
  'LoadOrder of the account': 'OrderRecord',
  QueryOrders: 'QueryEnd',
  'QueryOrders live': 'QueryEnd',
  QueryReports: 'QueryEnd',
  Subscribe: 'Subscribed',
  'Subscribe to the group': 'NOT_PERMITTED',
  Positions: 'PositionList',
  Cancel: 'Done',
}
const none = Object.fromEntries(Object.keys(full).map(name => [name, 'NOT_PERMITTED'])) as typeof full

const matrix = {
  'the owner': ['alice', full],
  'a manager of the desk': ['mona', { ...full, 'Subscribe to the group': 'Subscribed' }],
  'an administrator': ['root', { ...full, Update: 'Done', 'Subscribe to the group': 'Subscribed' }],
  // An order that is not theirs is told apart from none by nobody, so loading by id alone does not say so.
  'another trader of the desk': ['bob', { ...none, LoadOrder: 'UNKNOWN_ORDER' }],
  'an outsider': ['carol', { ...none, LoadOrder: 'UNKNOWN_ORDER' }],
} as const

for (const [role, [name, expected]] of Object.entries(matrix)) {
  test(`what ${role} may do about an account`, async t => {
    const rehearsal = await staged(t)
    const { directory } = rehearsal
    const owner = await rehearsal.login('alice')
    submit(owner)
    await rehearsal.settle()
    const peer = name === 'alice' ? owner : await rehearsal.login(name)
    peer.take()
    const found: Record<string, string> = {}
    const before = rehearsal.nextOrderId
    for (const [title, [kind, ...rest]] of Object.entries(requests(directory.id('alice'), 1, directory.id('alice')))) {
      // The group's id is known only here.
      const elements = title === 'Subscribe to the group' ? [0, 1, 0, directory.findGroup('desk')!] : rest
      found[title] = await ask(rehearsal, peer, kind, ...elements)
    }
    deepEqual(found, expected)
    // A submission without permission uses up no id, and leaves nothing in the other account.
    const accepted = expected.Submit === 'OrderAccepted' ? 1 : 0
    equal(rehearsal.nextOrderId, before + accepted)
    const book = rehearsal.shards[0]!.state.books[directory.rowOf(directory.id('alice'))]!
    equal(book.orderSequence, 1 + accepted)
  })
}

test('a manager may not touch a fellow manager, and an unknown account is told from a forbidden one', async t => {
  const rehearsal = await staged(t)
  const mona = await rehearsal.login('mona')
  equal(await ask(rehearsal, mona, Kind.Submit, rehearsal.directory.id('max'), ...submitElements()), 'NOT_PERMITTED')
  for (const [kind, ...rest] of [
    [Kind.Submit, ...submitElements()],
    [Kind.Cancel, 1],
    [Kind.QueryOrders, 0, -2, 3],
    [Kind.Subscribe, 0, 0],
    [Kind.Positions],
  ] as const) {
    equal(await ask(rehearsal, mona, kind, 99_999, ...rest), 'UNKNOWN_ACCOUNT')
  }
  equal(await ask(rehearsal, mona, Kind.Subscribe, 0, 1, 0, 12_345), 'UNKNOWN_GROUP')
})

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
