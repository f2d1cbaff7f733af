// Reads the elements of a received message. Everything that arrives is unknown until one of these functions has looked
// at it; an element that is missing or of the wrong type is refused with its index. A nil or missing element reads as
// the default where one is given.

import { isMicros, microsOfNumber } from '../../domain/money.ts'
import { Reason } from '../../domain/reasons.ts'
import type { Value } from '../../protocol/msgpack.ts'
import { ServiceError } from './service-error.ts'

/** One message, or one row inside a message. */
export type Elements = readonly Value[]

/** Longest text accepted in any element, in characters. */
export const TEXT_LENGTH_MAX = 4096

function malformed(index: number): ServiceError {
  return new ServiceError(Reason.MalformedMessage, [index])
}

/** A whole number from `min` to `max`, which are those of exact doubles where they are not given. */
export function integerAt(
  elements: Elements,
  index: number,
  fallback?: number,
  min = Number.MIN_SAFE_INTEGER,
  max = Number.MAX_SAFE_INTEGER,
): number {
  const value = elements[index] ?? fallback
  if (typeof value !== 'number' || !Number.isInteger(value) || value < min || value > max) throw malformed(index)
  return value + 0
}

/** A whole number from 0 to `max`, 2^32−1 where it is not given: ids of accounts and directories, counts. */
export function unsignedAt(elements: Elements, index: number, fallback?: number, max = 0xffff_ffff): number {
  return integerAt(elements, index, fallback, 0, max)
}

/** One of a closed set of numbers. */
export function memberAt<Member extends number>(
  elements: Elements,
  index: number,
  set: Record<string, Member>,
): Member {
  const value = integerAt(elements, index)
  for (const member of Object.values(set)) if (member === value) return member
  throw malformed(index)
}

/** An amount, sent as an ordinary number with at most six decimals, in micros. */
export function amountAt(elements: Elements, index: number, fallback?: number): number {
  const value = elements[index] ?? fallback
  if (typeof value !== 'number') throw malformed(index)
  const micros = microsOfNumber(value)
  if (!isMicros(micros)) throw malformed(index)
  return micros
}

export function textAt(elements: Elements, index: number, fallback?: string): string {
  const value = elements[index] ?? fallback
  if (typeof value !== 'string' || value.length > TEXT_LENGTH_MAX) throw malformed(index)
  return value
}

export function bytesAt(elements: Elements, index: number): Uint8Array {
  const value = elements[index]
  if (!(value instanceof Uint8Array)) throw malformed(index)
  return value
}

export function listAt(elements: Elements, index: number): Elements {
  const value = elements[index] ?? []
  if (!Array.isArray(value)) throw malformed(index)
  return value
}

/** A list of rows, each of them a list again. */
export function rowsAt(elements: Elements, index: number): readonly Elements[] {
  const rows = listAt(elements, index)
  for (const row of rows) if (!Array.isArray(row)) throw malformed(index)
  return rows as readonly Elements[] // every row was looked at
}

/** Yes or no, sent as 1 or 0. */
export function flagAt(elements: Elements, index: number): boolean {
  const value = integerAt(elements, index, 0)
  if (value !== 0 && value !== 1) throw malformed(index)
  return value === 1
}
