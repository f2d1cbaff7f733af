import { deepEqual, equal, throws } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { definitionsData, definitionsFromData } from '../../src/domain/definitions.ts'
import {
  type ExchangeRate,
  ExchangeRateTable,
  type Fraction,
  formatFraction,
  parseFraction,
} from '../../src/domain/exchange-rates.ts'
import { AmountOutOfRange, MICROS_MAX } from '../../src/domain/money.ts'

const [AUD, CAD, EUR, GBP, JPY, USD] = [36, 124, 978, 826, 392, 840]

const fraction = (text: string): Fraction => parseFraction(text)!
const spelled = (rate: Fraction | undefined): string | undefined => rate && formatFraction(rate)

test('a rate is read from a decimal or a fraction, in lowest terms', () => {
  const texts = ['1.33', '133/100', '266/200', '2', '.5', '5.', '0.0091']
  deepEqual(
    texts.map(text => spelled(parseFraction(text))),
    ['133/100', '133/100', '133/100', '2/1', '1/2', '5/1', '91/10000'],
  )
})

test('what is not a positive number is no rate', () => {
  const texts = ['', '.', '0', '0.00', '0/3', '3/0', '-1', '+1', '1/2/3', '1e3', 'NaN', ' 1', '1.5/2']
  deepEqual(
    texts.map(parseFraction),
    texts.map(() => undefined),
  )
})

test('a rate serves its inverse, a later one replaces both', () => {
  const table = new ExchangeRateTable()
  table.add(USD, EUR, fraction('3/2'))
  deepEqual([spelled(table.find(USD, EUR)), spelled(table.find(EUR, USD))], ['3/2', '2/3'])
  table.add(EUR, USD, fraction('2'))
  deepEqual([spelled(table.find(USD, EUR)), spelled(table.find(EUR, USD))], ['1/2', '2/1'])
})

test('a chained rate is forgotten when a rate changes, and a direct one wins over any chain', () => {
  const table = new ExchangeRateTable()
  table.add(USD, CAD, fraction('2'))
  equal(table.find(USD, EUR), undefined)
  table.add(CAD, EUR, fraction('4'))
  equal(spelled(table.find(USD, EUR)), '8/1')
  table.add(CAD, EUR, fraction('5'))
  equal(spelled(table.find(USD, EUR)), '10/1')
  table.add(USD, EUR, fraction('7'))
  equal(spelled(table.find(USD, EUR)), '7/1')
})

test('a currency converts to itself at par, with rates or without', () => {
  const table = new ExchangeRateTable()
  deepEqual([spelled(table.find(GBP, GBP)), table.convert(12, GBP, GBP)], ['1/1', 12])
  throws(() => table.add(GBP, GBP, fraction('2')), /against itself/)
})

test('the built-in rates are those of the definitions, and each reaches each', () => {
  const definitions = definitionsFromData(definitionsData)
  const table = new ExchangeRateTable(definitions.exchangeRates)
  deepEqual(
    [table.convert(100_000_000, USD, CAD), table.convert(100_000_000, JPY, USD), table.convert(1_000_000, AUD, CAD)],
    [133_000_000, 910_000, 890_000],
  )
  equal(table.convert(1, GBP, CAD), undefined)
})

test('a conversion is rounded once, from the exact product, also where a fraction does not fit a double', () => {
  const long = fc.bigInt({ min: 1n, max: 10n ** 40n })
  const short = fc.bigInt({ min: 1n, max: 10_000n })
  const size = fc.oneof(long, short)
  fc.assert(
    fc.property(fc.maxSafeInteger(), size, size, (amount, numerator, denominator) => {
      const table = new ExchangeRateTable([{ base: USD, counter: CAD, rate: { numerator, denominator } }])
      const product = BigInt(amount) * numerator
      const magnitude = product < 0n ? -product : product
      const rounded = (2n * magnitude + denominator) / (2n * denominator)
      const convert = (): number | undefined => table.convert(amount, USD, CAD)
      if (rounded > BigInt(MICROS_MAX)) throws(convert, AmountOutOfRange)
      else equal(convert(), rounded === 0n ? 0 : Number(product < 0n ? -rounded : rounded))
    }),
    { numRuns: 500 },
  )
})

test('a chained rate is the product along one of the shortest paths', () => {
  const currency = fc.constantFrom(AUD, CAD, EUR, GBP, JPY, USD)
  const rate = fc
    .record({ base: currency, counter: currency, numerator: fc.integer({ min: 1, max: 9 }) })
    .filter(({ base, counter }) => base !== counter)
    .map(({ base, counter, numerator }): ExchangeRate => ({ base, counter, rate: fraction(`${numerator}/7`) }))
  fc.assert(
    fc.property(fc.array(rate, { maxLength: 8 }), currency, currency, (rates, base, counter) => {
      const expected = shortestProducts(rates, base, counter)
      const found = spelled(new ExchangeRateTable(rates).find(base, counter))
      if (expected.size === 0) equal(found, undefined)
      else equal(expected.has(found!), true, `${found} is none of ${[...expected].join(', ')}`)
    }),
  )
})

/** Products along all paths with the fewest rates, by walking every path there is. */
function shortestProducts(rates: readonly ExchangeRate[], base: number, counter: number): Set<string> {
  const latest = new Map<string, ExchangeRate>()
  for (const { base, counter, rate } of rates) {
    latest.set(`${base}/${counter}`, { base, counter, rate })
    const inverse = { numerator: rate.denominator, denominator: rate.numerator }
    latest.set(`${counter}/${base}`, { base: counter, counter: base, rate: inverse })
  }
  let paths = [{ at: base, seen: [base], rate: fraction('1') }]
  while (paths.length > 0) {
    const arrived = paths.filter(path => path.at === counter)
    if (arrived.length > 0) return new Set(arrived.map(path => formatFraction(path.rate)))
    paths = paths.flatMap(path =>
      [...latest.values()]
        .filter(rate => rate.base === path.at && !path.seen.includes(rate.counter))
        .map(({ counter, rate }) => ({
          at: counter,
          seen: [...path.seen, counter],
          rate: fraction(`${path.rate.numerator * rate.numerator}/${path.rate.denominator * rate.denominator}`),
        })),
    )
  }
  return new Set()
}
