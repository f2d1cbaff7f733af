import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { definitionsData, definitionsFromData } from '../../src/domain/definitions.ts'
import { Reason } from '../../src/domain/reasons.ts'
import { formatTicker, parseTicker, readTicker, tickerFault, tickerKey } from '../../src/domain/tickers.ts'

const definitions = definitionsFromData(definitionsData)

test('the last dot separates symbol and venue', () => {
  deepEqual(
    ['ABX.TSX', 'ABX.XTSE', 'A.B.C.TSX', 'S32.ASX', 'ABX.'].map(text => readTicker(text, definitions)),
    [
      { symbol: 'ABX', venue: 'XTSE' },
      { symbol: 'ABX', venue: 'XTSE' },
      { symbol: 'A.B.C', venue: 'XTSE' },
      { symbol: 'S32', venue: 'XASX' },
      { symbol: 'ABX.', venue: '' },
    ],
  )
})

test('each fault of a ticker has its reason, the venue first', () => {
  const faults: [string, Reason][] = [
    ['ABX.TSX', Reason.None],
    [`${'A'.repeat(16)}.TSX`, Reason.None],
    ['ABX', Reason.VenueMissing],
    ['ABX.NYSE', Reason.VenueMissing],
    ['ABX.tsx', Reason.VenueMissing],
    ['ABX.XTSEFOO', Reason.VenueMissing],
    ['', Reason.VenueMissing],
    ['.', Reason.VenueMissing],
    ['.TSX', Reason.SymbolMissing],
    ['   .TSX', Reason.SymbolMissing],
    ['A B.TSX', Reason.UnknownTicker],
    ['ABX\u0000.TSX', Reason.UnknownTicker],
    ['ABX\u00a0.TSX', Reason.UnknownTicker],
    [`${'A'.repeat(17)}.TSX`, Reason.UnknownTicker],
    [`${'é'.repeat(9)}.TSX`, Reason.UnknownTicker],
  ]
  deepEqual(
    faults.map(([text]) => tickerFault(readTicker(text, definitions))),
    faults.map(([, reason]) => reason),
  )
  deepEqual(
    faults.map(([text]) => parseTicker(text, definitions) !== undefined),
    faults.map(([, reason]) => reason === Reason.None),
  )
})

test('a text without a known venue is written as it came', () => {
  fc.assert(
    fc.property(fc.string(), text => {
      const ticker = readTicker(text, definitions)
      if (ticker.venue === '') equal(formatTicker(ticker, definitions), text)
    }),
  )
})

test('a good ticker is written with the display name and reads back as itself', () => {
  const symbol = fc.stringMatching(/^[A-Z0-9.]{1,16}$/)
  const mic = fc.constantFrom(...definitions.venues.map(venue => venue.mic))
  fc.assert(
    fc.property(symbol, mic, (symbol, venue) => {
      const ticker = { symbol, venue }
      equal(formatTicker(ticker, definitions), `${symbol}.${definitions.venue(venue)?.displayName}`)
      deepEqual(parseTicker(formatTicker(ticker, definitions), definitions), ticker)
    }),
  )
})

test('without venue a ticker is its bare symbol, without definition the venue is its MIC', () => {
  deepEqual(
    [
      { symbol: 'ABX', venue: '' },
      { symbol: '', venue: '' },
      { symbol: '', venue: 'XTSE' },
      { symbol: 'IBM', venue: 'XNYS' },
    ].map(ticker => formatTicker(ticker, definitions)),
    ['ABX', '', '.TSX', 'IBM.XNYS'],
  )
})

test('keys differ where symbol or venue differ', () => {
  deepEqual(
    [
      { symbol: 'ABX', venue: 'XTSE' },
      { symbol: 'ABX', venue: 'XTSX' },
      { symbol: 'A.B', venue: 'XTSE' },
    ].map(tickerKey),
    ['ABX.XTSE', 'ABX.XTSX', 'A.B.XTSE'],
  )
})
