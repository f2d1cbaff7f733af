import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { nodesBody, ruleBody } from '../../src/compliance/rule-messages.ts'
import { RuleState } from '../../src/compliance/schema.ts'
import type { Destination } from '../../src/destinations/destination.ts'
import { OrderStatus, orderStatusNames } from '../../src/domain/order-status.ts'
import { Reason, reasonName } from '../../src/domain/reasons.ts'
import { Kind } from '../../src/protocol/kinds.ts'
import { MassCancelMode, MassCancelWho } from '../../src/protocol/mass-cancel.ts'
import type { Value } from '../../src/protocol/msgpack.ts'
import type { OrderLife } from '../../src/shards/order-life.ts'
import { CANCEL_PIECE } from '../../src/shards/shard-state.ts'
import { Command } from '../../src/shared-memory/records.ts'
import { Rehearsal } from '../simulation/rehearsal.ts'
import type { RehearsedPeer } from '../simulation/rehearsed-peer.ts'
import { type SubmitFields, smallDirectory, staged, submit, temporaryFolder } from '../simulation/stage.ts'

/** Orders that are canceled in one go. */
const PIECE = CANCEL_PIECE.doneMax

const { Account, Group, Everybody } = MassCancelWho
const { Cancel, Force, Count } = MassCancelMode

interface Asked {
  readonly account?: number
  readonly who?: MassCancelWho
  readonly group?: number
  readonly scope?: Value
  readonly begin?: Value
  readonly end?: Value
  readonly orderId?: number
  readonly mode?: MassCancelMode
  readonly text?: string
  readonly waitMs?: number
}

/** Sends a mass cancel; nothing has happened yet when it is back. */
function send(peer: RehearsedPeer, asked: Asked = {}): number {
  const { account = 0, who = Account, group = 0, scope = '*', begin = 0, end = 0 } = asked
  const { orderId = 0, mode = Cancel, text = '', waitMs = 0 } = asked
  return peer.request(Kind.MassCancel, account, who, group, scope, begin, end, orderId, mode, text, waitMs)
}

/** What a message says of a mass cancel: `8 matched, 5 canceled, 1 done, 2 open, 1 pending, 404×1`. */
function countsText(message: readonly Value[]): string {
  const [, , , matched, canceled, done, open, pending, refused] = message
  const numbers = { matched, canceled, done, open, pending }
  const words = Object.entries(numbers).flatMap(([name, count]) => (count === 0 ? [] : [`${count} ${name}`]))
  for (const [reason, count] of refused as [number, number][]) words.push(`${reasonName(reason)}×${count}`)
  return words.join(', ')
}

function answerText(message: readonly Value[] | undefined): string {
  if (message === undefined) return 'silence'
  return message[0] === Kind.Refused ? reasonName(Number(message[3])) : countsText(message)
}

/** Asks, and waits for the answer. */
async function ask(rehearsal: Rehearsal, peer: RehearsedPeer, asked: Asked = {}): Promise<string> {
  const requestId = send(peer, asked)
  await rehearsal.settle()
  const answers = peer.take().filter(message => message[1] === requestId)
  equal(answers.length, 1)
  return answerText(answers[0])
}

/** Follows its own account from now on. */
async function following(rehearsal: Rehearsal, name: string): Promise<RehearsedPeer> {
  const peer = await rehearsal.login(name)
  peer.request(Kind.Subscribe, 0, 0, 0)
  await rehearsal.settle()
  peer.take()
  return peer
}

/** Submits orders. @returns their ids */
async function orders(rehearsal: Rehearsal, peer: RehearsedPeer, ...all: SubmitFields[]): Promise<number[]> {
  for (const fields of all) submit(peer, fields)
  await rehearsal.settle()
  return peer
    .take()
    .filter(([kind]) => kind === Kind.OrderAccepted)
    .map(message => Number(message[4]))
}

const many = (count: number): SubmitFields[] => Array.from({ length: count }, () => ({}))

