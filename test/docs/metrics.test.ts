import { equal } from 'node:assert/strict'
import fs from 'node:fs'
import { test } from 'node:test'
import { METRICS_PAGE, metricsPage } from '../../scripts/metrics.ts'

test('the page of metrics is the one that scripts/metrics.ts writes from the catalogue', () => {
  equal(fs.readFileSync(METRICS_PAGE, 'utf8'), metricsPage())
})
