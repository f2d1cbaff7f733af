// Reads plain data (what a parsed file or a decoded message holds) whose shape nobody has vouched for. Each reader gives
// back a value of its type or raises `InvalidData`, which names the path of what is wrong: `venues[3].country`.

/** Plain data that does not have the shape it should have. */
export class InvalidData extends Error {
  override name = 'InvalidData'
  /** Where in the data, as `section[index].key`. */
  readonly path: string

  constructor(path: string, problem: string) {
    super(`${path}: ${problem}`)
    this.path = path
  }
}

/** One record of the data, which has the `keys` and no others; values are still unknown. */
export interface PlainRecord {
  readonly path: string
  readonly values: Readonly<Record<string, unknown>>
}

/** The record at `path`; a key outside `keys` is refused by name. */
export function readRecord(data: unknown, path: string, keys: readonly string[]): PlainRecord {
  if (typeof data !== 'object' || data === null || Array.isArray(data))
    throw new InvalidData(path, 'has to be a record')
  for (const key of Object.keys(data)) {
    if (!keys.includes(key)) throw new InvalidData(`${path}.${key}`, `is not known; known are ${keys.join(', ')}`)
  }
  return { path, values: data as Record<string, unknown> }
}

/** What `read` makes of each element of the list `record.key`. A missing list is an empty one. */
export function readList<T>(record: PlainRecord, key: string, read: (data: unknown, path: string) => T): T[] {
  const value = record.values[key] ?? []
  const path = `${record.path}.${key}`
  if (!Array.isArray(value)) throw new InvalidData(path, 'has to be a list')
  return value.map((element: unknown, index) => read(element, `${path}[${index}]`))
}

/** The text `record.key`, not empty unless `fallback` is given for a missing one. */
export function readText(record: PlainRecord, key: string, fallback?: string): string {
  const value = record.values[key]
  if (value === undefined && fallback !== undefined) return fallback
  if (typeof value !== 'string') throw new InvalidData(`${record.path}.${key}`, 'has to be a text')
  if (value === '' && fallback !== '') throw new InvalidData(`${record.path}.${key}`, 'must not be empty')
  return value
}

/** The whole number `record.key` within its bounds. */
export function readInteger(record: PlainRecord, key: string, min: number, max: number): number {
  const value = record.values[key]
  if (!Number.isSafeInteger(value) || (value as number) < min || (value as number) > max) {
    throw new InvalidData(`${record.path}.${key}`, `has to be a whole number from ${min} to ${max}`)
  }
  return value as number
}

/** Entries by a key of theirs; a key that appears a second time is refused at its path. */
export function indexBy<T, K>(entries: readonly T[], path: string, keyOf: (entry: T) => K): ReadonlyMap<K, T> {
  const index = new Map<K, T>()
  entries.forEach((entry, position) => {
    const key = keyOf(entry)
    if (index.has(key)) throw new InvalidData(`${path}[${position}]`, `${String(key)} is there already`)
    index.set(key, entry)
  })
  return index
}
