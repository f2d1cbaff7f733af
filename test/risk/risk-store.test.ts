// What is stored is what is found by the next run, whatever was stored before.

import { deepEqual } from 'node:assert/strict'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { MICROS_MAX } from '../../src/domain/money.ts'
import { RiskStateType } from '../../src/domain/risk-state.ts'
import type { AccountSnapshot } from '../../src/risk/account-risk.ts'
import { emptySnapshot } from '../../src/risk/inventory-snapshot.ts'
import { RiskStore } from '../../src/risk/risk-store.ts'
import { TransitionStage } from '../../src/risk/risk-transition-model.ts'

const amounts = fc.integer({ min: -MICROS_MAX, max: MICROS_MAX })
const snapshots: fc.Arbitrary<AccountSnapshot> = fc.record(
  {
    inventories: fc.uniqueArray(
      fc.record(
        {
          ticker: fc.constantFrom('ABX.TSX', 'RY.TSX', 'S32.ASX'),
          currency: fc.constantFrom(124, 36),
          quantity: amounts,
          costBasis: amounts,
          gross: amounts,
          fees: amounts,
          volume: amounts,
          transactions: fc.integer({ min: -5, max: 5 }),
        },
        { noNullPrototype: true },
      ),
      { selector: ({ ticker }) => ticker },
    ),
    sequence: fc.nat(),
    reportSequence: fc.nat(),
    excluded: fc.uniqueArray(fc.integer({ min: 1, max: 12 })),
  },
  { noNullPrototype: true },
)

function sorted({ inventories, excluded, ...rest }: AccountSnapshot): AccountSnapshot {
  return {
    ...rest,
    inventories: inventories.toSorted((a, b) => (a.ticker < b.ticker ? -1 : 1)),
    excluded: excluded.toSorted((a, b) => a - b),
  }
}

function withFolder(run: (file: string) => void): void {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'risk-store-'))
  try {
    run(path.join(folder, 'risk.db'))
  } finally {
    fs.rmSync(folder, { recursive: true })
  }
}

test('the last snapshot of each account is found, by this run and by the next', () => {
  const writes = fc.array(
    fc.tuple(fc.array(fc.tuple(fc.integer({ min: 1, max: 3 }), snapshots), { maxLength: 4 }), fc.boolean()),
    { maxLength: 6 },
  )
  fc.assert(
    fc.property(writes, batches =>
      withFolder(file => {
        let store = new RiskStore(file)
        const expected = new Map<number, AccountSnapshot>()
        for (const [batch, restarts] of batches) {
          store.storeSnapshots(batch)
          for (const [account, snapshot] of batch) expected.set(account, sorted(snapshot))
          if (restarts) {
            store.close()
            store = new RiskStore(file)
          }
          for (const account of [1, 2, 3]) {
            const found = sorted(store.snapshot(account))
            deepEqual(found, expected.get(account) ?? { ...emptySnapshot, reportSequence: 0 })
          }
        }
        store.close()
      }),
    ),
    { numRuns: 40 },
  )
})

test('forgetting snapshots keeps the transitions', () => {
  withFolder(file => {
    const store = new RiskStore(file)
    const transition = { state: { type: RiskStateType.CloseOrders, expiry: 1_770 }, stage: TransitionStage.Closing }
    store.storeTransition(7, transition)
    store.storeSnapshots([[7, { inventories: [], sequence: 3, reportSequence: 9, excluded: [1] }]])
    store.clear()
    deepEqual(store.snapshot(7), { ...emptySnapshot, reportSequence: 0 })
    deepEqual([store.transition(7), store.transition(8)], [transition, undefined])
    store.close()
  })
})