/** Order, status, reason, text and operator of the reports. */
function reportsOf(messages: readonly Value[][]): unknown[][] {
  return messages
    .filter(([kind]) => kind === Kind.ExecutionReport)
    .map(message => [
      message[4],
      orderStatusNames[message[7] as OrderStatus],
      reasonName(Number(message[17] ?? 0)),
      message[19] ?? '',
      message[21] ?? 0,
    ])
}

test('the live orders of an account are canceled, each reported with who wanted it and why, and nobody else’s are', async t => {
  const rehearsal = await staged(t, { shards: 2 })
  const { directory } = rehearsal
  const alice = await following(rehearsal, 'alice')
  const bob = await following(rehearsal, 'bob')
  const mona = await rehearsal.login('mona')
  const [first, second] = await orders(rehearsal, alice, {}, { ticker: 'RY.TSX' })
  await orders(rehearsal, bob, {})
  equal(await ask(rehearsal, mona, { account: directory.id('alice'), text: 'desk reset' }), '2 matched, 2 canceled')
  const wish = (order: number | undefined, text: string) => [
    [order, 'PENDING_CANCEL', 'NONE', text, directory.id('mona')],
    [order, 'CANCELED', 'CANCELED_IN_BULK', text, directory.id('mona')],
  ]
  deepEqual(reportsOf(alice.take()), [...wish(second, 'desk reset'), ...wish(first, 'desk reset')])
  deepEqual(bob.take(), [])
  // Asked again there is nothing left to do.
  equal(await ask(rehearsal, mona, { account: directory.id('alice') }), '')
  equal(await ask(rehearsal, bob), '1 matched, 1 canceled')
  const [third] = await orders(rehearsal, alice, {})
  equal(await ask(rehearsal, alice, { mode: Count }), '1 matched, 1 open')
  deepEqual(reportsOf(alice.take()), [])
  send(alice)
  await rehearsal.settle()
  deepEqual(reportsOf(alice.take()), [
    [third, 'PENDING_CANCEL', 'NONE', '', directory.id('alice')],
    [third, 'CANCELED', 'CANCELED_IN_BULK', 'Canceled in bulk.', directory.id('alice')],
  ])
})

test('who may cancel whose orders, and who may force it', async t => {
  const rehearsal = await staged(t, { shards: 2 })
  const { directory } = rehearsal
  const desk = directory.findGroup('desk')!
  const traders = { alice: await rehearsal.login('alice'), bob: await rehearsal.login('bob') }
  const carol = await rehearsal.login('carol')
  const found: Record<string, Record<string, string>> = {}
  for (const name of ['alice', 'bob', 'carol', 'mona', 'root']) {
    const peer = await rehearsal.login(name)
    found[name] = {}
    for (const [what, asked] of Object.entries({
      alice: { account: directory.id('alice') },
      desk: { who: Group, group: desk },
      everybody: { who: Everybody },
      forced: { account: directory.id('alice'), mode: Force },
    })) {
      for (const trader of [traders.alice, traders.bob, carol]) await orders(rehearsal, trader, {})
      found[name][what] = await ask(rehearsal, peer, asked)
      await ask(rehearsal, await rehearsal.login('root'), { who: Everybody })
    }
  }
  const no = 'NOT_PERMITTED'
  const all = (count: number) => `${count} matched, ${count} canceled`
  deepEqual(found, {
    alice: { alice: all(1), desk: no, everybody: all(1), forced: no },
    bob: { alice: no, desk: no, everybody: all(1), forced: no },
    carol: { alice: no, desk: no, everybody: all(1), forced: no },
    mona: { alice: all(1), desk: all(2), everybody: all(2), forced: no },
    root: { alice: all(1), desk: all(2), everybody: all(3), forced: all(1) },
  })
})

