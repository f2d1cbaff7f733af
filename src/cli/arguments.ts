// Words of the command line, turned into what the SDK takes. Each function throws a usage error that lists what it
// would have understood.

import { Side, TimeInForce, timeInForceNames } from '../client/index.ts'
import { currenciesData } from '../domain/currencies.ts'
import { usageError } from './command-error.ts'

const SIDES: Record<string, Side> = { bid: Side.Bid, buy: Side.Bid, ask: Side.Ask, sell: Side.Ask }

export function parseSide(word: string): Side {
  const side = SIDES[word.toLowerCase()]
  if (side === undefined) throw usageError(`'${word}' is no side.`, 'Use buy (or bid), sell (or ask).')
  return side
}

export function parseTimeInForce(word: string): TimeInForce {
  const wanted = word.toUpperCase()
  for (const timeInForce of Object.values(TimeInForce)) {
    if (timeInForce !== TimeInForce.None && timeInForceNames[timeInForce] === wanted) return timeInForce
  }
  const known = Object.values(TimeInForce).filter(value => value !== TimeInForce.None)
  const words = known.map(value => timeInForceNames[value].toLowerCase()).join(', ')
  throw usageError(`'${word}' is no time in force.`, `Use one of ${words}.`)
}

/** A currency by its code where it is a well-known one, or by its ISO 4217 number. */
export function parseCurrency(word: string): number {
  const known = currenciesData.find(currency => currency.code === word.toUpperCase())
  return known?.id ?? parseWhole(word, 'a currency', 1)
}

/** A time as microseconds since the epoch. Without a zone it is UTC. */
export function parseTime(word: string): number {
  const match = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?)(Z|[+-]\d\d:\d\d)?)?$/.exec(word)
  const ms = match === null ? Number.NaN : Date.parse(`${match[1]}T${match[2] ?? '00:00'}${match[3] ?? 'Z'}`)
  if (Number.isNaN(ms)) {
    throw usageError(`'${word}' is no time.`, 'Write it as 2026-01-30, 2026-01-30T14:30 or 2026-01-30T09:30:00-05:00.')
  }
  return ms * 1_000
}

/** A sequence, or a time. */
export function parsePoint(word: string): number | { timestamp: number } {
  return /^\d+$/.test(word) ? parseWhole(word, 'a sequence') : { timestamp: parseTime(word) }
}

/** A whole number of at least `min`; `what` names it. */
export function parseWhole(word: string, what: string, min = 0): number {
  const value = Number(word)
  if (!/^\d+$/.test(word) || !Number.isSafeInteger(value) || value < min) {
    throw usageError(`'${word}' is not ${what}.`, `A whole number of at least ${min} is expected.`)
  }
  return value
}
