// The only door to msgpackr. What travels once in a while (logins, queries, the surrounding services) is packed and
// unpacked whole here; the road of an order reads and writes its few fixed messages in place instead.

import { Packr } from 'msgpackr'
import { MessageReader } from './message-reader.ts'

/** A value of a message: numbers, texts, booleans, nil, bytes, lists and string-keyed maps of these. */
export type Value = number | string | boolean | null | Uint8Array | Value[] | { [key: string]: Value }

const packr = new Packr({ useRecords: false, moreTypes: false, int64AsType: 'number', encodeUndefinedAsNil: true })
const structure = new MessageReader()

/** The bytes of `value`. */
export function pack(value: unknown): Buffer {
  return packr.pack(value)
}

/**
 * The value that lies in `bytes` from `start` to `end`, or undefined where that is not exactly one well-formed value
 * of plain types, nested no deeper than DEPTH_MAX. The structure is walked before anything is built, so a message that
 * announces more than it holds costs nothing.
 */
export function unpack(bytes: Uint8Array, start = 0, end = bytes.length): Value | undefined {
  structure.start(bytes, start, end)
  structure.raw()
  if (!structure.complete) return undefined
  // The exact piece is handed over, since msgpackr would read on into what follows.
  const value: unknown = packr.unpack(bytes.subarray(start, end))
  return value as Value // the walk above saw only plain types
}
