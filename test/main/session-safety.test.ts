import { deepEqual, equal } from 'node:assert/strict'
import fs from 'node:fs'
import { test } from 'node:test'
import { Reason, reasonName } from '../../src/domain/reasons.ts'
import { TimeInForce } from '../../src/domain/time-in-force.ts'
import { AlsoCancel, CancelOn, Kind } from '../../src/protocol/kinds.ts'
import type { Value } from '../../src/protocol/msgpack.ts'
import { Command } from '../../src/shared-memory/records.ts'
import { Rehearsal } from '../simulation/rehearsal.ts'
import type { RehearsedPeer } from '../simulation/rehearsed-peer.ts'
import { type SubmitFields, smallDirectory, staged, submit, temporaryFolder } from '../simulation/stage.ts'

const { Loss, Logout, Both, Never } = CancelOn
const SECOND_US = 1_000_000
/** Nobody is sent away for being silent while time passes. */
const PATIENT = { gateLimits: { heartbeatMs: 600_000 } }
const GTD = { timeInForce: TimeInForce.Gtd, expiry: Date.UTC(2030, 0, 1) * 1000 }
const GTC = { timeInForce: TimeInForce.Gtc }

/** Time passes, for sessions, switches and shards. */
async function pass(rehearsal: Rehearsal, seconds: number): Promise<void> {
  rehearsal.nowUs += seconds * SECOND_US
  rehearsal.gate.tick(rehearsal.nowMs)
  await rehearsal.settle()
  rehearsal.gate.tick(rehearsal.nowMs)
  await rehearsal.settle()
}

async function orders(rehearsal: Rehearsal, peer: RehearsedPeer, ...all: SubmitFields[]): Promise<number[]> {
  for (const fields of all) submit(peer, fields)
  await rehearsal.settle()
  return peer.take().flatMap(message => (message[0] === Kind.OrderAccepted ? [Number(message[4])] : []))
}

/** Ids of the orders that live in the shards, ascending. */
function live(rehearsal: Rehearsal): number[] {
  const ids: number[] = []
  for (const { state } of rehearsal.shards) {
    for (let slot = 0; slot < state.orders.slotsUsed; slot++) {
      if (state.orders.isLive(slot)) ids.push(state.orders.orderId[slot]!)
    }
  }
  return ids.sort((a, b) => a - b)
}

/** What a follower hears of orders: `7 CANCELED CANCELED_ON_LOSS`. */
function ends(messages: readonly Value[][]): string[] {
  return messages.flatMap(([kind, , , , orderId, , , status, ...rest]) =>
    kind === Kind.ExecutionReport && status === 5 ? [`${orderId} ${reasonName(Number(rest[9]))}`] : [],
  )
}

/** An observer who follows alice's account from now on. */
async function observer(rehearsal: Rehearsal): Promise<RehearsedPeer> {
  const peer = await rehearsal.login('root')
  peer.request(Kind.Subscribe, rehearsal.directory.id('alice'), 0)
  await rehearsal.settle()
  peer.take()
  return peer
}

async function ask(rehearsal: Rehearsal, peer: RehearsedPeer, kind: number, account: number, ...elements: Value[]) {
  peer.request(kind, account, ...elements)
  await rehearsal.settle()
  rehearsal.gate.tick(rehearsal.nowMs)
  return peer
    .take()
    .map(([answer, , , ...rest]) => (answer === Kind.Refused ? reasonName(Number(rest[0])) : [answer, ...rest]))
}

test('orders of a lost session are canceled after its grace, with the reason; excluded ones and those of others stay', async t => {
  const rehearsal = await staged(t, { ...PATIENT, shards: 2 })
  const root = await observer(rehearsal)
  const lost = await rehearsal.login('alice', 'a', Loss, 5_000)
  const other = await rehearsal.login('alice', 'b', Loss, 5_000)
  const plain = await rehearsal.login('alice')
  const [day, gtc, gtd] = await orders(rehearsal, lost, {}, GTC, GTD)
  const kept = [...(await orders(rehearsal, other, {})), ...(await orders(rehearsal, plain, {}))]
  rehearsal.hangUp(lost)
  await pass(rehearsal, 4)
  deepEqual(ends(root.take()), [])
  await pass(rehearsal, 1)
  deepEqual(ends(root.take()), [`${day} CANCELED_ON_LOSS`])
  deepEqual(live(rehearsal), [gtc, gtd, ...kept])
  deepEqual(
    rehearsal.safety.store.sessions().map(({ key }) => key),
    ['b'],
  )
})

