// What main does with the words of the judge of pooled rules on their way: in which order, and in which turn.

import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { JUDGE_SHARD } from '../../src/main/pooled-relay.ts'
import { ReportPump } from '../../src/main/report-pump.ts'
import { Subscriptions } from '../../src/main/subscription.ts'
import { BATCH_HEADER_BYTES, NOTICE_HEADER_BYTES, Notice, NoticeAt } from '../../src/shared-memory/records.ts'
import { createRing, RingConsumer, RingProducer } from '../../src/shared-memory/ring.ts'

const SESSION = 7
/** More than the pump takes from a shard in one turn otherwise. */
const MANY = 100

function staged(holdsBack: (shard: number) => boolean = () => false) {
  const memories = [createRing(1 << 16), createRing(1 << 16)]
  const rings = memories.map(memory => new RingProducer(memory))
  const told: string[] = []
  const nothing = () => undefined
  const pump = new ReportPump(
    memories.map(memory => new RingConsumer(memory)),
    {
      sessions: { find: (word: number) => (word === SESSION ? {} : undefined) },
      answered: nothing,
      deliver: () => told.push('client'),
      flush: () => told.push('flush'),
      nowUs: () => 0,
    } as never, // what a pump asks of the gate
    new Subscriptions(),
    {
      marker: nothing,
      listing: nothing,
      lookup: nothing,
      ready: nothing,
      stopped: nothing,
      swept: nothing,
      violated: nothing,
      massCanceled: nothing,
      firstUse: nothing,
      recalled: nothing,
      toJudge: body => told.push(`judge ${body.join(' ')}`),
      verdict: (row, body) => told.push(`verdict to ${row}: ${body.join(' ')}`),
      holdsBack,
    },
    1 << 16,
    nothing,
  )
  /** A message for the judge, or its verdict. */
  const say = (shard: number, type: Notice, row: number, ...bytes: number[]) => {
    const { view, bytes: memory } = rings[shard]!
    const at = rings[shard]!.claim(NOTICE_HEADER_BYTES + bytes.length)
    view.setUint32(at + NoticeAt.type, type, true)
    view.setUint32(at + NoticeAt.a, row, true)
    memory.set(bytes, at + NOTICE_HEADER_BYTES)
    rings[shard]!.publish()
  }
  /** One event for the client. */
  const event = (shard: number) => {
    const { view } = rings[shard]!
    const at = rings[shard]!.claim(BATCH_HEADER_BYTES + 8 + 8)
    view.setUint32(at, Notice.Events, true)
    view.setUint32(at + 4, 1, true)
    view.setUint32(at + BATCH_HEADER_BYTES, SESSION, true)
    view.setUint32(at + BATCH_HEADER_BYTES + 4, 0, true)
    view.setUint32(at + BATCH_HEADER_BYTES + 8, 4)
    rings[shard]!.publish()
  }
  return { pump, told, say, event }
}

test('the judge hears of an event before a client does, and both in one turn, however much there is to hear', () => {
  const { pump, told, say, event } = staged()
  for (let number = 0; number < MANY; number++) say(1, Notice.ToJudge, 0, number)
  event(1)
  equal(pump.turn(), true)
  deepEqual(told, [...Array.from({ length: MANY }, (_, number) => `judge ${number}`), 'client', 'flush'])
  equal(pump.turn(), false)
})

test('a verdict goes to the shard that has the account', () => {
  const { pump, told, say } = staged()
  say(JUDGE_SHARD, Notice.Verdict, 5, 1, 2)
  pump.turn()
  deepEqual(told, ['verdict to 5: 1 2', 'flush'])
})

test('a shard that is held back is left as it is, and is no work until it is not', () => {
  let isHeld = true
  const { pump, told, say } = staged(shard => shard !== JUDGE_SHARD && isHeld)
  say(1, Notice.ToJudge, 0, 1)
  deepEqual([pump.hasWork(), pump.turn(), told.splice(0)], [false, false, []])
  say(JUDGE_SHARD, Notice.ToJudge, 0, 2)
  deepEqual([pump.hasWork(), pump.turn(), told.splice(0)], [true, true, ['judge 2', 'flush']])
  isHeld = false
  deepEqual([pump.hasWork(), pump.turn(), told], [true, true, ['judge 1', 'flush']])
})
