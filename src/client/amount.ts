// Amounts at the door of the SDK. A price or quantity may be given as an ordinary number (25.37) or as decimal text
// ('25.37'); text is read exactly. Either way it has at most six decimals; nothing is rounded.

import { parseDecimal } from '../domain/decimal.ts'
import { microsOfNumber, numberOfMicros, WIRE_MICROS_MAX } from '../domain/money.ts'
import { ClientCode, OesError } from './client-error.ts'

export type Amount = number | string

/**
 * The number that goes over the wire for `amount`. `name` is what the error calls it.
 * @throws OesError INVALID_ARGUMENT where it is no number, has more than six decimals, or is larger than 2^32.
 */
export function wireAmount(amount: Amount, name: string): number {
  const micros = typeof amount === 'number' ? microsOfNumber(amount) : microsOfText(amount)
  if (Math.abs(micros) <= WIRE_MICROS_MAX) return numberOfMicros(micros)
  throw new OesError(
    ClientCode.InvalidArgument,
    `The ${name} ${JSON.stringify(amount)} is not a number with at most six decimals, of at most 2^32.`,
    { params: [name, amount] },
  )
}

function microsOfText(text: string): number {
  // A lone point or sign is no amount that anybody meant.
  return /\d/.test(text) ? (parseDecimal(text) ?? Number.NaN) : Number.NaN
}
