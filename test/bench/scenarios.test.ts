// Every scenario in its smallest size, against real servers: none of them may rot. What they find is proved inside them;
// their figures mean nothing here and are not looked at.

import { deepEqual, ok } from 'node:assert/strict'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { after, test } from 'node:test'
import type { Target } from '../../bench/scenario.ts'
import { scenarios } from '../../bench/scenarios.ts'

const outputDirectory = fs.mkdtempSync(path.join(os.tmpdir(), 'oes-bench-test-'))
after(() => fs.rmSync(outputDirectory, { recursive: true, force: true }))

for (const scenario of scenarios) {
  test(`the smallest ${scenario.name} benchmark proves its answers`, async () => {
    const result = await scenario.run({ quick: true, outputDirectory, say: () => {} })
    ok(result.tables.length > 0)
    for (const { columns, rows } of result.tables) {
      deepEqual(
        rows.map(row => row.length),
        rows.map(() => columns.length),
      )
    }
    for (const target of result.targets) deepEqual(target.holds, isHeld(target))
  })
}

test('the plot of the shards is there after its benchmark', () => {
  const plot = fs.readFileSync(path.join(outputDirectory, 'shards.svg'), 'utf8')
  ok(plot.startsWith('<svg ') && plot.endsWith('</svg>\n'))
})

function isHeld({ value, bound }: Target): boolean {
  const [sign, limit] = bound.split(' ')
  return sign === '>=' ? value >= Number(limit) : value <= Number(limit)
}
