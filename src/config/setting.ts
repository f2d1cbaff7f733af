// The kinds of settings a configuration is made of. A setting knows its comment, what it allows in words, its value
// where the file is silent, and how to read itself from the file's tree. Sections and lists are settings too.

import { type Address, formatAddress, parseAddress } from './address.ts'
import { nearest } from './nearest.ts'
import { formatNetwork, type Network, parseNetwork } from './network.ts'
import type { Place, YamlNode } from './yaml-tree.ts'

/** Something wrong in a file: where, at which key, and what would be right. */
export interface Problem {
  readonly place: Place
  readonly key: string
  readonly what: string
}

/** Where each key that the file gives stands, by its whole name as `engine.shards`; and what is wrong so far. */
export interface Reading {
  readonly places: Map<string, Place>
  readonly problems: Problem[]
  /** What an operator should know although the configuration can be used. */
  readonly warnings?: Problem[]
  /** Where the values of keys come from that are not in the file itself. */
  readonly origins?: Map<string, string>
  /** All keys there are, to find the section that an unknown one belongs to. */
  readonly all?: Settings
  /** True where nobody needs the secrets, so that they are not looked for outside the file. */
  readonly withholdsSecrets?: boolean
  /** Becomes true where the file itself has a secret in it. */
  holdsSecrets?: boolean
}

export interface Setting<Value> {
  readonly comment: string
  /** What is allowed, in words, to go behind "must be" and into the comment of the default file. */
  readonly allowed: string
  /** The default as it would be written in a file; undefined where a section decides. */
  readonly written: string | undefined
  /** What the default file has instead of the default: text with variables that the set-up script replaces. */
  readonly template: string | undefined
  /** True where the section it stands in is not complete without it. */
  readonly isRequired: boolean
  /** What a number counts. */
  readonly unit?: string
  /** True where the value is shown to nobody. */
  readonly isSecret?: boolean
  /** The value as it would be written in a file; for all whose plain text is not that. */
  show?(value: Value): string
  /** The value where the file is silent. */
  absent(): Value
  /** The value in the file; where it is not allowed, the problem is noted and `absent()` takes its place. */
  read(node: YamlNode, key: string, reading: Reading): Value
}

/** What all kinds are made from; the texts go into the default file. */
interface Said {
  readonly comment: string
  readonly template?: string
}

/** `data_directory` as the typed configuration spells it: `dataDirectory`. */
export type InCode<Key extends string> = Key extends `${infer Head}_${infer Tail}`
  ? `${Head}${Capitalize<InCode<Tail>>}`
  : Key

export function inCode(key: string): string {
  return key.replaceAll(/_(.)/g, (_, first: string) => first.toUpperCase())
}

export type Settings = Readonly<Record<string, Setting<unknown>>>
export type ValuesOf<Keys extends Settings> = {
  readonly [Key in keyof Keys & string as InCode<Key>]: Keys[Key] extends Setting<infer Value> ? Value : never
}

export interface Section<Keys extends Settings> extends Setting<ValuesOf<Keys>> {
  readonly keys: Keys
  readonly retired: RetiredKeys
}

/** Keys of earlier versions: what to write instead. */
export type RetiredKeys = Readonly<Record<string, string>>

/** A setting that is one word or number in the file; `parse` gives undefined for what is not allowed. */
function scalar<Value>(
  said: Said & {
    allowed: string
    written: string | undefined
    absent: () => Value
    unit?: string
    show?: (value: Value) => string
  },
  parse: (text: string, isQuoted: boolean) => Value | undefined,
): Setting<Value> {
  const { comment, allowed, written, absent, template, unit, show } = said
  return {
    comment,
    allowed,
    written,
    template,
    isRequired: false,
    ...(unit === undefined ? {} : { unit }),
    ...(show === undefined ? {} : { show }),
    absent,
    read(node, key, reading) {
      const value = node.kind === 'scalar' ? parse(node.text, node.isQuoted) : undefined
      if (value !== undefined) return value
      reading.problems.push({ place: node.place, key, what: `must be ${allowed}, not ${described(node)}` })
      return absent()
    },
  }
}

const DESCRIBED_LENGTH_MAX = 60

