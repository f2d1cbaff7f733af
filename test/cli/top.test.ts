// oes top: what two looks at a server say, how that looks on a terminal of any width, and the command against a server.

import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { PassThrough } from 'node:stream'
import { test } from 'node:test'
import { type Figures, figuresBetween } from '../../src/cli/top/figures.ts'
import { pageLines } from '../../src/cli/top/page.ts'
import { Screen } from '../../src/cli/top/screen.ts'
import type { ServerStatus } from '../../src/cli/top/status.ts'
import { connect, limitOrder, Side } from '../../src/client/index.ts'
import { Reason } from '../../src/domain/reasons.ts'
import { LANE_BYTES, Metric, slotOfReason } from '../../src/metrics/catalogue.ts'
import { laneStatus } from '../../src/metrics/status.ts'
import { Lane } from '../../src/shared-memory/lanes.ts'
import { ServerProcess, temporaryFolder, testSettings } from '../fault/server-process.ts'
import { bareOes } from './command.ts'

/** Lanes of a small server, which a test fills. */
function counted() {
  const kinds = ['main', 'writer', 'store', 'link', 'link', 'shard', 'shard'] as const
  const names = ['main', 'writer', '10.0.0.7:3306/spire', 'shard-0', 'shard-1', 'shard-0', 'shard-1']
  const memory = new SharedArrayBuffer(kinds.length * LANE_BYTES)
  const lanes = kinds.map((kind, at) => ({ kind, thread: names[at]!, lane: new Lane(memory, at, LANE_BYTES) }))
  const [main, writer, store, link0, link1, shard0, shard1] = lanes.map(({ lane }) => lane) as [
    Lane,
    Lane,
    Lane,
    Lane,
    Lane,
    Lane,
    Lane,
  ]
  main.set(Metric.StartTime, 1_000)
  const status = (timeMs: number): ServerStatus => ({
    version: '1.2.3',
    timeMs,
    isReady: true,
    stage: 'trading',
    degraded: [],
    lanes: [...laneStatus(lanes)],
  })
  return { main, writer, store, link0, link1, shard0, shard1, status }
}

function example(): Figures {
  const { main, store, link1, shard0, shard1, status } = counted()
  shard0.add(Metric.OrdersAccepted, 1_000)
  const before = status(2_000_000)
  shard0.add(Metric.OrdersAccepted, 500)
  shard1.add(Metric.OrdersAccepted, 4_500)
  shard1.set(Metric.OrdersOpen, 70)
  shard1.set(Metric.ThreadCpu, 1.9)
  shard0.set(Metric.ThreadCpu, 0.5)
  link1.set(Metric.CommandRing, 512)
  link1.set(Metric.CommandRingSize, 1_024)
  main.set(Metric.SessionsOpen, 12)
  for (let us = 1; us <= 1_000; us++) main.record(Metric.AnswerLatency, 10 * us)
  main.add(slotOfReason(Metric.Refusals, Reason.Capacity), 3)
  store.set(Metric.StoreState, 3)
  store.set(Metric.StoreLagSeconds, 61.25)
  store.set(Metric.StoreLagRecords, 12_345)
  return figuresBetween(before, {
    ...status(2_002_000),
    degraded: [{ part: 'store', what: '10.0.0.7:3306/spire', why: 'The store is away.' }],
  })
}

const plain = (figures: Figures, width: number, height = Number.POSITIVE_INFINITY) =>
  pageLines(figures, { width, height, paint: (_, text) => text, shardOrder: 'load' })

test('rates, percentiles and loads are those between two looks', () => {
  const figures = example()
  const { ordersPerSecond, upSeconds, answer, shards, stores, refusals, sessions, hints } = figures
  deepEqual(
    {
      ordersPerSecond,
      upSeconds,
      sessions,
      shards: shards.map(({ name, load, depth, liveOrders }) => [name, load, depth, liveOrders]),
      stores: stores.map(({ state, lagSeconds, lagEntries }) => [state, lagSeconds, lagEntries]),
      refusals,
      hints,
    },
    {
      ordersPerSecond: 2_500,
      upSeconds: 1_002,
      sessions: 12,
      shards: [
        ['shard-0', 0.25, 0, 0],
        ['shard-1', 0.95, 0.5, 70],
      ],
      stores: [['away', 61.25, 12_345]],
      refusals: [{ reason: 'CAPACITY', total: 3, perSecond: 1.5 }],
      hints: ['shard-1 is hot while others are not: few accounts make most orders.'],
    },
  )
  equal(answer.count, 1_000)
  for (const [told, exact] of [
    [answer.p50Us, 5_000],
    [answer.p99Us, 9_900],
    [answer.p999Us, 9_990],
  ] as const) {
    ok(told >= exact && told <= exact * (1 + 1 / 32), `${told} for ${exact}`)
  }
})

test('the first look counts since the start of the server, and so does one at a server that was started anew', () => {
  const { main, shard0, status } = counted()
  shard0.add(Metric.OrdersAccepted, 1_000)
  const first = status(1_010_000)
  equal(figuresBetween(undefined, first).ordersPerSecond, 100)
  main.set(Metric.StartTime, 1_012)
  shard0.set(Metric.OrdersAccepted, 30)
  equal(figuresBetween(first, status(1_015_000)).ordersPerSecond, 10)
})

test('all shards hot, and main hot, give other advice', () => {
  const { main, shard0, shard1, status } = counted()
  const before = status(2_000_000)
  for (const shard of [shard0, shard1]) shard.set(Metric.ThreadCpu, 0.9)
  deepEqual(figuresBetween(before, status(2_001_000)).hints, [
    'Every shard is hot: more shards may help where there are cores; `oes tune` finds out.',
  ])
  main.set(Metric.ThreadCpu, 0.95)
  deepEqual(figuresBetween(before, status(2_001_000)).hints, ['Main has no time left: more shards would not help.'])
})