test('good-till orders go as well where that is asked for, each kind by itself', async t => {
  for (const [alsoCancel, left] of [
    [AlsoCancel.Gtc, [3]],
    [AlsoCancel.Gtd, [2]],
    [AlsoCancel.Gtc | AlsoCancel.Gtd, []],
  ] as const) {
    const rehearsal = await staged(t, PATIENT)
    const lost = await rehearsal.login('alice', 'a', Loss, 0, alsoCancel)
    deepEqual(await orders(rehearsal, lost, {}, GTC, GTD), [1, 2, 3])
    rehearsal.hangUp(lost)
    await pass(rehearsal, 0)
    deepEqual(live(rehearsal), left)
  }
})

test('who comes back within the grace keeps the orders, and they are watched over again', async t => {
  const rehearsal = await staged(t, PATIENT)
  const first = await rehearsal.login('alice', 'a', Loss, 5_000)
  const before = await orders(rehearsal, first, {})
  rehearsal.hangUp(first)
  await pass(rehearsal, 4)
  const second = await rehearsal.login('alice', 'a', Loss, 5_000)
  const after = await orders(rehearsal, second, {})
  await pass(rehearsal, 10)
  deepEqual(live(rehearsal), [...before, ...after])
  rehearsal.hangUp(second)
  await pass(rehearsal, 5)
  deepEqual(live(rehearsal), [])
})

test('a session lives while one of its connections does, and the latest choice counts', async t => {
  const rehearsal = await staged(t, PATIENT)
  const halfOpen = await rehearsal.login('alice', 'a', Loss, 0)
  const before = await orders(rehearsal, halfOpen, {})
  const again = await rehearsal.login('alice', 'a', Loss, 1_000)
  rehearsal.hangUp(halfOpen)
  await pass(rehearsal, 60)
  deepEqual(live(rehearsal), before)
  const never = await rehearsal.login('alice', 'a')
  rehearsal.hangUp(again)
  rehearsal.hangUp(never)
  await pass(rehearsal, 60)
  deepEqual(live(rehearsal), before)
  // Its orders are still its own: a choice made later covers them.
  rehearsal.hangUp(await rehearsal.login('alice', 'a', Loss, 0))
  await pass(rehearsal, 0)
  deepEqual(live(rehearsal), [])
})

test('a logout is no lost connection: each choice has its own effect', async t => {
  for (const [choice, hangsUp, remain] of [
    [Never, true, 1],
    [Never, false, 1],
    [Loss, true, 0],
    [Loss, false, 1],
    [Logout, true, 1],
    [Logout, false, 0],
    [Both, true, 0],
    [Both, false, 0],
  ] as const) {
    const rehearsal = await staged(t, PATIENT)
    const root = await observer(rehearsal)
    const peer = await rehearsal.login('alice', 'a', choice, 0)
    const [id] = await orders(rehearsal, peer, {})
    if (hangsUp) rehearsal.hangUp(peer)
    else {
      deepEqual(await ask(rehearsal, peer, Kind.Logout, 0), [[Kind.Done]])
      equal(peer.isEnded, true)
      rehearsal.hangUp(peer)
    }
    await pass(rehearsal, 60)
    equal(live(rehearsal).length, remain, `${choice} ${hangsUp}`)
    const reason = hangsUp ? 'CANCELED_ON_LOSS' : 'CANCELED_ON_LOGOUT'
    deepEqual(ends(root.take()), remain === 1 ? [] : [`${id} ${reason}`])
    deepEqual(rehearsal.safety.store.sessions(), [])
  }
})

