// Exchange rates: 1 unit of the base currency is `rate` units of the counter currency, as an exact fraction of any
// size. A rate serves its inverse too; pairs nobody gave a rate for are chained over as few currencies as possible.

import { assert } from '../base/assert.ts'
import type { Currency } from './currencies.ts'
import { AmountOutOfRange, MICROS_MAX, type Money, mulDiv } from './money.ts'
import { InvalidData, readRecord, readText } from './plain-data.ts'

/** A positive ratio in lowest terms. */
export interface Fraction {
  readonly numerator: bigint
  readonly denominator: bigint
}

export interface ExchangeRate {
  /** ISO 4217 numbers. */
  readonly base: number
  readonly counter: number
  readonly rate: Fraction
}

/** The built-in rates, as a definitions file spells them. They leave room for arbitrage: a direct rate always wins. */
export const exchangeRatesData = [
  { pair: 'USD/CAD', rate: '1.33' },
  { pair: 'USD/AUD', rate: '1.49' },
  { pair: 'AUD/CAD', rate: '0.89' },
  { pair: 'HKD/CAD', rate: '0.17' },
  { pair: 'HKD/USD', rate: '0.13' },
  { pair: 'HKD/AUD', rate: '0.19' },
  { pair: 'JPY/HKD', rate: '0.071' },
  { pair: 'JPY/CAD', rate: '0.012' },
  { pair: 'JPY/USD', rate: '0.0091' },
  { pair: 'JPY/AUD', rate: '0.012' },
]

/**
 * One entry of the exchange rates section: `pair` as `USD/CAD`, both defined and different; `rate` as a positive
 * fraction or decimal, in text or, as YAML reads an unquoted decimal, a number. @throws InvalidData
 */
export function readExchangeRate(
  data: unknown,
  path: string,
  findCurrency: (code: string) => Currency | undefined,
): ExchangeRate {
  const record = readRecord(data, path, ['pair', 'rate'])
  const [base, counter, ...more] = readText(record, 'pair').split('/').map(findCurrency)
  if (base === undefined || counter === undefined || more.length > 0 || base === counter) {
    throw new InvalidData(`${path}.pair`, 'has to be two defined currencies, as in USD/CAD')
  }
  const value = record.values.rate
  const rate = typeof value === 'string' || typeof value === 'number' ? parseFraction(String(value)) : undefined
  if (rate === undefined) throw new InvalidData(`${path}.rate`, 'has to be a positive decimal or fraction')
  return { base: base.id, counter: counter.id, rate }
}

const FRACTION = /^(\d+)\/(\d+)$/
const DECIMAL = /^(\d*)\.?(\d*)$/

/** The exact fraction of `133/100` or `1.33`; undefined for anything else and for what is not positive. */
export function parseFraction(text: string): Fraction | undefined {
  const fraction = FRACTION.exec(text)
  if (fraction !== null) return reduce(BigInt(fraction[1]!), BigInt(fraction[2]!))
  const decimal = DECIMAL.exec(text)
  if (decimal === null) return undefined
  const [, whole, decimals] = decimal as unknown as [string, string, string]
  // Without any digit the numerator is BigInt(''), which is zero and refused.
  return reduce(BigInt(whole + decimals), 10n ** BigInt(decimals.length))
}

/** `133/100`. */
export function formatFraction(fraction: Fraction): string {
  return `${fraction.numerator}/${fraction.denominator}`
}

function reduce(numerator: bigint, denominator: bigint): Fraction | undefined {
  if (numerator <= 0n || denominator <= 0n) return undefined
  let [divisor, rest] = [numerator, denominator]
  while (rest !== 0n) [divisor, rest] = [rest, divisor % rest]
  return { numerator: numerator / divisor, denominator: denominator / divisor }
}

/** A fraction ready for use. */
interface Rate {
  readonly fraction: Fraction
  /** The fraction in doubles, or both zero where one of the two is too long for them. */
  readonly numerator: number
  readonly denominator: number
}

