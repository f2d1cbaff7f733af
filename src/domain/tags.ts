// Tags: additional fields of an order or a report, as FIX has them. A tag is a key and one typed value; a list may have
// several tags of one key, and the first of them counts. On the wire a tag is `[key, type, value]`.

import { microsOfNumber, numberOfMicros } from './money.ts'

/** Keys with a meaning to the server; others are kept and passed on. */
export const TagKey = {
  /** Text of space separated tokens, among them the kind of peg: `R` primary, `P` market, `M` mid-price. */
  ExecInst: 18,
  /** Text for the venue. */
  ExDestination: 100,
  /** Quantity to display, for the venue. */
  MaxFloor: 111,
  /** Money: distance of a pegged order from its reference, positive towards the passive side. */
  PegDifference: 211,
  /** Text: key of the session that sent the order. The server writes it, see `protocol/session-tag.ts`. */
  SessionKey: 10_050,
} as const

/** The type of a tag's value. The numbers are those of the wire and of the stores. */
export const TagType = {
  /** A safe integer. */
  Integer: 0,
  /** A finite double. */
  Double: 1,
  /** Micros here, an ordinary number on the wire. */
  Quantity: 2,
  /** Micros here, an ordinary number on the wire. */
  Money: 3,
  /** A text of one character. */
  Character: 4,
  /** A text of at most TAG_TEXT_BYTES_MAX bytes. */
  Text: 5,
  /** A calendar date as the integer YYYYMMDD. */
  Date: 6,
  /** Integer microseconds. */
  Duration: 7,
  /** Integer microseconds since the epoch, UTC. */
  DateTime: 8,
} as const
export type TagType = (typeof TagType)[keyof typeof TagType]

interface NumberTag {
  readonly key: number
  readonly type: Exclude<TagType, TextTag['type']>
  readonly value: number
}

interface TextTag {
  readonly key: number
  readonly type: typeof TagType.Character | typeof TagType.Text
  readonly value: string
}

export type Tag = NumberTag | TextTag

export const TAGS_MAX = 32
export const TAG_TEXT_BYTES_MAX = 255
/** Keys are 1 … TAG_KEY_MAX. */
export const TAG_KEY_MAX = 0x7fff_ffff

/** The first tag with this key. */
export function findTag(tags: readonly Tag[], key: number): Tag | undefined {
  return tags.find(tag => tag.key === key)
}

/** Whether key, type and value agree. */
export function areEqualTags(a: Tag, b: Tag): boolean {
  return a.key === b.key && a.type === b.type && a.value === b.value
}

/**
 * The tags of a decoded message: a list of at most TAGS_MAX `[key, type, value]`; nil is the empty list. Undefined
 * where anything about it is not as the types above say.
 */
export function tagsFromWire(data: unknown): Tag[] | undefined {
  if (data === undefined || data === null) return []
  if (!Array.isArray(data) || data.length > TAGS_MAX) return undefined
  const tags: Tag[] = []
  for (const element of data) {
    const tag = tagFromWire(element)
    if (tag === undefined) return undefined
    tags.push(tag)
  }
  return tags
}

/** The same tags as a message carries them. */
export function tagsToWire(tags: readonly Tag[]): [key: number, type: TagType, value: number | string][] {
  return tags.map(({ key, type, value }) => {
    const isAmount = type === TagType.Quantity || type === TagType.Money
    return [key, type, isAmount ? numberOfMicros(value) : value]
  })
}

function tagFromWire(data: unknown): Tag | undefined {
  if (!Array.isArray(data) || data.length !== 3) return undefined
  const [key, type, value] = data as unknown[]
  if (!isInteger(key) || key < 1 || key > TAG_KEY_MAX) return undefined
  switch (type) {
    case TagType.Character:
      return typeof value === 'string' && isOneCharacter(value) ? { key, type, value } : undefined
    case TagType.Text:
      return typeof value === 'string' && isShortText(value) ? { key, type, value } : undefined
    case TagType.Integer:
    case TagType.Duration:
    case TagType.DateTime:
      return isInteger(value) ? { key, type, value: value + 0 } : undefined
    case TagType.Date:
      return isInteger(value) && isDate(value) ? { key, type, value } : undefined
    case TagType.Double:
      return typeof value === 'number' && Number.isFinite(value) ? { key, type, value: value + 0 } : undefined
    case TagType.Quantity:
    case TagType.Money: {
      const micros = typeof value === 'number' ? microsOfNumber(value) : Number.NaN
      return Number.isNaN(micros) ? undefined : { key, type, value: micros }
    }
    default:
      return undefined
  }
}

function isInteger(value: unknown): value is number {
  return Number.isSafeInteger(value)
}

function isOneCharacter(text: string): boolean {
  const codePoint = text.codePointAt(0)
  return codePoint !== undefined && text.length === (codePoint > 0xffff ? 2 : 1)
}

function isShortText(text: string): boolean {
  return text.length <= TAG_TEXT_BYTES_MAX && Buffer.byteLength(text) <= TAG_TEXT_BYTES_MAX
}

function isDate(value: number): boolean {
  const year = Math.floor(value / 10_000)
  const month = Math.floor(value / 100) % 100
  const day = value % 100
  if (year < 1 || year > 9_999) return false
  const date = new Date(0)
  date.setUTCFullYear(year, month - 1, day)
  return date.getUTCMonth() === month - 1 && date.getUTCDate() === day
}