test('a scope, an order and the days of each venue narrow the selection down', async t => {
  // In Toronto it is the 15th still, in Sydney the 16th.
  const rehearsal = await staged(t, { nowUs: Date.UTC(2024, 6, 16, 2) * 1000 })
  const alice = await rehearsal.login('alice')
  const [abx] = await orders(rehearsal, alice, {}, { ticker: 'RY.TSX' }, { ticker: 'XYZ.TSXV' }, { ticker: 'S32.ASX' })
  const count = (asked: Asked) => ask(rehearsal, alice, { ...asked, mode: Count })
  const found: Record<string, string> = {}
  for (const [name, asked] of Object.entries({
    everything: {},
    CA: { scope: 'CA' },
    Canada: { scope: 'Canada' },
    TSX: { scope: 'TSX' },
    XTSE: { scope: 'XTSE' },
    ticker: { scope: 'ABX.TSX' },
    'ticker by MIC': { scope: 'ABX.XTSE' },
    'nobody’s ticker': { scope: 'AB.TSX' },
    order: { orderId: abx! },
    'order elsewhere': { orderId: abx!, scope: 'ASX' },
    'the 15th': { begin: '2024-07-15', end: '2024-07-15' },
    'the 16th': { begin: '2024-07-16', end: '2024-07-16' },
    'from the 16th on': { begin: '2024-07-16' },
    'up to the 15th': { end: '2024-07-15' },
    'both days': { begin: '2024-07-15', end: '2024-07-16' },
    'up to that moment': { end: rehearsal.nowUs },
    'up to just before': { end: rehearsal.nowUs - 1 },
    'from that moment on': { begin: rehearsal.nowUs },
    'from just after on': { begin: rehearsal.nowUs + 1 },
    'a moment and a day': { begin: rehearsal.nowUs, end: '2024-07-15' },
  })) {
    found[name] = (await count(asked)).replace(/ matched.*/, '')
  }
  deepEqual(found, {
    everything: '4',
    CA: '3',
    Canada: '3',
    TSX: '2',
    XTSE: '2',
    ticker: '1',
    'ticker by MIC': '1',
    'nobody’s ticker': '',
    order: '1',
    'order elsewhere': '',
    'the 15th': '3',
    'the 16th': '1',
    'from the 16th on': '1',
    'up to the 15th': '3',
    'both days': '4',
    'up to that moment': '4',
    'up to just before': '',
    'from that moment on': '4',
    'from just after on': '',
    'a moment and a day': '3',
  })
  equal(await ask(rehearsal, alice, { scope: 'TSX', begin: '2024-07-15' }), '2 matched, 2 canceled')
  equal(await count({}), '2 matched, 2 open')
})

test('recovered orders keep the time at which they were accepted', async t => {
  const folder = temporaryFolder(t)
  const directory = smallDirectory()
  const nowUs = Date.UTC(2024, 6, 15, 16) * 1000
  const before = await Rehearsal.start({ folder, directory, nowUs })
  await orders(before, await before.login('alice'), {})
  await before.kill()
  const after = await Rehearsal.start({ folder, directory, nowUs: nowUs + 86_400e6 })
  t.after(() => after.kill())
  const alice = await after.login('alice')
  await orders(after, alice, { timeInForce: 1 })
  equal(await ask(after, alice, { begin: '2024-07-16', mode: Count }), '1 matched, 1 open')
})

test('others trade on between the pieces, and what comes later is left alone, also of the same account', async t => {
  const rehearsal = await staged(t)
  const alice = await rehearsal.login('alice')
  const bob = await following(rehearsal, 'bob')
  await orders(rehearsal, alice, ...many(16 * PIECE))
  const requestId = send(alice)
  submit(alice)
  submit(bob)
  let turns = 0
  let firstOfBob = 0
  const answers: Value[][] = []
  while (answers.at(-1)?.[0] !== Kind.MassCanceled) {
    ok(turns < 1000, 'the mass cancel does not end')
    turns += 1
    rehearsal.nowUs += 50_000
    rehearsal.turnShard(0)
    rehearsal.turnPump()
    answers.push(...alice.take().filter(message => message[1] === requestId))
    if (firstOfBob === 0 && reportsOf(bob.take()).length > 0) firstOfBob = turns
    if (turns % 4 === 0) submit(alice)
  }
  // Blocks of a rehearsal hold two commands, and his was the third.
  equal(firstOfBob, 2)
  ok(turns >= 16, `${turns} turns`)
  const told = answers.map(countsText)
  equal(told.at(-1), `${16 * PIECE} matched, ${16 * PIECE} canceled`)
  const progress = answers.slice(0, -1)
  ok(progress.length > 3, told.join('; '))
  ok(progress.every(([kind]) => kind === Kind.MassCancelProgress))
  const canceled = progress.map(message => Number(message[4]))
  deepEqual(
    canceled,
    canceled.toSorted((a, b) => a - b),
  )
  await rehearsal.settle()
  // The later ones of alice, and that of bob.
  equal(rehearsal.shards[0]!.state.orders.size, 2 + Math.floor(turns / 4))
})

