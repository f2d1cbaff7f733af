// The page of `oes top`: figures as lines of text, the most important first. What is too wide for the terminal loses its
// last columns, what is too long its last lines.

import { type Column, printable, tableLines } from '../table.ts'
import type { Figures, LatencyFigures, RefusalFigures, ShardFigures, StoreFigures } from './figures.ts'

export const SHARD_ORDERS = ['name', 'load', 'orders', 'depth'] as const
/** What the table of shards is sorted by. */
export type ShardOrder = (typeof SHARD_ORDERS)[number]

export type Paint = (colour: 'bold' | 'dim' | 'red' | 'green' | 'yellow', text: string) => string

export interface PageOptions {
  /** Characters of a line, and lines; Infinity where nobody counts them. */
  readonly width: number
  readonly height: number
  readonly paint: Paint
  readonly shardOrder: ShardOrder
}

const REFUSALS_MAX = 8
const TITLE_WIDTH = 8
const HOT_LOAD = 0.85
const DEEP = 0.5

export function pageLines(figures: Figures, { width, height, paint, shardOrder }: PageOptions): string[] {
  const { stage, isReady, upSeconds, version } = figures
  const head = fitted(`${printable(stage)}  up ${duration(upSeconds)}  version ${printable(version)}`, width)
  const lines = [
    paint(isReady ? 'green' : 'red', head),
    ...figures.degraded.map(({ part, what, why }) => {
      const text = printable(`${part} ${what}: ${why}`)
      return paint('red', fitted(`degraded  ${text}`, width))
    }),
    ...figures.hints.map(hint => paint('yellow', fitted(`hint      ${printable(hint)}`, width))),
    ...words('orders', width, [
      `${rate(figures.ordersPerSecond)}/s`,
      `rejected ${rate(figures.rejectedPerSecond)}/s`,
      `executions ${rate(figures.executionsPerSecond)}/s`,
      `cancels ${rate(figures.cancelsPerSecond)}/s`,
      `live ${whole(figures.liveOrders)}`,
    ]),
    ...words('answer', width, [
      `p50 ${latency(figures.answer, 'p50Us')}`,
      `p99 ${latency(figures.answer, 'p99Us')}`,
      `p99.9 ${latency(figures.answer, 'p999Us')}`,
    ]),
    ...words('p99 of', width, [
      `wait ${latency(figures.stages.wait, 'p99Us')}`,
      `judge ${latency(figures.stages.judge, 'p99Us')}`,
      `commit ${latency(figures.stages.commit, 'p99Us')}`,
      `publish ${latency(figures.stages.publish, 'p99Us')}`,
    ]),
    ...words('clients', width, [
      `${whole(figures.sessions)} sessions`,
      `${whole(figures.subscriptions)} subscriptions`,
      `${whole(figures.inFlight)} in flight`,
      `${bytes(figures.unreadBytes)} unread`,
      `refused ${rate(figures.refusedPerSecond)}/s`,
    ]),
    ...words('threads', width, [
      ...figures.threads.map(
        ({ name, load, delay }) => `${name} ${percent(load)}, late p99 ${latency(delay, 'p99Us')}`,
      ),
      `memory ${bytes(figures.residentBytes)}`,
      `disk ${bytes(figures.diskFreeBytes)} free`,
    ]),
    '',
    ...fittingTable(shardColumns(paint), sorted(figures.shards, shardOrder), width, paint),
    '',
    ...fittingTable(storeColumns(paint), figures.stores, width, paint),
  ]
  if (figures.refusals.length > 0) {
    lines.push('', ...fittingTable(refusalColumns, figures.refusals.slice(0, REFUSALS_MAX), width, paint))
  }
  return lines.slice(0, height)
}

function shardColumns(paint: Paint): Column<ShardFigures>[] {
  return [
    { title: 'SHARD', cell: ({ name }) => name },
    {
      title: 'LOAD',
      align: 'right',
      cell: ({ load }) => percent(load),
      paint: (text, { load }) => (load > HOT_LOAD ? paint('red', text) : text),
    },
    { title: 'ORDERS/S', align: 'right', cell: shard => rate(shard.ordersPerSecond) },
    {
      title: 'DEPTH',
      align: 'right',
      cell: ({ depth }) => percent(depth),
      paint: (text, { depth }) => (depth > DEEP ? paint('red', text) : text),
    },
    { title: 'LIVE', align: 'right', cell: shard => whole(shard.liveOrders) },
    { title: 'WAIT P99', align: 'right', cell: ({ wait }) => latency(wait, 'p99Us') },
    { title: 'COMMIT P99', align: 'right', cell: ({ commit }) => latency(commit, 'p99Us') },
    { title: 'BACKLOG', align: 'right', cell: shard => whole(shard.backlogEntries) },
  ]
}

