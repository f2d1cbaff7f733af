import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { Reason, reasonName } from '../../src/domain/reasons.ts'
import { SessionRates } from '../../src/main/session-rates.ts'
import { Kind } from '../../src/protocol/kinds.ts'
import type { Value } from '../../src/protocol/msgpack.ts'
import type { Rehearsal } from '../simulation/rehearsal.ts'
import type { RehearsedPeer } from '../simulation/rehearsed-peer.ts'
import { staged, submit } from '../simulation/stage.ts'

const SECOND_US = 1_000_000

/** The answers as words. */
function words(messages: readonly Value[][]): string[] {
  return messages.flatMap(([kind, , , code, params]) => {
    if (kind === Kind.OrderAccepted) return ['accepted']
    if (kind === Kind.Done) return ['done']
    if (kind === Kind.Refused || kind === Kind.Closing) {
      return [`${kind === Kind.Closing ? 'closed ' : ''}${reasonName(Number(code))} ${JSON.stringify(params)}`]
    }
    return []
  })
}

async function submits(rehearsal: Rehearsal, peer: RehearsedPeer, count: number): Promise<string[]> {
  for (let i = 0; i < count; i++) submit(peer)
  await rehearsal.settle()
  return words(peer.take())
}

const TOO_FAST = 'RATE_EXCEEDED [3,"requests"]'

test('requests over the rate are refused, cancels have a budget of their own, and time brings both back', async t => {
  const rehearsal = await staged(t, {
    gateLimits: { requestsPerSecond: 3, cancelsPerSecond: 2, rateRefusalsMax: 100 },
  })
  const peer = await rehearsal.login('alice')
  const bystander = await rehearsal.login('bob')
  const first = rehearsal.nextOrderId
  deepEqual((await submits(rehearsal, peer, 5)).sort(), [TOO_FAST, TOO_FAST, 'accepted', 'accepted', 'accepted'])
  equal(rehearsal.nextOrderId, first + 3)
  for (let i = 0; i < 3; i++) peer.request(Kind.Cancel, 0, first + i)
  await rehearsal.settle()
  deepEqual(words(peer.take()).sort(), ['RATE_EXCEEDED [2,"cancels"]', 'done', 'done'])
  equal(rehearsal.sessionOf(peer).inFlight, 0)
  deepEqual(await submits(rehearsal, bystander, 3), ['accepted', 'accepted', 'accepted'])
  // A replace is no way to be faster.
  peer.request(Kind.Replace, 0, first + 2, 200, 10)
  await rehearsal.settle()
  deepEqual(words(peer.take()), [TOO_FAST])
  // A third of a second brings one more, and a long time no more than a second does.
  rehearsal.nowUs += SECOND_US / 3 + 1
  deepEqual((await submits(rehearsal, peer, 2)).sort(), [TOO_FAST, 'accepted'])
  rehearsal.nowUs += 3600 * SECOND_US
  deepEqual((await submits(rehearsal, bystander, 4)).length, 4)
  deepEqual(await submits(rehearsal, bystander, 1), [TOO_FAST])
})

test('who is refused on and on is disconnected, who pauses for a second is not', async t => {
  const rehearsal = await staged(t, { gateLimits: { requestsPerSecond: 1, cancelsPerSecond: 1, rateRefusalsMax: 3 } })
  const patient = await rehearsal.login('alice')
  const flooding = await rehearsal.login('bob')
  const tooFast = 'RATE_EXCEEDED [1,"requests"]'
  for (let round = 0; round < 3; round++) {
    deepEqual((await submits(rehearsal, patient, 4)).sort(), [tooFast, tooFast, tooFast, 'accepted'])
    rehearsal.nowUs += SECOND_US
  }
  equal(patient.isEnded, false)
  for (let i = 0; i < 9; i++) submit(flooding)
  await rehearsal.settle()
  // The first order was taken; nobody is there any more to be told. What came behind the end is not read.
  deepEqual(words(flooding.take()), [tooFast, tooFast, tooFast, tooFast, 'closed FLOODING [3]'])
  equal(flooding.isEnded, true)
})

test('a request that waits for room in a ring is paid for once', async t => {
  const rehearsal = await staged(t, {
    gateLimits: { requestsPerSecond: 2_000, cancelsPerSecond: 1, rateRefusalsMax: 1 },
    commandRingBytes: 1 << 14,
  })
  const peer = await rehearsal.login('alice')
  for (let i = 0; i < 2_000; i++) submit(peer)
  await rehearsal.settle()
  const heard = words(peer.take())
  equal(heard.filter(word => word === 'accepted').length, 2_000)
  deepEqual(await submits(rehearsal, peer, 1), ['RATE_EXCEEDED [2000,"requests"]'])
})

test('a budget of 0 has no limit, and a clock that stands brings nothing', () => {
  const none = new SessionRates({ requestsPerSecond: 0, cancelsPerSecond: 1, rateRefusalsMax: 0 }, 0)
  equal(Array.from({ length: 10_000 }, () => none.requests.take()).every(Boolean), true)
  deepEqual([none.cancels.take(), none.cancels.take()], [true, false])
  none.fill(0)
  equal(none.cancels.take(), false)
  none.fill(999.999)
  equal(none.cancels.take(), false)
  none.fill(1_000)
  equal(none.cancels.take(), true)
  equal(none.refused(0), false)
})

test('the reasons have their numbers', () => {
  deepEqual([Reason.RateExceeded, Reason.Flooding], [923, 924])
})
