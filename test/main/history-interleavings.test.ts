import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Kind } from '../../src/protocol/kinds.ts'
import type { Value } from '../../src/protocol/msgpack.ts'
import type { Rehearsal } from '../simulation/rehearsal.ts'
import type { RehearsedPeer } from '../simulation/rehearsed-peer.ts'
import { isEvent, range, sequencesOf, staged, submit } from '../simulation/stage.ts'

type Step = () => unknown

/** All orders of the steps, where steps of one letter are alike. */
function* arrangements(letters: string): Generator<string> {
  if (letters === '') yield ''
  for (const letter of new Set(letters)) {
    for (const rest of arrangements(letters.replace(letter, ''))) yield letter + rest
  }
}

/** Threads and clients of an arrangement by letter. */
function steps(rehearsal: Rehearsal, trader: RehearsedPeer, more: Record<string, Step>): Record<string, Step> {
  return {
    o: () => submit(trader),
    s: () => rehearsal.turnShard(0),
    p: () => rehearsal.turnPump(),
    r: () => rehearsal.turnReader(),
    w: () => rehearsal.turnWriter(),
    ...more,
  }
}

/** Last report sequence of the account. */
function lastSequence(rehearsal: Rehearsal, account: number): number {
  return rehearsal.shards[0]!.state.books[rehearsal.directory.rowOf(account)]?.reportSequence ?? 0
}

for (const [name, fromSequence] of [
  ['its first event', 1],
  ['now', 0],
] as const) {
  test(`a subscription from ${name} tells each event once and in order, however orders, threads and store interleave`, async t => {
    const rehearsal = await staged(t)
    const trader = await rehearsal.login('alice')
    const account = rehearsal.directory.id('alice')
    let count = 0
    for (const letters of arrangements('oossfppr')) {
      // A history as long as the page of events would only repeat itself: the account is followed from near its end.
      const from = fromSequence === 0 ? 0 : Math.max(1, lastSequence(rehearsal, account) - 3)
      const follower = await rehearsal.login('mona')
      const act = steps(rehearsal, trader, { f: () => follower.request(Kind.Subscribe, account, 0, from) })
      for (const letter of letters) await act[letter]!()
      if (count % 64 === 0) await rehearsal.turnWriter()
      await rehearsal.settle()
      const heard = follower.take()
      const [answer] = heard
      equal(answer?.[0], Kind.Subscribed, letters)
      const [[, next]] = answer[4] as [number, number][]
      if (from > 0) equal(next, from)
      deepEqual(sequencesOf(heard), range(next!, lastSequence(rehearsal, account)), letters)
      rehearsal.hangUp(follower)
      trader.take()
      count += 1
    }
    equal(count, 5040)
  })
}

test('a live query of reports joins history and stream without gap or duplicate in every interleaving', async t => {
  const rehearsal = await staged(t)
  const trader = await rehearsal.login('alice')
  const account = rehearsal.directory.id('alice')
  for (const letters of arrangements('oosqppr')) {
    const start = Math.max(1, lastSequence(rehearsal, account) - 3)
    const follower = await rehearsal.login('mona')
    const act = steps(rehearsal, trader, { q: () => follower.request(Kind.QueryReports, account, start, -1, 3) })
    for (const letter of letters) await act[letter]!()
    await rehearsal.settle()
    const heard = follower.take()
    const end = heard.findIndex(([kind]) => kind === Kind.QueryEnd)
    ok(end >= 0, letters)
    const records = heard.slice(0, end).map(record => record[3] as Value[])
    const cut = Number(heard[end]![5])
    deepEqual(sequencesOf(records), range(start, cut), letters)
    deepEqual(sequencesOf(heard.slice(end)), range(cut + 1, lastSequence(rehearsal, account)), letters)
    rehearsal.hangUp(follower)
    trader.take()
  }
})

test('a query takes nothing from the stream that the session follows already, in every interleaving', async t => {
  const rehearsal = await staged(t)
  const trader = await rehearsal.login('alice')
  const account = rehearsal.directory.id('alice')
  for (const letters of arrangements('oosqppr')) {
    const follower = await rehearsal.login('mona')
    follower.request(Kind.Subscribe, account, 0, 0)
    await rehearsal.settle()
    const before = lastSequence(rehearsal, account)
    const act = steps(rehearsal, trader, { q: () => follower.request(Kind.QueryOrders, account, 0, -1, 0) })
    for (const letter of letters) await act[letter]!()
    await rehearsal.settle()
    const heard = follower.take().filter(isEvent)
    deepEqual(sequencesOf(heard), range(before + 1, lastSequence(rehearsal, account)), letters)
    rehearsal.hangUp(follower)
    trader.take()
  }
})

test('a trader who subscribes amid own orders misses none: what is not pushed came as an answer', async t => {
  const rehearsal = await staged(t)
  const account = rehearsal.directory.id('alice')
  for (const letters of arrangements('oosfppr')) {
    const trader = await rehearsal.login('alice')
    const before = lastSequence(rehearsal, account)
    const act = steps(rehearsal, trader, { f: () => trader.request(Kind.Subscribe, account, 0, 0) })
    for (const letter of letters) await act[letter]!()
    await rehearsal.settle()
    const heard = trader.take()
    const answers = heard.filter(message => message[0] === Kind.OrderAccepted && message[1] !== 0)
    const pushed = heard.filter(message => isEvent(message) && message[1] === 0)
    equal(answers.length, 2)
    const subscribed = heard.find(([kind]) => kind === Kind.Subscribed)!
    const [[, next]] = subscribed[4] as [number, number][]
    const own = sequencesOf(answers)
    const expected = range(next!, lastSequence(rehearsal, account)).filter(sequence => !own.includes(sequence))
    deepEqual(sequencesOf(pushed), expected, letters)
    ok(own.every(sequence => sequence > before))
    rehearsal.hangUp(trader)
  }
})