test('a logout is answered behind everything that was asked before, and nothing behind it is read', async t => {
  const rehearsal = await staged(t, PATIENT)
  const peer = await rehearsal.login('alice', 'a', Both, 0)
  const order = submit(peer)
  const logout = peer.request(Kind.Logout, 0)
  submit(peer)
  await rehearsal.settle()
  rehearsal.gate.tick(rehearsal.nowMs)
  deepEqual(
    peer.take().map(([kind, requestId]) => [kind, requestId]),
    [
      [Kind.OrderAccepted, order],
      [Kind.Done, logout],
    ],
  )
  deepEqual(live(rehearsal), [])
  equal(rehearsal.gate.sessions.size, 0)
})

test('orders sent by the session after a loss are not canceled for it', async t => {
  const rehearsal = await staged(t, PATIENT)
  const lost = await rehearsal.login('alice', 'a', Loss, 0)
  for (let i = 0; i < 600; i++) submit(lost)
  await rehearsal.settle()
  rehearsal.hangUp(lost)
  rehearsal.nowUs += 1
  // It fires; the sweep has not begun when the client is back and sends the next.
  rehearsal.gate.tick(rehearsal.nowMs)
  const back = rehearsal.connect('alice')
  back.send([1, 1, 0, 'alice', 'alice', 1, 'a', Loss, 0])
  for (let i = 0; i < 3; i++) await Promise.resolve()
  submit(back)
  await rehearsal.settle()
  deepEqual(live(rehearsal).length, 1)
})

test('a choice that cannot be understood refuses the login and names the element', async t => {
  const rehearsal = await staged(t, PATIENT)
  for (const [at, ...choice] of [
    [6, '', Loss],
    [6, 'k'.repeat(32), Loss],
    [6, 5],
    [7, 'a', 4],
    [7, 'a', 'loss'],
    [8, 'a', Loss, -1],
    [8, 'a', Loss, 3_600_001],
    [8, 'a', Loss, 0.5],
    [9, 'a', Loss, 0, 4],
  ] as Value[][]) {
    const peer = rehearsal.connect()
    peer.send([1, 1, 0, 'alice', 'alice', 1, ...choice])
    await rehearsal.settle()
    const [refused, closing] = peer.take()
    deepEqual([refused?.[3], refused?.[4]], [Reason.InvalidSafety, [at]])
    deepEqual([closing?.[0], closing?.[3]], [Kind.Closing, Reason.InvalidSafety])
  }
})

test('the key travels as a tag of the order, which clients may not write; the same order is known under any session', async t => {
  const folder = temporaryFolder(t)
  const directory = smallDirectory()
  let rehearsal = await Rehearsal.start({ ...PATIENT, folder, directory })
  const tags: Value = [[18, 5, 'M']]
  let peer = await rehearsal.login('alice', 'desk é', Loss, 1_000)
  submit(peer, { clOrdId: 'a', tags })
  submit(peer, { clOrdId: 'b' })
  submit(peer, { tags: [[10_050, 5, 'other']] })
  submit(peer, { tags: Array.from({ length: 32 }, (_, i) => [i + 1, 0, 1]) })
  await rehearsal.settle()
  deepEqual(
    peer
      .take()
      .map(message => (message[0] === Kind.OrderAccepted ? message[18] : [message[3], message[4]]))
      .sort(),
    [
      [Reason.InvalidTags, [31]],
      [Reason.InvalidTags, [31]],
      [...tags, [10_050, 5, 'desk é']],
      [[10_050, 5, 'desk é']],
    ].sort(),
  )
  // After a restart without anything of it in memory, under no key at all, they are the same orders.
  for (const restart of [false, true]) {
    if (restart) {
      await rehearsal.kill()
      rehearsal = await Rehearsal.start({ ...PATIENT, folder, directory })
    }
    peer = await rehearsal.login('alice')
    submit(peer, { clOrdId: 'a', tags })
    submit(peer, { clOrdId: 'b' })
    submit(peer, { clOrdId: 'b', tags })
    await rehearsal.settle()
    deepEqual(
      peer
        .take()
        .map(message => `${message[0]} ${message[0] === Kind.Refused ? message[3] : message[4]}`)
        .sort(),
      ['64 1', '64 2', `70 ${Reason.ClOrdIdReused}`],
    )
    rehearsal.hangUp(peer)
  }
  await rehearsal.kill()
})