test('mass cancels at the same time take turns, and each counts what it met itself', async t => {
  const rehearsal = await staged(t, { shards: 2 })
  const { directory } = rehearsal
  const root = await rehearsal.login('root')
  for (const name of ['alice', 'bob', 'carol']) await orders(rehearsal, await rehearsal.login(name), ...many(300))
  const requests = ['alice', 'bob', 'carol', 'alice', 'bob', 'carol', 'alice', 'bob', 'carol', 'alice'].map(name =>
    send(root, { account: directory.id(name) }),
  )
  const everybody = send(root, { who: Everybody })
  await rehearsal.settle()
  const answers = new Map(root.take().map(message => [message[1], message]))
  equal(answers.size, 11)
  const sum = [...requests, everybody].reduce((total, requestId) => total + Number(answers.get(requestId)?.[4]), 0)
  equal(sum, 900)
  deepEqual(
    rehearsal.shards.map(({ state }) => [state.orders.size, state.cancelSweeps.isUnderWay]),
    [
      [0, false],
      [0, false],
    ],
  )
})

test('orders that end while a sweep is on its way to them take nothing with them', async t => {
  const rehearsal = await staged(t)
  const alice = await rehearsal.login('alice')
  const ids = await orders(rehearsal, alice, ...many(4 * PIECE))
  send(alice)
  // Those that the sweep comes to next, one after the other, and some behind them.
  for (let turn = 0; turn < 3; turn++) {
    rehearsal.turnShard(0)
    for (const id of [ids.length - PIECE - 1, ids.length - PIECE - 2, 20, 21, 0].map(at => ids[at]!)) {
      alice.request(Kind.Cancel, 0, id)
    }
  }
  await rehearsal.settle()
  const messages = alice.take()
  const answer = messages.find(([kind]) => kind === Kind.MassCanceled)
  const single = messages.filter(([kind]) => kind === Kind.Done).length
  ok(single > 0)
  equal(Number(answer?.[4]) + single, ids.length)
  equal(rehearsal.shards[0]!.state.orders.size, 0)
})

test('what a rule keeps from being canceled is counted by its code and stays open, unless it is forced', async t => {
  const rehearsal = await staged(t)
  const { directory } = rehearsal
  const account = directory.id('alice')
  const alice = await following(rehearsal, 'alice')
  const root = await rehearsal.login('root')
  const [link] = rehearsal.links
  const schema = { name: 'reject_cancels', parameters: [] }
  const rule = { id: 7, node: account, nodeKind: 'account', state: RuleState.Active, schema, revision: 1 } as const
  link!.post(Command.Nodes, directory.rowOf(account), rehearsal.nowUs, 0, nodesBody([account]))
  link!.post(Command.Rule, 0, rehearsal.nowUs, 0, ruleBody({ ...rule, tripped: false }))
  await orders(rehearsal, alice, {}, {})
  equal(await ask(rehearsal, root, { account }), '2 matched, 2 open, CANCELS_NOT_ALLOWED×2')
  deepEqual(reportsOf(alice.take()), [])
  equal(rehearsal.violations.length, 2)
  equal(await ask(rehearsal, root, { account, mode: Count }), '2 matched, 2 open')
  equal(rehearsal.violations.length, 2)
  equal(await ask(rehearsal, root, { account, mode: Force, text: 'venue is gone' }), '2 matched, 2 canceled')
  const told = reportsOf(alice.take())
  deepEqual(
    told.map(([, ...rest]) => rest),
    [
      ['CANCELED', 'CANCELED_IN_BULK', 'venue is gone', directory.id('root')],
      ['CANCELED', 'CANCELED_IN_BULK', 'venue is gone', directory.id('root')],
    ],
  )
})