const action = fc.constantFrom(...'oOsSpprrwwcCfFgGqQuUjJhn')

test('whatever two sessions follow, query, end and lose, each stream they were promised is whole', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(action, { minLength: 5, maxLength: 60 }), fc.nat(), async (letters, diskSeed) => {
      const { rehearsal, end } = await scene(diskSeed)
      const { directory } = rehearsal
      const [alice, bob] = [directory.id('alice'), directory.id('bob')]
      const group = directory.findGroup('desk')!
      const traders = { o: await rehearsal.login('alice'), O: await rehearsal.login('bob') }
      const streams = new StreamsOf(await rehearsal.login('mona'))
      const { peer } = streams
      const act: Record<string, Step> = {
        ...steps(rehearsal, traders.o, {}),
        O: () => submit(traders.O),
        S: () => rehearsal.turnShard(1),
        c: () => traders.o.request(Kind.Cancel, 0, 1),
        C: () => traders.O.request(Kind.Cancel, 0, 2),
        f: () => peer.request(Kind.Subscribe, alice, 0, 0),
        F: () => peer.request(Kind.Subscribe, bob, 0, 1),
        g: () => peer.request(Kind.Subscribe, 0, 1, 0, group),
        G: () => peer.request(Kind.Subscribe, 0, 1, 0, group, [[alice, 1]]),
        q: () => peer.request(Kind.QueryReports, alice, 0, -1, 3),
        Q: () => peer.request(Kind.QueryOrders, bob, 0, -2, 3),
        u: () => peer.request(Kind.Unsubscribe, 0, 1),
        U: () => peer.request(Kind.Unsubscribe, 0, 2),
        j: () => {
          directory.change(() => directory.group('desk').traders.delete('bob'))
          rehearsal.membershipsChanged()
        },
        J: () => {
          directory.change(() => directory.group('desk').traders.add('bob'))
          rehearsal.membershipsChanged()
        },
        h: () => streams.listen(peer.take()),
        n: () => rehearsal.settle(),
      }
      try {
        for (const letter of letters) await act[letter]!()
        await rehearsal.settle()
        streams.listen(peer.take())
        for (const [account, expected] of streams.expected) {
          const shard = directory.rowOf(account) % 2
          const last = rehearsal.shards[shard]!.state.books[directory.rowOf(account)]?.reportSequence ?? 0
          equal(expected, last + 1, `the stream of ${account} ends early`)
        }
      } finally {
        await end()
      }
    }),
    { numRuns: 150 },
  )
})

/** What a client that follows several accounts through several subscriptions may rely on: by account, the next event. */
class StreamsOf {
  readonly peer: RehearsedPeer
  /** By account, the sequence that has to follow. */
  readonly expected = new Map<number, number>()
  /** Accounts of each subscription. */
  readonly #subscriptions = new Map<number, Set<number>>()

  constructor(peer: RehearsedPeer) {
    this.peer = peer
  }

  listen(messages: readonly Value[][]): void {
    for (const message of messages) {
      const [kind, , account] = message as [number, number, number]
      switch (kind) {
        case Kind.Subscribed:
          for (const [member, next] of message[4] as [number, number][]) this.#follow(Number(message[3]), member, next)
          break
        case Kind.QueryEnd:
          if (message[4] !== 0) this.#follow(Number(message[4]), account, Number(message[5]) + 1)
          break
        case Kind.Membership: {
          const [, , , id, member, joined, next] = message as number[]
          if (joined === 1) this.#follow(id!, member!, next!)
          else this.#leave(id!, member!)
          break
        }
        case Kind.OrderAccepted:
        case Kind.ExecutionReport: {
          const sequence = Number(message[3])
          const expected = this.expected.get(account)
          // Told again for a subscription that began earlier, or the last of one that has ended.
          if (expected === undefined || sequence < expected) break
          equal(sequence, expected, `a gap in the stream of ${account}`)
          this.expected.set(account, sequence + 1)
          break
        }
        case Kind.Done:
          // Which subscription it was is no matter: a stream may only stop if no subscription is left.
          this.#forgetAll()
          break
      }
    }
  }

  #follow(id: number, account: number, next: number): void {
    const accounts = this.#subscriptions.get(id) ?? new Set()
    accounts.add(account)
    this.#subscriptions.set(id, accounts)
    const expected = this.expected.get(account)
    // An earlier beginning than the stream's present place tells the past again.
    if (expected === undefined) this.expected.set(account, next)
  }

  #leave(id: number, account: number): void {
    this.#subscriptions.get(id)?.delete(account)
    if ([...this.#subscriptions.values()].every(accounts => !accounts.has(account))) this.expected.delete(account)
  }

  #forgetAll(): void {
    this.#subscriptions.clear()
    this.expected.clear()
  }
}

async function scene(diskSeed: number): Promise<{ rehearsal: Rehearsal; end: () => Promise<void> }> {
  const ends: (() => unknown)[] = []
  const context = { after: (end: () => unknown) => ends.push(end) }
  const rehearsal = await staged(context as never, { shards: 2, diskSeed })
  return {
    rehearsal,
    end: async () => {
      for (const end of ends.reverse()) await end()
    },
  }
}