test('the page tells everything where there is room', () => {
  deepEqual(plain(example(), 120), [
    'trading  up 16 min 42 s  version 1.2.3',
    'degraded  store 10.0.0.7:3306/spire: The store is away.',
    'hint      shard-1 is hot while others are not: few accounts make most orders.',
    'orders    2,500/s  rejected 0/s  executions 0/s  cancels 0/s  live 70',
    'answer    p50 5.12 ms  p99 9.98 ms  p99.9 10.2 ms',
    'p99 of    wait –  judge –  commit –  publish –',
    'clients   12 sessions  0 subscriptions  0 in flight  0 B unread  refused 0/s',
    'threads   main 0 %, late p99 –  writer 0 %, late p99 –  memory 0 B  disk 0 B free',
    '',
    'SHARD    LOAD  ORDERS/S  DEPTH  LIVE  WAIT P99  COMMIT P99  BACKLOG',
    'shard-1  95 %     2,250   50 %    70         –           –        0',
    'shard-0  25 %       250    0 %     0         –           –        0',
    '',
    'STORE                STATE     LAG  ENTRIES  COPIED/S  FAILURES',
    '10.0.0.7:3306/spire  away   61.3 s   12,345         0         0',
    '',
    'REFUSED   PER SECOND  IN ALL',
    'CAPACITY         1.5       3',
  ])
})

test('no line is wider than the terminal, however narrow, and what matters most stays', () => {
  const figures = example()
  for (let width = 20; width <= 130; width++) {
    const lines = plain(figures, width)
    for (const line of lines) ok(line.length <= width, `${width}: ${line}`)
    ok(lines.some(line => line.startsWith('SHARD')))
    ok(lines.some(line => line.startsWith('shard-1')))
  }
  ok(plain(figures, 40).includes('SHARD    LOAD  ORDERS/S  DEPTH  LIVE'))
  equal(plain(figures, 80, 5).length, 5)
})

test('the screen draws in place, hears single keys, and leaves the terminal as it was', () => {
  const written: string[] = []
  const out = Object.assign(new PassThrough(), { columns: 50, rows: 3, isTTY: true }) as unknown as NodeJS.WriteStream
  out.write = ((text: string) => written.push(text) > 0) as NodeJS.WriteStream['write']
  const modes: boolean[] = []
  const input = Object.assign(new PassThrough(), {
    isTTY: true,
    setRawMode: (isRaw: boolean) => modes.push(isRaw),
  }) as unknown as NodeJS.ReadStream
  const keys: string[] = []
  const screen = new Screen(
    { out, input },
    key => keys.push(key),
    () => keys.push('resized'),
  )
  deepEqual([screen.width, screen.height], [50, 4])
  Object.assign(out, { columns: 0, rows: 0 })
  deepEqual([screen.width, screen.height], [80, 24])
  Object.assign(out, { columns: 50, rows: 3 })
  screen.open()
  screen.draw(['one', 'two', 'three', 'four', 'five'])
  input.emit('data', 'sq')
  out.emit('resize')
  screen.close()
  input.emit('data', 'x')
  out.emit('resize')
  deepEqual(keys, ['s', 'q', 'resized'])
  deepEqual(modes, [true, false])
  const page = 'one\u001b[K\r\ntwo\u001b[K\r\nthree\u001b[K\r\nfour\u001b[K'
  deepEqual(written, ['\u001b[?1049h\u001b[?25l', `\u001b[H${page}\u001b[J`, '\u001b[?25h\u001b[?1049l'])
})

test('one page of a running server goes to scripts, as text or as JSON', async t => {
  const folder = temporaryFolder()
  t.after(() => folder.remove())
  const server = await ServerProcess.start(folder.path, testSettings(folder.path))
  using client = await connect({ port: server.port, username: 'alice', password: 'alice' })
  const top = (...words: string[]) => bareOes('top', '--admin', `127.0.0.1:${server.adminPort}`, ...words)
  const looking = top('--once', '--interval', '3000')
  let isLooking = true
  looking.finally(() => {
    isLooking = false
  })
  while (isLooking) await client.submit(limitOrder(Side.Bid, 'ABX.TSX', 100, 1))
  const { status, out, err } = await looking
  deepEqual([status, err], [0, ''])
  match(out, /^trading {2}up \d+ s {2}version \S+\n/)
  match(out, /^orders {4}[\d,.]+\/s {2}rejected 0\/s .* live [1-9]/m)
  match(out, /^answer {4}p50 \d.* p99 \d.* p99\.9 \d/m)
  match(out, /^SHARD .*\nshard-0 .*\nshard-1 .*\n\nSTORE .*\nembedded {2}following /m)
  const figures = JSON.parse((await top('--json', '--interval', '100')).out) as Figures
  deepEqual([figures.isReady, figures.shards.length, figures.sessions], [true, 2, 1])
})

test('what keeps top from looking is told with what to do about it', async () => {
  const nobody = await bareOes('top', '--once', '--admin', '127.0.0.1:1')
  equal(nobody.status, 1)
  match(nobody.err, /^oes: The administrative port at 127\.0\.0\.1:1 does not answer: .*\n {5}Is the server running/)
  deepEqual(
    [await bareOes('top', '--admin', 'nowhere'), await bareOes('top', '--interval', '1'), await bareOes('top')].map(
      ({ status, err }) => [status, err.split('\n')[0]],
    ),
    [
      [2, "oes: 'nowhere' is no address."],
      [2, "oes: '1' is not a time in milliseconds."],
      [2, 'oes: top draws on a terminal.'],
    ],
  )
})