/** A venue far away: it takes orders, says at once that a cancel is pending, and nothing more by itself. */
class FarVenue implements Destination {
  readonly answersLater = true
  readonly #life: OrderLife

  constructor(life: OrderLife) {
    this.#life = life
  }

  submit(slot: number, _order: unknown, timestampUs: number): void {
    this.#life.report(slot, OrderStatus.New, 0, 0, timestampUs, Reason.None, '')
  }

  cancel(slot: number, timestampUs: number): void {
    this.#life.report(slot, OrderStatus.PendingCancel, 0, 0, timestampUs, Reason.None, '')
  }

  replace(): void {}
  update(): void {}
  restore(): void {}
}

/** A rehearsal with such a venue, and how its answers come. */
async function stagedFar(t: Parameters<typeof staged>[0]) {
  const lives: OrderLife[] = []
  const rehearsal = await staged(t, {
    destinations: life => {
      lives.push(life)
      const venue = new FarVenue(life)
      return { simulated: venue, manual: venue }
    },
  })
  const answer = async (orderId: number, status: OrderStatus, quantity = 0) => {
    const slot = rehearsal.shards[0]!.state.orders.find(orderId)
    lives[0]!.report(slot, status, quantity, quantity, rehearsal.nowUs, Reason.None, '')
    rehearsal.tellTime()
    await rehearsal.settle()
  }
  return { rehearsal, answer }
}

test('the answer waits until the destinations have ended the orders, and tells how', async t => {
  const { rehearsal, answer } = await stagedFar(t)
  const alice = await rehearsal.login('alice')
  const [first, second, third] = await orders(rehearsal, alice, {}, {}, {})
  const pending = send(alice, { orderId: first!, waitMs: 60_000 })
  await rehearsal.settle()
  const requestId = send(alice, { waitMs: 60_000 })
  await rehearsal.settle()
  deepEqual(alice.take(), [])
  await answer(first!, OrderStatus.Canceled)
  deepEqual(
    alice.take().map(message => [message[1], answerText(message)]),
    [[pending, '1 matched, 1 canceled']],
  )
  await answer(second!, OrderStatus.Filled, 100e6)
  deepEqual(alice.take(), [])
  await answer(third!, OrderStatus.Canceled)
  deepEqual(
    alice.take().map(message => [message[1], answerText(message)]),
    [[requestId, '3 matched, 2 canceled, 1 done, 1 pending']],
  )
})

test('who has waited long enough is told what is still open, and may ask again', async t => {
  const { rehearsal, answer } = await stagedFar(t)
  const alice = await rehearsal.login('alice')
  const [first, second] = await orders(rehearsal, alice, {}, {})
  send(alice, { waitMs: 1_000 })
  await rehearsal.settle()
  await answer(first!, OrderStatus.Canceled)
  rehearsal.nowUs += 999_000
  rehearsal.tellTime()
  await rehearsal.settle()
  deepEqual(alice.take(), [])
  rehearsal.nowUs += 1_000
  rehearsal.tellTime()
  await rehearsal.settle()
  deepEqual(alice.take().map(answerText), ['2 matched, 1 canceled, 1 open'])
  // Nobody waits for it any more.
  equal(await ask(rehearsal, alice), '1 matched, 1 open, 1 pending')
  const requestId = send(alice, { waitMs: 1_000 })
  await rehearsal.settle()
  await answer(second!, OrderStatus.Canceled)
  deepEqual(
    alice.take().map(message => [message[1], answerText(message)]),
    [[requestId, '1 matched, 1 canceled, 1 pending']],
  )
})

test('a mass cancel goes on when whoever asked has gone', async t => {
  const rehearsal = await staged(t)
  const alice = await rehearsal.login('alice')
  await orders(rehearsal, alice, ...many(4 * PIECE))
  send(alice)
  rehearsal.turnShard(0)
  rehearsal.hangUp(alice)
  await rehearsal.settle()
  equal(rehearsal.shards[0]!.state.orders.size, 0)
})