const SAFE_MAX = BigInt(MICROS_MAX)

function rateOf(fraction: Fraction): Rate {
  const fits = fraction.numerator <= SAFE_MAX && fraction.denominator <= SAFE_MAX
  return {
    fraction,
    numerator: fits ? Number(fraction.numerator) : 0,
    denominator: fits ? Number(fraction.denominator) : 0,
  }
}

const PAR: Rate = rateOf({ numerator: 1n, denominator: 1n })

export class ExchangeRateTable {
  /** Given rates and their inverses: base → counter → rate. */
  readonly #given = new Map<number, Map<number, Rate>>()
  /** The same for chained rates, and undefined for pairs that cannot be chained; emptied whenever a rate is given. */
  readonly #derived = new Map<number, Map<number, Rate | undefined>>()

  constructor(rates: readonly ExchangeRate[] = []) {
    for (const { base, counter, rate } of rates) this.add(base, counter, rate)
  }

  /** Gives a rate and its inverse; an earlier rate of the pair is replaced, chained rates are forgotten. */
  add(base: number, counter: number, rate: Fraction): void {
    assert(base !== counter, 'a currency has no rate against itself')
    const reduced = reduce(rate.numerator, rate.denominator)
    assert(reduced !== undefined, 'an exchange rate is positive')
    put(this.#given, base, counter, rateOf(reduced))
    put(this.#given, counter, base, rateOf({ numerator: reduced.denominator, denominator: reduced.numerator }))
    this.#derived.clear()
  }

  /** The given or chained rate of a pair, par for a currency and itself; undefined where no chain leads there. */
  find(base: number, counter: number): Fraction | undefined {
    return this.#rate(base, counter)?.fraction
  }

  /**
   * `amount` of the base currency in the counter currency, rounded once; undefined where there is no rate.
   * @throws AmountOutOfRange
   */
  convert(amount: Money, base: number, counter: number): Money | undefined {
    if (base === counter) return amount
    const rate = this.#rate(base, counter)
    if (rate === undefined) return undefined
    if (rate.denominator !== 0) return mulDiv(amount, rate.numerator, rate.denominator)
    return convertBig(amount, rate.fraction)
  }

  #rate(base: number, counter: number): Rate | undefined {
    if (base === counter) return PAR
    const given = this.#given.get(base)?.get(counter)
    if (given !== undefined) return given
    const derived = this.#derived.get(base)
    if (derived?.has(counter)) return derived.get(counter)
    const rate = this.#chain(base, counter)
    put(this.#derived, base, counter, rate)
    return rate
  }

  /** Searches breadth first, so that the first chain found has the fewest rates. */
  #chain(base: number, counter: number): Rate | undefined {
    const reached = new Map<number, Fraction>([[base, PAR.fraction]])
    // A map is walked in the order of insertion, entries added on the way included: it is the queue as well.
    for (const [currency, { numerator, denominator }] of reached) {
      for (const [next, { fraction }] of this.#given.get(currency) ?? []) {
        if (reached.has(next)) continue
        const product = reduce(numerator * fraction.numerator, denominator * fraction.denominator)!
        if (next === counter) return rateOf(product)
        reached.set(next, product)
      }
    }
    return undefined
  }
}

function put<T>(rates: Map<number, Map<number, T>>, base: number, counter: number, rate: T): void {
  const ofBase = rates.get(base)
  if (ofBase === undefined) rates.set(base, new Map([[counter, rate]]))
  else ofBase.set(counter, rate)
}

function convertBig(amount: Money, { numerator, denominator }: Fraction): Money {
  const product = BigInt(amount) * numerator
  const size = product < 0n ? -product : product
  const rounded = (2n * size + denominator) / (2n * denominator)
  if (rounded > SAFE_MAX)
    throw new AmountOutOfRange(`${amount} × ${numerator} ÷ ${denominator} leaves the range of amounts`)
  return product < 0n ? 0 - Number(rounded) : Number(rounded)
}