function described(node: YamlNode): string {
  if (node.kind !== 'scalar') return `a ${node.kind}`
  if (isNothing(node)) return 'nothing'
  const { text } = node
  return JSON.stringify(text.length > DESCRIBED_LENGTH_MAX ? `${text.slice(0, DESCRIBED_LENGTH_MAX)}…` : text)
}

/** True for a key without a value, as a section whose keys are all commented out. */
function isNothing(node: YamlNode): boolean {
  return node.kind === 'scalar' && node.text === '' && !node.isQuoted
}

export interface IntegerBounds extends Said {
  /** What is counted; none for a bare number, as a port. */
  readonly unit?: string
  readonly min: number
  readonly max: number
  readonly isPowerOfTwo?: boolean
}

function allowedInteger({ unit, min, max, isPowerOfTwo }: IntegerBounds): string {
  return `a whole number${unit ? ` of ${unit}` : ''} from ${min} to ${max}${isPowerOfTwo ? ', a power of two' : ''}`
}

function parseInteger(text: string, isQuoted: boolean, bounds: IntegerBounds): number | undefined {
  if (isQuoted || !/^(\d{1,15}|\d{1,3}(_\d{3}){1,4})$/.test(text)) return undefined
  const value = Number(text.replaceAll('_', ''))
  if (!(value >= bounds.min && value <= bounds.max)) return undefined
  return bounds.isPowerOfTwo && !Number.isInteger(Math.log2(value)) ? undefined : value
}

/** A whole number; in the file, groups of three digits may be set off by `_`. */
export function integer(said: IntegerBounds & { byDefault: number }): Setting<number> {
  const { byDefault } = said
  return scalar(
    { ...said, allowed: allowedInteger(said), written: String(byDefault), absent: () => byDefault },
    (text, isQuoted) => parseInteger(text, isQuoted, said),
  )
}

/** A whole number, or `auto`, which is what `auto` finds at start. */
export function integerOrAuto(said: IntegerBounds & { auto: () => number }): Setting<number> {
  const { auto } = said
  const allowed = `${allowedInteger(said)}, or auto`
  return scalar({ ...said, allowed, written: 'auto', absent: auto }, (text, isQuoted) =>
    text === 'auto' ? auto() : parseInteger(text, isQuoted, said),
  )
}

/** One word of a closed set. */
export function choice<const Word extends string>(
  said: Said & { words: readonly Word[]; byDefault: NoInfer<Word> },
): Setting<Word> {
  const { words, byDefault } = said
  return scalar({ ...said, allowed: `one of ${words.join(', ')}`, written: byDefault, absent: () => byDefault }, text =>
    words.find(word => word === text),
  )
}

const TEXT_LENGTH_MAX = 4096

/** Any text that is not empty; a number is taken as it is written. */
export function text(said: Said & { what: string; byDefault: string }): Setting<string> {
  const { what, byDefault } = said
  return scalar({ ...said, allowed: what, written: byDefault, absent: () => byDefault, show: quotedText }, given =>
    given.length > 0 && given.length <= TEXT_LENGTH_MAX ? given : undefined,
  )
}

/** `host:port`. */
export function address(said: Said & { byDefault: string }): Setting<Address> {
  const byDefault = parseAddress(said.byDefault)!
  const allowed = 'an address as host:port, an IPv6 host in brackets'
  const show = (value: Address) => quotedText(formatAddress(value))
  return scalar({ ...said, allowed, written: formatAddress(byDefault), absent: () => byDefault, show }, parseAddress)
}

/** A network in CIDR form. */
export function network(said: Said & { byDefault: string }): Setting<Network> {
  const byDefault = parseNetwork(said.byDefault)!
  const allowed = 'a network as 10.1.0.0/16 or 2001:db8::/32, or an address'
  const show = (value: Network) => JSON.stringify(formatNetwork(value))
  return scalar({ ...said, allowed, written: formatNetwork(byDefault), absent: () => byDefault, show }, parseNetwork)
}

/** A text as YAML takes it: in quotes unless it is plainly a word. */
function quotedText(value: string): string {
  const isWord = /^[A-Za-z/][\w./@-]*(:[\w.-]+)*$|^\d+(\.\d+){3}:\d+$/.test(value)
  return isWord && !/^(null|true|false|y|n|yes|no|on|off)$/i.test(value) ? value : JSON.stringify(value)
}

