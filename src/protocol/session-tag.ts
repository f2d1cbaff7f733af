// The tag by which an order remembers the session that sent it: the session's key, as the last tag of the order, written
// by the server behind those of the client. Journals and stores keep tags whole, so an order knows its session after every
// restart and on every machine. Clients must not write this tag themselves.

import { TagKey, TagType } from '../domain/tags.ts'
import { MessageReader } from './message-reader.ts'
import { MessageWriter } from './message-writer.ts'
import type { BytesRange } from './order-events.ts'
import { TAGS_BYTES_MAX } from './requests.ts'

/** Room for the longest list of a client and the server's tag, with what the writer reserves. */
const MARKED_BYTES_MAX = 2 * TAGS_BYTES_MAX

/** Writes lists of tags with that of the session behind; one buffer, used over and over. */
export class MarkedTags {
  readonly #writer = new MessageWriter(MARKED_BYTES_MAX, MARKED_BYTES_MAX)
  readonly #range: BytesRange = { bytes: this.#writer.bytes, start: 0, end: 0 }

  /** The client's tags, which are valid, and the key behind them. Holds until the next call. */
  take(tags: BytesRange, key: BytesRange): BytesRange {
    const writer = this.#writer
    writer.position = 0
    writer.arrayHeader(tagsCount(tags) + 1)
    writer.rawBytes(tags.bytes, tagsStart(tags), tags.end)
    writer.arrayHeader(3)
    writer.integer(TagKey.SessionKey)
    writer.integer(TagType.Text)
    writer.textBytes(key.bytes, key.start, key.end)
    this.#range.end = writer.position
    return this.#range
  }
}

/** What `unmarked` found: the key, and the tags before it. */
export interface Unmarked {
  readonly key: string
  /** As the client sent them, but for the form of their number; empty for none. */
  readonly tags: BytesRange
}

const reader = new MessageReader()
const decoder = new TextDecoder()

/** The key of the session that sent the order with these tags, and the others; undefined where it had no key. */
export function unmarked(tags: BytesRange): Unmarked | undefined {
  const count = tagsCount(tags)
  if (count === 0) return undefined
  reader.start(tags.bytes, tags.start, tags.end)
  reader.arrayHeader()
  for (let i = 1; i < count; i++) reader.raw()
  const end = reader.position
  if (reader.arrayHeader() !== 3 || reader.integer() !== TagKey.SessionKey || reader.integer() !== TagType.Text) {
    return undefined
  }
  reader.text()
  if (reader.failed) return undefined
  const key = decoder.decode(reader.bytes.slice(reader.valueStart, reader.valueEnd))
  if (count === 1) return { key, tags: { bytes: tags.bytes, start: 0, end: 0 } }
  const writer = new MessageWriter(MARKED_BYTES_MAX, MARKED_BYTES_MAX)
  writer.arrayHeader(count - 1)
  writer.rawBytes(tags.bytes, tagsStart(tags), end)
  return { key, tags: { bytes: writer.bytes, start: 0, end: writer.position } }
}

/** The tags of the list without their number in front, which has several forms. Holds until the next call. */
export function bareTags(tags: BytesRange): BytesRange {
  bare.bytes = tags.bytes
  bare.start = tagsStart(tags)
  bare.end = tags.end
  return bare
}

const bare: BytesRange = { bytes: new Uint8Array(0), start: 0, end: 0 }

function tagsStart({ bytes, start, end }: BytesRange): number {
  if (start === end) return start
  const form = bytes[start]
  return start + (form === 0xdd ? 5 : form === 0xdc ? 3 : 1)
}

function tagsCount({ bytes, start, end }: BytesRange): number {
  if (start === end) return 0
  reader.start(bytes, start, end)
  const count = reader.arrayHeader()
  return reader.failed ? 0 : count
}
