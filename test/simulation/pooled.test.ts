// Rules that count the accounts of several shards together, against a slow twin on one thread, over whatever order the
// messages between shards and main come in.

import { ok } from 'node:assert/strict'
import { test } from 'node:test'
import { pooledRun } from './pooled-run.ts'

/** OES_POOLED_SEEDS=10000 for many, OES_POOLED_FIRST=n to begin with another: one after the other, the failing one is told. */
const SEEDS = Number(process.env.OES_POOLED_SEEDS ?? 200)
const FIRST = Number(process.env.OES_POOLED_FIRST ?? 1)

test('pooled rules judge as one thread would, whatever is under way between the shards', () => {
  const counts = { verdicts: 0, refused: 0, replaced: 0 }
  for (let seed = FIRST; seed < FIRST + SEEDS; seed++) {
    try {
      pooledRun(seed, counts)
    } catch (error) {
      throw new Error(`seed ${seed}; to repeat it: OES_POOLED_FIRST=${seed} OES_POOLED_SEEDS=1`, { cause: error })
    }
  }
  if (SEEDS < 50) return
  // The runs are about something.
  ok(counts.refused > SEEDS / 4 && counts.verdicts > 2 * counts.refused, JSON.stringify(counts))
  ok(counts.replaced > SEEDS, JSON.stringify(counts))
})