test('a crash counts as a lost connection, from the start on: before, within and after the grace', async t => {
  const folder = temporaryFolder(t)
  const directory = smallDirectory()
  let rehearsal = await Rehearsal.start({ ...PATIENT, folder, directory, shards: 2 })
  const restart = async () => {
    const { nowUs } = rehearsal
    await rehearsal.kill()
    rehearsal = await Rehearsal.start({ ...PATIENT, folder, directory, shards: 2, nowUs })
  }
  const [mona, alice] = [
    await rehearsal.login('mona', 'm', Loss, 5_000),
    await rehearsal.login('alice', 'a', Loss, 5_000),
  ]
  const forBob = await orders(
    rehearsal,
    mona,
    { account: directory.id('bob') },
    { ...GTC, account: directory.id('bob') },
  )
  const own = await orders(rehearsal, alice, {})
  await restart()
  await pass(rehearsal, 4)
  deepEqual(live(rehearsal), [...forBob, ...own])
  await restart()
  const back = await rehearsal.login('alice', 'a', Loss, 5_000)
  await pass(rehearsal, 4)
  deepEqual(live(rehearsal), [...forBob, ...own])
  // Killed when it has fired, before any shard has heard of it.
  rehearsal.nowUs += SECOND_US
  rehearsal.gate.tick(rehearsal.nowMs)
  equal(rehearsal.safety.store.recalls().length, 1)
  await restart()
  deepEqual(live(rehearsal), [forBob[1], ...own])
  deepEqual(rehearsal.safety.store.recalls(), [])
  rehearsal.hangUp(back)
  await pass(rehearsal, 5)
  deepEqual(live(rehearsal), [forBob[1]])
  await restart()
  await pass(rehearsal, 60)
  deepEqual(live(rehearsal), [forBob[1]])
  await rehearsal.kill()
})

test('a recall that a crash has interrupted spares the orders that came after it', async t => {
  const folder = temporaryFolder(t)
  const directory = smallDirectory()
  let rehearsal = await Rehearsal.start({ ...PATIENT, folder, directory })
  const lost = await rehearsal.login('alice', 'a', Loss, 0)
  const before = await orders(rehearsal, lost, {})
  rehearsal.hangUp(lost)
  rehearsal.nowUs += 1
  rehearsal.gate.tick(rehearsal.nowMs)
  const [interrupted] = rehearsal.safety.store.recalls()
  await rehearsal.settle()
  const after = await orders(rehearsal, await rehearsal.login('alice', 'a'), {})
  deepEqual([before, after, live(rehearsal)], [[1], [2], [2]])
  // As if the crash had come between the end of the sweep and its being written down.
  rehearsal.safety.store.beginRecall(interrupted!)
  await rehearsal.kill()
  rehearsal = await Rehearsal.start({ ...PATIENT, folder, directory })
  deepEqual(live(rehearsal), after)
  await rehearsal.kill()
})

test('an orderly stop cancels nothing, and the next start awaits who was there', async t => {
  const folder = temporaryFolder(t)
  const directory = smallDirectory()
  let rehearsal = await Rehearsal.start({ ...PATIENT, folder, directory })
  const all = await orders(rehearsal, await rehearsal.login('alice', 'a', Both, 0), {}, {})
  await rehearsal.stop()
  rehearsal = await Rehearsal.start({ ...PATIENT, folder, directory })
  deepEqual(live(rehearsal), all)
  await pass(rehearsal, 0)
  deepEqual(live(rehearsal), [])
  await rehearsal.kill()
})

