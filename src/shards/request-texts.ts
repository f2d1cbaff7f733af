// Texts and lists of tags of a request, which its decoder leaves as ranges of the message: whether they are what they
// should be, and what they say.

import { type Tag, tagsFromWire } from '../domain/tags.ts'
import { unpack } from '../protocol/msgpack.ts'
import type { BytesRange } from '../protocol/order-events.ts'

const decoder = new TextDecoder('utf-8', { fatal: true })

/** Whether the bytes are UTF-8; ASCII, which nearly all are, is seen without a call. */
export function isUtf8({ bytes, start, end }: BytesRange): boolean {
  for (let i = start; i < end; i++) if (bytes[i] >= 0x80) return isUtf8Slow(bytes.slice(start, end))
  return true
}

function isUtf8Slow(bytes: Uint8Array): boolean {
  try {
    decoder.decode(bytes)
    return true
  } catch {
    return false // the only way it fails
  }
}

/** @throws where the bytes are no UTF-8. */
export function textOf({ bytes, start, end }: BytesRange): string {
  return start === end ? '' : decoder.decode(bytes.slice(start, end))
}

/** None for an empty range; undefined where it is no list of tags. */
export function tagsOf({ bytes, start, end }: BytesRange): Tag[] | undefined {
  return start === end ? [] : tagsFromWire(unpack(bytes.slice(start, end)))
}