test('after a crash in the middle the rest is canceled by asking again, every order once', async t => {
  const folder = temporaryFolder(t)
  const directory = smallDirectory()
  const before = await Rehearsal.start({ folder, directory, diskSeed: 7 })
  const alice = await before.login('alice')
  const ids = await orders(before, alice, ...many(8 * PIECE))
  send(alice)
  for (let turn = 0; turn < 6; turn++) before.turnShard(0)
  await before.kill()
  const after = await Rehearsal.start({ folder, directory })
  t.after(() => after.kill())
  const left = after.shards[0]!.state.orders.size
  ok(left > 0 && left < ids.length, `${left} of ${ids.length} are left`)
  const again = await following(after, 'alice')
  equal(await ask(after, again), `${left} matched, ${left} canceled`)
  again.request(Kind.QueryReports, 0, 1, -2, 3)
  await after.settle()
  const canceled = again
    .take()
    .filter(([kind]) => kind === Kind.ReportRecord)
    .map(message => message[3] as Value[])
    .filter(event => event[0] === Kind.ExecutionReport && event[7] === OrderStatus.Canceled)
    .map(event => Number(event[4]))
  deepEqual(
    canceled.sort((a, b) => a - b),
    ids,
  )
})

test('a request that cannot be understood, or is about what is not there, is refused by its code', async t => {
  const rehearsal = await staged(t)
  const root = await rehearsal.login('root')
  for (const [elements, reason] of [
    [[3], 'MALFORMED_MESSAGE'],
    [['alice'], 'MALFORMED_MESSAGE'],
    [[Group, 'desk'], 'MALFORMED_MESSAGE'],
    [[Group, 4711], 'UNKNOWN_GROUP'],
    [[Account, 0, 7], 'MALFORMED_MESSAGE'],
    [[Account, 0, 'x'.repeat(65)], 'INVALID_TEXT'],
    [[Account, 0, 'Atlantis'], 'UNKNOWN_SCOPE'],
    [[Account, 0, ''], 'UNKNOWN_SCOPE'],
    [[Account, 0, '*', -1], 'INVALID_RANGE'],
    [[Account, 0, '*', 1.5], 'INVALID_RANGE'],
    [[Account, 0, '*', 'yesterday'], 'INVALID_RANGE'],
    [[Account, 0, '*', '2024-02-30'], 'INVALID_RANGE'],
    [[Account, 0, '*', 0, '2024-07-16 10:00'], 'INVALID_RANGE'],
    [[Account, 0, '*', '2024-07-16', '2024-07-15'], 'INVALID_RANGE'],
    [[Account, 0, '*', 2, 1], 'INVALID_RANGE'],
    [[Account, 0, '*', 0, 0, -1], 'MALFORMED_MESSAGE'],
    [[Account, 0, '*', 0, 0, 0, 3], 'MALFORMED_MESSAGE'],
    [[Account, 0, '*', 0, 0, 0, Cancel, 7], 'INVALID_TEXT'],
    [[Account, 0, '*', 0, 0, 0, Cancel, 'é'.repeat(129)], 'INVALID_TEXT'],
    [[Account, 0, '*', 0, 0, 0, Cancel, '', 600_001], 'MALFORMED_MESSAGE'],
    [[Account, 0, '*', 0, 0, 0, Cancel, '', 0, 1], 'MALFORMED_MESSAGE'],
  ] as const) {
    root.request(Kind.MassCancel, 0, ...elements)
    await rehearsal.settle()
    deepEqual([elements, ...root.take().map(answerText)], [elements, reason])
  }
  equal(await ask(rehearsal, root, { account: 4711 }), 'UNKNOWN_ACCOUNT')
  // What is left out has its default.
  root.request(Kind.MassCancel, 0)
  await rehearsal.settle()
  deepEqual(root.take().map(answerText), [''])
})

test('a server that is stopping takes no mass cancel', async t => {
  const rehearsal = await staged(t)
  const alice = await rehearsal.login('alice')
  rehearsal.gate.stopAccepting()
  equal(await ask(rehearsal, alice), 'STOPPING')
})
