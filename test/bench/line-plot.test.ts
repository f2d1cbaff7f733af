// The plot: every point at its place, names that cannot break the markup.

import { deepEqual, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { linePlot } from '../../bench/plot/line-plot.ts'

test('a plot has a line per name, a point per value, and text that is escaped', () => {
  const svg = linePlot({
    title: 'a < b & "c"',
    xLabel: 'x',
    yLabel: 'y',
    lines: [
      {
        name: 'first',
        points: [
          [1, 100],
          [2, 200],
        ],
      },
      { name: 'second', points: [[1, 50]] },
    ],
  })
  ok(svg.includes('a &lt; b &amp; &quot;c&quot;'))
  deepEqual(
    [...svg.matchAll(/<circle cx="([\d.]+)" cy="([\d.]+)".*?<title>(.*?)<\/title>/g)].map(([, x, y, tip]) => [
      x,
      y,
      tip,
    ]),
    [
      ['90', '190', 'first, 1: 100'],
      ['696', '48', 'first, 2: 200'],
      ['90', '261', 'second, 1: 50'],
    ],
  )
})
