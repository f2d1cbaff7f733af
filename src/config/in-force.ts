// What a configuration comes to: every key with its value, its unit, and where the value comes from. Secrets are not
// part of it; where they come from is.

import { inCode, type Reading, type Setting, type Settings } from './setting.ts'

/** One line: a section that is given, a key that has a value, or either without one. */
export interface InForce {
  /** The whole name, as `data_store[0].address`. */
  readonly key: string
  /** The last part of it, or `-` for an entry of a list of maps. */
  readonly name: string
  /** How many sections it lies in. */
  readonly depth: number
  readonly kind: 'section' | 'value' | 'absent'
  /** As it would be written in a file; empty but for values. */
  readonly text: string
  readonly unit: string | undefined
  readonly isSecret: boolean
  /** As `default`, `config.yml:12`, `environment OES_PASSWORD, config.yml:9`. */
  readonly from: string
}

export interface InForceParts {
  readonly keys: Settings
  /** As the schema read them. */
  readonly values: unknown
  readonly reading: Reading
  readonly file: string
}

/** What a secret is shown as, where its source is not shown instead. */
const HIDDEN = '"(hidden)"'

/** Every key in the order of the schema. */
export function inForce({ keys, values, reading, file }: InForceParts): InForce[] {
  const lines: InForce[] = []

  const placed = (key: string) => {
    const place = reading.places.get(key)
    return place === undefined ? undefined : `${file}:${place.line}`
  }
  const section = (key: string, name: string, depth: number, from: string, kind: 'section' | 'absent' = 'section') =>
    lines.push({ key, name, depth, kind, text: '', unit: undefined, isSecret: false, from })

  /** `above` are the names under which an entry of a list inherits what it does not give itself, the nearest first. */
  const keysOf = (settings: Settings, given: unknown, whole: string, depth: number, above: readonly string[]) => {
    for (const [name, setting] of Object.entries(settings)) {
      // Values were built by name from the same settings.
      const value = (given as Readonly<Record<string, unknown>>)[inCode(name)]
      const key = whole === '' ? name : `${whole}.${name}`
      if (!('keys' in setting)) {
        const inherited = above.map(entry => `${entry}.${name}`).find(other => reading.places.has(other))
        lines.push(valueLine(setting, value, { key, name, depth, at: reading.places.has(key) ? key : inherited }))
        continue
      }
      const inner = setting.keys as Settings
      if (value === undefined || (Array.isArray(value) && value.length === 0)) {
        section(key, name, depth, 'default', 'absent')
      } else if (!Array.isArray(value)) {
        section(key, name, depth, placed(key) ?? 'default')
        keysOf(inner, value, key, depth + 1, [])
      } else {
        section(key, name, depth, placed(key) ?? 'default')
        const isList = !Object.keys(inner).some(each => reading.places.has(`${key}.${each}`))
        for (const [index, entry] of value.entries()) {
          const at = isList ? `${key}[${index}]` : key
          const before = Array.from({ length: isList ? index : 0 }, (_, back) => `${key}[${index - 1 - back}]`)
          if (isList) section(at, '-', depth + 1, '')
          keysOf(inner, entry, at, depth + (isList ? 2 : 1), before)
        }
      }
    }
  }

  const valueLine = (
    setting: Setting<unknown>,
    value: unknown,
    { key, name, depth, at }: { key: string; name: string; depth: number; at: string | undefined },
  ): InForce => {
    const { unit, isSecret = false } = setting
    const place = at === undefined ? undefined : placed(at)
    const origin = at === undefined ? undefined : reading.origins?.get(at)
    const from = [origin, at === undefined || at === key ? undefined : 'inherited', place ?? 'default']
    const line = { key, name, depth, unit, isSecret, from: from.filter(part => part !== undefined).join(', ') }
    if (value === undefined) return { ...line, kind: 'absent', text: '' }
    if (isSecret) return { ...line, kind: 'value', text: sourceText(origin) ?? HIDDEN }
    const text = setting.show?.(value) ?? String(value)
    // A default that is found at the start says how it is written, as `auto`.
    const { written } = setting
    const isFound = line.from === 'default' && unit !== undefined && written !== undefined && written !== text
    return { ...line, kind: 'value', text, ...(isFound ? { from: `default ${written}` } : {}) }
  }

  keysOf(keys, values, '', 0, [])
  return lines
}

/** Where a secret comes from, as it is written in a file. */
function sourceText(origin: string | undefined): string | undefined {
  const match = /^(environment|file) (.+)$/s.exec(origin ?? '')
  if (match === null) return undefined
  return `{${match[1] === 'file' ? 'file' : 'env'}: ${JSON.stringify(match[2])}}`
}
