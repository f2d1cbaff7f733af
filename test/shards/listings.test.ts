import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Reason } from '../../src/domain/reasons.ts'
import { formatTicker, readTicker, tickerFault } from '../../src/domain/tickers.ts'
import { type Listing, Listings, NOT_LISTED, NOT_QUOTED } from '../../src/shards/listings.ts'
import { definitions } from './shard-stage.ts'

function listings(max = 10): { listings: Listings; numbered: Listing[] } {
  const numbered: Listing[] = []
  return { listings: new Listings(definitions, max, listing => numbered.push(listing)), numbered }
}

function resolve(from: Listings, text: string): Listing {
  const bytes = Buffer.from(`xx${text}yy`)
  return from.resolve({ bytes, start: 2, end: bytes.length - 2 })
}

test('a ticker gets its number once, by whatever spelling it is named', () => {
  const { listings: all, numbered } = listings()
  const unknown = resolve(all, 'ABX.TSX')
  deepEqual([unknown.index, unknown.quoteRow, unknown.fault], [NOT_LISTED, NOT_QUOTED, Reason.None])
  deepEqual(all.all, [])
  equal(all.number(unknown), true)
  equal(all.number(unknown), true)
  for (const spelling of ['ABX.TSX', 'ABX.XTSE']) equal(resolve(all, spelling), unknown)
  equal(all.quoted('ABX.TSX', 7), unknown)
  deepEqual([unknown.quoteRow, all.byQuoteRow[7]], [7, unknown])
  deepEqual(numbered, [unknown])
})

test('invented tickers cost nothing, and the limit holds for quoted and traded ones alike', () => {
  const { listings: all, numbered } = listings(2)
  for (let i = 0; i < 10_000; i++) resolve(all, `X${i}.TSX`)
  equal(all.all.length, 0)
  equal(all.quoted('not a ticker', 0), undefined)
  equal(all.quoted('A.TSX', 0)?.index, 0)
  equal(all.number(resolve(all, 'B.TSX')), true)
  const third = resolve(all, 'C.TSX')
  equal(all.number(third), false)
  equal(third.index, NOT_LISTED)
  equal(all.quoted('C.TSX', 1), undefined)
  equal(numbered.length, 2)
})

test('a text names what the domain says it names, the first time and the next', () => {
  const text = fc.oneof(
    fc
      .tuple(fc.constantFrom('A', 'B', 'A.B', '', 'é', 'A B'), fc.constantFrom('TSX', 'XTSE', 'ASX', 'NOWHERE', ''))
      .map(([symbol, venue]) => `${symbol}.${venue}`),
    fc.string({ maxLength: 12 }),
  )
  fc.assert(
    fc.property(fc.array(fc.tuple(text, fc.boolean()), { maxLength: 40 }), names => {
      const { listings: all } = listings(5)
      const numbers = new Map<string, number>()
      for (const [name, numbersIt] of names) {
        const listing = resolve(all, name)
        const ticker = readTicker(Buffer.from(name).toString(), definitions)
        const canonical = formatTicker(ticker, definitions)
        deepEqual(
          [listing.text, listing.fault, listing.venue, listing.index],
          [canonical, tickerFault(ticker), definitions.venue(ticker.venue), numbers.get(canonical) ?? NOT_LISTED],
        )
        if (numbersIt && listing.fault === Reason.None && all.number(listing)) numbers.set(canonical, listing.index)
      }
      deepEqual(
        [...numbers.values()].sort(),
        [...numbers.values()].map((_, index) => index),
      )
    }),
    { numRuns: 200 },
  )
})
