// The prepared frames of the load: what they say, and that none is like another.

import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { OrderPattern } from '../../bench/load/load-plan.ts'
import { SubmitFrames } from '../../bench/load/submit-frames.ts'
import { FrameSplitter } from '../../src/protocol/frames.ts'
import { unpack } from '../../src/protocol/msgpack.ts'

const tickers = [
  { ticker: 'ABX.TSX', bid: 25.36, ask: 25.38 },
  { ticker: 'SHOP.TSX', bid: 92.74, ask: 92.76 },
]

function messages({ bytes }: SubmitFrames): unknown[] {
  const splitter = new FrameSplitter(1024)
  splitter.push(bytes)
  const found: unknown[] = []
  while (splitter.next()) found.push(unpack(splitter.bytes, splitter.start, splitter.end))
  equal(splitter.pendingBytes, 0)
  return found
}

test('marketable frames buy at the ask and sell at the bid by turns, over all accounts and tickers', () => {
  const frames = new SubmitFrames({
    pattern: OrderPattern.Marketable,
    accounts: [7, 8],
    tickers,
    placesMin: 5,
    idPrefix: 'r.',
  })
  deepEqual(messages(frames), [
    [3, 0, 7, 'ABX.TSX', 1, 1, 100, 25.38, 0, '', 0, 'r.00000000'],
    [3, 1, 8, 'ABX.TSX', 1, 1, 100, 25.38, 0, '', 0, 'r.00010000'],
    [3, 2, 7, 'SHOP.TSX', 1, 1, 100, 92.76, 0, '', 0, 'r.00020000'],
    [3, 3, 8, 'SHOP.TSX', 1, 1, 100, 92.76, 0, '', 0, 'r.00030000'],
    [3, 4, 7, 'ABX.TSX', 1, 0, 100, 25.36, 0, '', 0, 'r.00040000'],
    [3, 5, 8, 'ABX.TSX', 1, 0, 100, 25.36, 0, '', 0, 'r.00050000'],
    [3, 6, 7, 'SHOP.TSX', 1, 0, 100, 92.74, 0, '', 0, 'r.00060000'],
    [3, 7, 8, 'SHOP.TSX', 1, 0, 100, 92.74, 0, '', 0, 'r.00070000'],
  ])
  deepEqual(
    [...frames.moves].reduce((sum, move) => sum + move, 0),
    0,
  )
})

test('resting frames bid below the quote, good till canceled', () => {
  const frames = new SubmitFrames({
    pattern: OrderPattern.Resting,
    accounts: [7],
    tickers: tickers.slice(0, 1),
    placesMin: 2,
    idPrefix: 'r.',
  })
  deepEqual(messages(frames), [
    [3, 0, 7, 'ABX.TSX', 1, 1, 100, 24.36, 1, '', 0, 'r.00000000'],
    [3, 1, 7, 'ABX.TSX', 1, 1, 100, 24.35, 1, '', 0, 'r.00010000'],
  ])
})

test('a place that is used again gets a client order id that was not used before', () => {
  const frames = new SubmitFrames({
    pattern: OrderPattern.Marketable,
    accounts: [7],
    tickers: tickers.slice(0, 1),
    placesMin: 2,
    idPrefix: 'r.',
  })
  const ids = new Set<unknown>()
  for (let use = 0; use < 10_000; use++) {
    frames.renew(0)
    const end = frames.offsets[1]!
    ids.add(frames.bytes.toString('latin1', end - 10, end))
  }
  equal(ids.size, 10_000)
  deepEqual(
    messages(frames).map(message => (message as unknown[])[11]),
    ['r.000002sg', 'r.00010000'],
  )
})
