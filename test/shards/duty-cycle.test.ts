import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { Kind } from '../../src/protocol/kinds.ts'
import { Command } from '../../src/shared-memory/records.ts'
import { ShardStage } from './shard-stage.ts'

const NOTHING = new Uint8Array(0)

/** A stage whose disk is slow, with a quote; what the quote caused is read. */
function slowStage(): ShardStage {
  const stage = new ShardStage({ hasSlowDisk: true })
  stage.quote('ABX.TSX', 10, 11)
  stage.diskIsDone = true
  stage.turn()
  stage.take()
  return stage
}

function post(stage: ShardStage, orderId: number): void {
  stage.post([Kind.Submit, 'ABX.TSX', 1, 1, 100, 9, 0], {}, orderId)
}

test('nothing of a block is shown before the block is on the disk, and the shard steps on meanwhile', () => {
  const stage = slowStage()
  post(stage, 1)
  stage.turn()
  equal(stage.journal.length, 2)
  post(stage, 2)
  stage.turn()
  equal(stage.book().orderSequence, 2)
  deepEqual(stage.take(), [])
  equal(stage.standing().lastOrderSequence, 0)

  stage.diskIsDone = true
  stage.turn()
  // Its rows are those of the block's end, though the account has gone on; and the next block is on its way.
  equal(stage.take().length, 2)
  equal(stage.standing().lastOrderSequence, 1)
  equal(stage.standing().openOrders, 1)
  equal(stage.journal.length, 4)

  stage.diskIsDone = true
  stage.turn()
  equal(stage.take().length, 2)
  equal(stage.standing().openOrders, 2)
})

test('a marker is answered behind its block, with the cut at the end of that block', () => {
  const stage = slowStage()
  post(stage, 1)
  stage.link.post(Command.Marker, 0, stage.nowUs, 77, NOTHING)
  stage.turn()
  post(stage, 2)
  stage.turn()
  deepEqual(stage.cuts, [])
  stage.diskIsDone = true
  stage.turn()
  deepEqual(stage.cuts, [[1, 2]])
})

test('refusals and lookups wait for the block before them', () => {
  const stage = slowStage()
  post(stage, 1)
  stage.turn()
  stage.post([Kind.Cancel, 99])
  stage.turn()
  deepEqual(stage.answers(), [])
  stage.diskIsDone = true
  stage.turn()
  equal(stage.take().length, 2)
  deepEqual(stage.answers(), ['refuse by the record of 99'])
})

test('under load a block closes with its share of the commands, and the next with what came while the disk was busy', () => {
  const stage = slowStage()
  for (let orderId = 1; orderId <= 20; orderId++) post(stage, orderId)
  stage.link.flush()
  const written: number[] = []
  for (let turns = 0; stage.published.length < 40 && turns < 100; turns++) {
    stage.cycle.turn()
    if (stage.journal.length !== (written.at(-1) ?? 0)) written.push(stage.journal.length)
    stage.read()
    ok(stage.published.length <= (written.at(-2) ?? 0) || stage.diskIsDone)
    stage.diskIsDone = true
  }
  deepEqual(stage.published, stage.journal)
  equal(written[0], 6)
})

test('a stop carries out what was taken, block by block', () => {
  const stage = slowStage()
  post(stage, 1)
  stage.turn()
  post(stage, 2)
  stage.link.post(Command.Stop, 0, stage.nowUs, 0, NOTHING)
  stage.turn()
  deepEqual(stage.notices.includes('Stopped'), false)
  stage.diskIsDone = true
  stage.turn()
  deepEqual(stage.published.length, 4)
  equal(stage.notices.at(-1), 'Stopped')
})