function storeColumns(paint: Paint): Column<StoreFigures>[] {
  return [
    { title: 'STORE', cell: ({ name }) => name },
    {
      title: 'STATE',
      cell: ({ state }) => state,
      paint: (text, { state }) => (state === 'following' ? text : paint('red', text)),
    },
    { title: 'LAG', align: 'right', cell: ({ lagSeconds }) => `${lagSeconds.toFixed(1)} s` },
    { title: 'ENTRIES', align: 'right', cell: ({ lagEntries }) => whole(lagEntries) },
    { title: 'COPIED/S', align: 'right', cell: store => rate(store.entriesPerSecond) },
    { title: 'FAILURES', align: 'right', cell: ({ failures }) => whole(failures) },
  ]
}

const refusalColumns: Column<RefusalFigures>[] = [
  { title: 'REFUSED', cell: ({ reason }) => reason },
  { title: 'PER SECOND', align: 'right', cell: ({ perSecond }) => rate(perSecond) },
  { title: 'IN ALL', align: 'right', cell: ({ total }) => whole(total) },
]

function sorted(shards: readonly ShardFigures[], order: ShardOrder): readonly ShardFigures[] {
  if (order === 'name') return shards
  const by = { load: 'load', orders: 'ordersPerSecond', depth: 'depth' } as const
  return shards.toSorted((a, b) => b[by[order]] - a[by[order]])
}

/** As many of the columns, from the first on, as the width has room for. */
function fittingTable<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  width: number,
  paint: Paint,
): string[] {
  for (let count = columns.length; ; count--) {
    const shown = columns.slice(0, count)
    const plain = tableLines(
      shown.map(({ paint: _, ...column }) => column),
      rows,
    )
    if (plain.every(line => line.length <= width)) return tableLines(shown, rows, title => paint('bold', title))
    if (count === 1) return plain.map(line => fitted(line, width))
  }
}

/** A title and what goes behind it, on as many lines as the width asks for. */
function words(title: string, width: number, parts: readonly string[]): string[] {
  const lines: string[] = []
  let line = title.padEnd(TITLE_WIDTH)
  let isEmpty = true
  for (const part of parts) {
    if (!isEmpty && line.length + 2 + part.length > width) {
      lines.push(line)
      line = ' '.repeat(TITLE_WIDTH)
    }
    line += `  ${part}`
    isEmpty = false
  }
  return [...lines, line].map(each => fitted(each, width))
}

function fitted(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, Math.max(0, width - 1))}…`
}

function whole(value: number): string {
  return Math.round(value).toLocaleString('en-US')
}

/** Something per second. */
function rate(value: number): string {
  return value > 0 && value < 10 ? value.toFixed(1) : whole(value)
}

function percent(share: number): string {
  return `${Math.round(100 * share)} %`
}

function latency(figures: LatencyFigures, which: 'p50Us' | 'p99Us' | 'p999Us'): string {
  if (figures.count === 0) return '–'
  const us = figures[which]
  if (us < 1_000) return `${us} µs`
  return us < 1_000_000 ? `${(us / 1_000).toPrecision(3)} ms` : `${(us / 1_000_000).toPrecision(3)} s`
}

function bytes(value: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB']
  let unit = 0
  let left = value
  while (left >= 1024 && unit < units.length - 1) {
    left /= 1024
    unit += 1
  }
  return `${unit === 0 ? left : left.toPrecision(3)} ${units[unit]}`
}

function duration(seconds: number): string {
  const whole = Math.floor(seconds)
  const [days, hours, minutes] = [
    Math.floor(whole / 86_400),
    Math.floor(whole / 3_600) % 24,
    Math.floor(whole / 60) % 60,
  ]
  if (days > 0) return `${days} d ${hours} h`
  if (hours > 0) return `${hours} h ${minutes} min`
  return minutes > 0 ? `${minutes} min ${whole % 60} s` : `${whole} s`
}
