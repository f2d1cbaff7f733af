import { equal } from 'node:assert/strict'
import fs from 'node:fs'
import { test } from 'node:test'
import { REASONS_PAGE, reasonsPage } from '../../scripts/reasons.ts'

test('the page of reasons is the one that scripts/reasons.ts writes', () => {
  equal(fs.readFileSync(REASONS_PAGE, 'utf8'), reasonsPage())
})
