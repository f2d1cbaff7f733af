import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { Kind } from '../../src/protocol/kinds.ts'
import { MassCancelMode, type ShardMassCancel } from '../../src/protocol/mass-cancel.ts'
import { pack } from '../../src/protocol/msgpack.ts'
import { CANCEL_PIECE } from '../../src/shards/shard-state.ts'
import { Command } from '../../src/shared-memory/records.ts'
import { ShardStage } from './shard-stage.ts'

const PIECE = CANCEL_PIECE.doneMax

const everything: ShardMassCancel = {
  token: 1,
  operator: 9,
  mode: MassCancelMode.Cancel,
  text: '',
  waitMs: 0,
  rows: null,
  orderId: 0,
  ticker: '',
  venues: [],
  others: [0, Number.MAX_SAFE_INTEGER],
}

function massCancel(stage: ShardStage, asked: Partial<ShardMassCancel> = {}, idBound = Number.POSITIVE_INFINITY): void {
  stage.link.post(Command.MassCancel, 0, stage.nowUs, idBound, pack({ ...everything, ...asked }))
}

/** Reports among the lines of events, counted by their status. */
function counted(lines: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const line of lines) {
    const [, word] = /^#\d+ \d+\.\d+ ([A-Z_]+)/.exec(line) ?? ['', 'accepted']
    counts[word!] = (counts[word!] ?? 0) + 1
  }
  return counts
}

test('a block has one piece of a mass cancel beside what others ask for, and nothing is told before it is durable', () => {
  const stage = new ShardStage({ hasSlowDisk: true, accounts: [{}, {}] })
  stage.quote('ABX.TSX', 10, 11)
  const settle = () => {
    for (let block = 0; block < 20; block++) {
      stage.diskIsDone = true
      stage.turn()
    }
  }
  settle()
  for (let id = 1; id <= 3 * PIECE; id++) stage.post([Kind.Submit, 'ABX.TSX', 1, 1, 100, 9, 0], { row: 0 }, id)
  settle()
  equal(stage.state.orders.size, 3 * PIECE)
  stage.take()
  stage.notices.length = 0

  massCancel(stage, {}, 1000)
  stage.turn()
  // The first piece is on its way to the disk; the block behind it has the second, and takes what comes.
  equal(stage.state.orders.size, PIECE)
  deepEqual([stage.take(), stage.notices], [[], []])
  stage.post([Kind.Submit, 'ABX.TSX', 1, 1, 100, 9, 0], { row: 1 }, 1000)
  stage.turn()
  equal(stage.state.orders.size, PIECE + 1)
  deepEqual([stage.take(), stage.notices], [[], []])

  stage.diskIsDone = true
  stage.turn()
  deepEqual(counted(stage.take()), { PENDING_CANCEL: PIECE, CANCELED: PIECE })
  deepEqual(stage.notices, ['MassCanceled'])
  stage.diskIsDone = true
  stage.turn()
  deepEqual(counted(stage.take()), { PENDING_CANCEL: PIECE, CANCELED: PIECE, accepted: 1, NEW: 1 })
  settle()
  deepEqual(counted(stage.take()), { PENDING_CANCEL: PIECE, CANCELED: PIECE })
  equal(stage.state.orders.size, 1)
})

test('an order that came later than the request is left alone by its id', () => {
  const stage = new ShardStage()
  const ids = [stage.submit(), stage.submit(), stage.submit()]
  stage.take()
  massCancel(stage, {}, ids[2])
  stage.turn()
  deepEqual(
    stage.take().filter(line => line.includes(' CANCELED')),
    [`#8 ${ids[1]}.3 CANCELED CANCELED_IN_BULK 0/0`, `#10 ${ids[0]}.3 CANCELED CANCELED_IN_BULK 0/0`],
  )
  equal(stage.state.orders.size, 1)
})

test('a shard that stops does not wait for a mass cancel', () => {
  const stage = new ShardStage()
  for (let i = 0; i < 3 * PIECE; i++) stage.post([Kind.Submit, 'ABX.TSX', 1, 1, 100, 9, 0], {}, i + 1)
  stage.turn()
  massCancel(stage)
  stage.link.post(Command.Stop, 0, stage.nowUs, 0, new Uint8Array(0))
  stage.turn()
  equal(stage.notices.includes('Stopped'), true)
  equal(stage.state.orders.size, 3 * PIECE)
})