test('on a new machine the orders of unknown sessions are canceled a minute after the start, unless they are back', async t => {
  const folder = temporaryFolder(t)
  const directory = smallDirectory()
  let rehearsal = await Rehearsal.start({ ...PATIENT, folder, directory })
  const plain = await orders(rehearsal, await rehearsal.login('alice'), {})
  await orders(rehearsal, await rehearsal.login('alice', 'a', Logout, 5_000), {})
  const kept = await orders(rehearsal, await rehearsal.login('alice', 'b', Both, 5_000), {})
  const [gtc] = await orders(rehearsal, await rehearsal.login('alice', 'c', Loss, 5_000), GTC)
  await rehearsal.kill()
  for (const name of fs.readdirSync(folder)) if (name.startsWith('safety')) fs.rmSync(`${folder}/${name}`)
  rehearsal = await Rehearsal.start({ ...PATIENT, folder, directory })
  await rehearsal.login('alice', 'b', Both, 5_000)
  await pass(rehearsal, 59)
  equal(live(rehearsal).length, 4)
  await pass(rehearsal, 1)
  deepEqual(live(rehearsal), [...plain, ...kept, gtc])
  await rehearsal.kill()
})

test("a dead-man's switch cancels what the account has, whoever sent it, unless it is refreshed", async t => {
  const rehearsal = await staged(t, { ...PATIENT, shards: 2 })
  const root = await observer(rehearsal)
  const [alice, bob, mona] = [
    await rehearsal.login('alice'),
    await rehearsal.login('bob'),
    await rehearsal.login('mona'),
  ]
  const id = rehearsal.directory.id('alice')
  const [own, gtc] = await orders(rehearsal, alice, {}, GTC)
  const others = await orders(rehearsal, bob, {})
  const [byMona] = await orders(rehearsal, mona, { account: id })
  deepEqual(await ask(rehearsal, alice, Kind.RefreshSwitch, 0), ['SWITCH_NOT_ARMED'])
  deepEqual(await ask(rehearsal, alice, Kind.Switch, 0), [[Kind.SwitchState, 0, 0, 0, 0, 0]])
  deepEqual(await ask(rehearsal, alice, Kind.ArmSwitch, 0, 2_000), [[Kind.Done]])
  const due = rehearsal.nowUs + 2 * SECOND_US
  deepEqual(await ask(rehearsal, mona, Kind.Switch, id), [[Kind.SwitchState, 1, 2_000, 0, due, 0]])
  deepEqual(await ask(rehearsal, bob, Kind.DisarmSwitch, id), ['NOT_PERMITTED'])
  for (let i = 0; i < 3; i++) {
    await pass(rehearsal, 1.5)
    alice.request(Kind.RefreshSwitch, 0)
    await rehearsal.settle()
    deepEqual(alice.take(), []) // not before it is written down
    rehearsal.gate.tick(rehearsal.nowMs)
    deepEqual(
      alice.take().map(([kind]) => kind),
      [Kind.Done],
    )
  }
  await pass(rehearsal, 1.9)
  deepEqual(ends(root.take()), [])
  const firedAt = rehearsal.nowUs + 0.1 * SECOND_US
  await pass(rehearsal, 0.1)
  deepEqual(ends(root.take()).sort(), [`${own} CANCELED_BY_SWITCH`, `${byMona} CANCELED_BY_SWITCH`].sort())
  deepEqual(live(rehearsal), [gtc, ...others])
  deepEqual(await ask(rehearsal, alice, Kind.Switch, 0), [[Kind.SwitchState, 2, 2_000, 0, firedAt, 2]])
  deepEqual(await ask(rehearsal, alice, Kind.RefreshSwitch, 0), ['SWITCH_NOT_ARMED'])
  // Armed anew it takes good-till orders too; disarmed it does nothing.
  deepEqual(await ask(rehearsal, alice, Kind.ArmSwitch, 0, 1_000, 3), [[Kind.Done]])
  deepEqual(await ask(rehearsal, alice, Kind.DisarmSwitch, 0), [[Kind.Done]])
  await pass(rehearsal, 10)
  deepEqual(live(rehearsal), [gtc, ...others])
  deepEqual(await ask(rehearsal, alice, Kind.ArmSwitch, 0, 1_000, 3), [[Kind.Done]])
  await pass(rehearsal, 1)
  deepEqual(live(rehearsal), others)
  for (const [at, ...elements] of [[3], [3, 999], [3, 86_400_001], [3, '5'], [4, 5_000, 4]] as Value[][]) {
    alice.request(Kind.ArmSwitch, 0, ...elements)
    await rehearsal.settle()
    deepEqual(
      alice.take().map(message => [message[3], message[4]]),
      [[Reason.InvalidSafety, [at]]],
    )
  }
})