/** A moment in UTC as `2026-01-30 09:30:00`, date alone or with a fraction; in microseconds since the epoch. */
export function optionalDateTime(said: Said): Setting<number | undefined> {
  const allowed = 'a UTC date-time as 2026-01-30 09:30:00'
  const show = (us: number | undefined) => dateTimeText(us ?? 0)
  return scalar<number | undefined>(
    { ...said, allowed, written: undefined, absent: () => undefined, show },
    parseDateTime,
  )
}

const DATE_TIME = /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d):(\d\d)(?:\.(\d{1,6}))?Z?)?$/

function parseDateTime(given: string): number | undefined {
  const match = DATE_TIME.exec(given)
  if (match === null) return undefined
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map(part => Number(part ?? 0)) as number[]
  const ms = Date.UTC(year!, month! - 1, day!, hour!, minute!, second!)
  const date = new Date(ms)
  // A day or an hour that does not exist would have become another one.
  const exists =
    date.getUTCFullYear() === year &&
    date.getUTCMonth() === month! - 1 &&
    date.getUTCDate() === day &&
    date.getUTCHours() === hour &&
    minute! < 60 &&
    second! < 60
  return exists ? ms * 1000 + Number((match[7] ?? '').padEnd(6, '0')) : undefined
}

function dateTimeText(us: number): string {
  const seconds = Math.floor(us / 1_000_000)
  const text = new Date(seconds * 1000).toISOString().slice(0, 19).replace('T', ' ')
  const fraction = us - seconds * 1_000_000
  return fraction === 0 ? text : `${text}.${String(fraction).padStart(6, '0')}`
}

/** The same setting, but without a default: where the file is silent there is no value. */
export function optional<Value>(setting: Setting<Value>): Setting<Value | undefined> {
  return { ...setting, written: undefined, absent: () => undefined }
}

/** The same setting, but it must be given wherever its section is. */
export function required<Value>(setting: Setting<Value>): Setting<Value> {
  return { ...setting, written: undefined, isRequired: true }
}

/** A list in which nothing stands twice. */
export function list<Value>(
  said: Said & { items: Setting<Value>; byDefault: readonly Value[] },
): Setting<readonly Value[]> {
  const { items, byDefault, comment, template } = said
  return {
    comment,
    allowed: `a list, each entry ${items.allowed}`,
    written: `[${byDefault.join(', ')}]`,
    template,
    isRequired: false,
    show: values => `[${values.map(value => items.show?.(value) ?? String(value)).join(', ')}]`,
    absent: () => byDefault,
    read(node, key, reading) {
      if (node.kind !== 'list') {
        reading.problems.push({ place: node.place, key, what: `must be ${this.allowed}, not ${described(node)}` })
        return byDefault
      }
      const values: Value[] = []
      const seen = new Set<string>()
      for (const [index, item] of node.items.entries()) {
        const itemKey = `${key}[${index}]`
        const problemsBefore = reading.problems.length
        const value = items.read(item, itemKey, reading)
        if (reading.problems.length > problemsBefore) continue
        const same = JSON.stringify(value)
        if (seen.has(same)) reading.problems.push({ place: item.place, key: itemKey, what: 'stands here twice' })
        seen.add(same)
        values.push(value)
      }
      return values
    },
  }
}

/** A map with known keys. */
export function section<const Keys extends Settings>(
  comment: string,
  keys: Keys,
  retired: RetiredKeys = {},
): Section<Keys> {
  return {
    comment,
    allowed: 'a map with the keys below',
    written: undefined,
    template: undefined,
    isRequired: false,
    keys,
    retired,
    absent: () => valuesOf<Keys>(keys, name => keys[name]!.absent()),
    read(node, key, reading) {
      if (isNothing(node)) return this.absent()
      const given = givenKeys(node, key, { keys, retired }, reading)
      if (given === undefined) return this.absent()
      return readKeys(keys, given, { key, place: node.place }, reading)
    },
  }
}

