import { deepEqual } from 'node:assert/strict'
import { test } from 'node:test'
import { Kind } from '../../src/protocol/kinds.ts'
import { Rehearsal } from '../simulation/rehearsal.ts'
import { smallDirectory, staged, submit, temporaryFolder } from '../simulation/stage.ts'

const CAD = 124

test('positions tell limit, use, open orders and each ticker, of the account asked for alone', async t => {
  const rehearsal = await staged(t, { shards: 2, terms: () => ({ buyingPowerLimit: 5000e6 }) })
  const [alice, root] = [await rehearsal.login('alice'), await rehearsal.login('root')]
  submit(alice, { quantity: 100, price: 10 })
  submit(alice, { quantity: 50, price: 4.5, side: 0 })
  submit(alice, { ticker: 'BHP.ASX', quantity: 7, price: 40 })
  submit(root, { quantity: 1, price: 1 })
  await rehearsal.settle()
  const account = rehearsal.directory.id('alice')
  root.request(Kind.Update, account, 1, 3, 30, 9.5, '', '', '', 0.25)
  await rehearsal.settle()
  alice.take()
  const requestId = alice.request(Kind.Positions, 0)
  deepEqual(alice.take(), [
    [
      Kind.PositionList,
      requestId,
      account,
      CAD,
      5000,
      // 70 still asked at 10, 30 bought at 9.5; orders in Australian dollars cannot be counted.
      985,
      0,
      3,
      7,
      [
        ['BHP.ASX', 0, 0, 0, 7, 0, 0, 0],
        ['ABX.TSX', CAD, 30, 285, 70, 50, 0, 0.25],
      ],
    ],
  ])
})

test('positions are the same after a restart', async t => {
  const options = { folder: temporaryFolder(t), directory: smallDirectory() }
  let rehearsal = await Rehearsal.start(options)
  let alice = await rehearsal.login('alice')
  submit(alice, { quantity: 100, price: 10 })
  await rehearsal.settle()
  alice.take()
  alice.request(Kind.Positions, 0)
  const [before] = alice.take()
  await rehearsal.stop()
  rehearsal = await Rehearsal.start({ ...options, shards: 2 })
  t.after(() => rehearsal.kill())
  alice = await rehearsal.login('alice')
  alice.request(Kind.Positions, 0)
  const [after] = alice.take()
  deepEqual(after!.slice(2), before!.slice(2))
})