test('a switch outlives crashes: time goes on while the server is down, and it fires once', async t => {
  const folder = temporaryFolder(t)
  const directory = smallDirectory()
  let rehearsal = await Rehearsal.start({ ...PATIENT, folder, directory, shards: 2 })
  const restart = async (seconds: number) => {
    const nowUs = rehearsal.nowUs + seconds * SECOND_US
    await rehearsal.kill()
    rehearsal = await Rehearsal.start({ ...PATIENT, folder, directory, shards: 2, nowUs })
  }
  const all = await orders(rehearsal, await rehearsal.login('alice'), {}, {})
  await ask(rehearsal, await rehearsal.login('alice'), Kind.ArmSwitch, 0, 10_000)
  await restart(4)
  await pass(rehearsal, 5)
  deepEqual(live(rehearsal), all)
  deepEqual(await ask(rehearsal, await rehearsal.login('alice'), Kind.RefreshSwitch, 0), [[Kind.Done]])
  await restart(9)
  deepEqual(live(rehearsal), all)
  await restart(1)
  deepEqual(live(rehearsal), [])
  const later = await orders(rehearsal, await rehearsal.login('alice'), {})
  await restart(60)
  await pass(rehearsal, 60)
  deepEqual(live(rehearsal), later)
  // Fired, and killed before a shard has heard of it.
  await ask(rehearsal, await rehearsal.login('alice'), Kind.ArmSwitch, 0, 1_000)
  rehearsal.nowUs += SECOND_US
  rehearsal.gate.tick(rehearsal.nowMs)
  rehearsal.gate.tick(rehearsal.nowMs)
  equal(rehearsal.safety.store.recalls().length, 1)
  await restart(0)
  deepEqual(live(rehearsal), [])
  await rehearsal.kill()
})

test('an order that waits for the market of its ticker when its session is lost is canceled as soon as it lives', async t => {
  const rehearsal = await staged(t, { ...PATIENT, shardLimits: { firstUseUs: 60 * SECOND_US } })
  const root = await observer(rehearsal)
  const lost = await rehearsal.login('alice', 'a', Loss, 0)
  const other = await rehearsal.login('alice')
  for (const [peer, fields] of [
    [lost, {}],
    [lost, GTC],
    [other, {}],
  ] as const) {
    submit(peer, fields)
  }
  await rehearsal.settle()
  deepEqual(rehearsal.firstUses, [[0, 'ABX.TSX']])
  rehearsal.hangUp(lost)
  await pass(rehearsal, 1)
  deepEqual(rehearsal.safety.store.recalls(), [])
  deepEqual(live(rehearsal), [])
  rehearsal.links[0]!.post(Command.Watched, 0, rehearsal.nowUs, 0, Buffer.from('ABX.TSX'))
  await rehearsal.settle()
  deepEqual([ends(root.take()), live(rehearsal)], [['1 CANCELED_ON_LOSS'], [2, 3]])
})

test('a recall of many orders takes turns with other commands', async t => {
  const rehearsal = await staged(t, PATIENT)
  const [lost, bob] = [await rehearsal.login('alice', 'a', Loss, 0), await rehearsal.login('bob')]
  for (let i = 0; i < 2_000; i++) submit(lost)
  await rehearsal.settle()
  rehearsal.hangUp(lost)
  rehearsal.nowUs += 1
  rehearsal.gate.tick(rehearsal.nowMs)
  submit(bob)
  let turns = 0
  while (bob.take().length === 0) {
    for (let shard = 0; shard < rehearsal.shards.length; shard++) rehearsal.turnShard(shard)
    rehearsal.turnPump()
    turns += 1
  }
  equal(live(rehearsal).length > 1_000, true, `${turns} turns`)
  await rehearsal.settle()
  equal(live(rehearsal).length, 1)
})