/** A section that may be left out as a whole; the default file leaves it out where it `isAside`. */
export function optionalSection<const Keys extends Settings>(
  comment: string,
  keys: Keys,
  { isAside = false }: { isAside?: boolean } = {},
): Setting<ValuesOf<Keys> | undefined> & { readonly keys: Keys; readonly isAside: boolean } {
  return { ...section(comment, keys), absent: () => undefined, isAside }
}

/** A map, or a list of maps each of which takes what it leaves out from the one before it. */
export function oneOrMany<const Keys extends Settings>(
  comment: string,
  keys: Keys,
): Setting<readonly ValuesOf<Keys>[]> & { readonly keys: Keys } {
  return {
    comment,
    allowed: 'a map, or a list of maps, with the keys below',
    written: undefined,
    template: undefined,
    isRequired: false,
    keys,
    absent: () => [],
    read(node, key, reading) {
      if (isNothing(node)) return []
      const inherited = new Map<string, YamlNode>()
      const maps =
        node.kind === 'list' ? node.items.map((item, i) => ({ item, key: `${key}[${i}]` })) : [{ item: node, key }]
      if (maps.length === 0) reading.problems.push({ place: node.place, key, what: `must be ${this.allowed}` })
      return maps.flatMap(({ item, key }) => {
        const given = givenKeys(item, key, { keys, retired: {} }, reading)
        if (given === undefined) return []
        for (const [name, value] of given) inherited.set(name, value)
        return [readKeys(keys, inherited, { key, place: item.place }, reading)]
      })
    },
  }
}

/** Reads every key of a section from the values that are given for it. */
function readKeys<Keys extends Settings>(
  keys: Keys,
  given: ReadonlyMap<string, YamlNode>,
  at: { key: string; place: Place },
  reading: Reading,
): ValuesOf<Keys> {
  return valuesOf<Keys>(keys, name => {
    const setting = keys[name]!
    const value = given.get(name)
    if (value !== undefined) return setting.read(value, within(at.key, name), reading)
    if (setting.isRequired) {
      const what = `is missing: ${setting.comment}, ${setting.allowed}`
      reading.problems.push({ place: at.place, key: within(at.key, name), what })
    }
    return setting.absent()
  })
}

function valuesOf<Keys extends Settings>(keys: Keys, value: (name: string) => unknown): ValuesOf<Keys> {
  // Built by name, so the compiler cannot see that each value has the type of its key.
  return Object.fromEntries(Object.keys(keys).map(name => [inCode(name), value(name)])) as ValuesOf<Keys>
}

/** The known keys that a map gives, after noting those that are unknown or retired; undefined where it is no map. */
function givenKeys(
  node: YamlNode,
  key: string,
  { keys, retired }: { keys: Settings; retired: RetiredKeys },
  reading: Reading,
): Map<string, YamlNode> | undefined {
  if (node.kind !== 'map') {
    const what = `must be a map with the keys ${Object.keys(keys).join(', ')}`
    reading.problems.push({ place: node.place, key, what })
    return undefined
  }
  const given = new Map<string, YamlNode>()
  for (const { key: name, place, value } of node.entries) {
    const whole = within(key, name)
    if (Object.hasOwn(keys, name)) {
      reading.places.set(whole, place)
      given.set(name, value)
    } else if (Object.hasOwn(retired, name)) {
      reading.problems.push({ place, key: whole, what: `is not used any more: write ${retired[name]} instead` })
    } else {
      const names = Object.keys(keys)
      const what = `is not a key of ${key === '' ? 'the configuration' : key}, which are ${names.join(', ')}`
      const meant = nearest(name, names) ?? elsewhere(name, reading.all)
      reading.problems.push({
        place,
        key: whole,
        what: meant === undefined ? what : `${what}; the nearest is ${meant}`,
      })
    }
  }
  return given
}

/** The whole name of a key that stands in another section than it was given in. */
function elsewhere(name: string, keys: Settings = {}, section = ''): string | undefined {
  for (const [known, setting] of Object.entries(keys)) {
    const whole = within(section, known)
    if (known === name) return whole
    const deeper = 'keys' in setting ? elsewhere(name, setting.keys as Settings, whole) : undefined
    if (deeper !== undefined) return deeper
  }
  return undefined
}

function within(key: string, name: string): string {
  return key === '' ? name : `${key}.${name}`
}
