// The configuration of the server: read from a YAML file, checked as a whole, and after that exactly of its type.

import fs from 'node:fs'
import { SCHEMA } from './schema.ts'
import type { Problem, Reading, ValuesOf } from './setting.ts'
import { parseYaml, YamlInvalid, type YamlNode } from './yaml-tree.ts'

/** Names are those of the file in camel case; bounds, units and defaults are in the schema. */
export type Config = ValuesOf<typeof SCHEMA.keys>

/** A configuration that cannot be used; the message has one line for each thing that is wrong. */
export class ConfigInvalid extends Error {
  override name = 'ConfigInvalid'
  readonly code = 'CONFIG_INVALID'
  readonly file: string
  readonly problems: readonly Problem[]

  constructor(file: string, problems: readonly Problem[], cause?: unknown) {
    super(problems.map(problem => problemText(file, problem)).join('\n'), { cause })
    this.file = file
    this.problems = problems
  }
}

function problemText(file: string, { place, key, what }: Problem): string {
  return `${file}:${place.line}:${place.column}: ${key === '' ? '' : `${key} `}${what}`
}

/** The configuration of a server that is started without a file: all on loopback, with a platform of its own. */
export function defaultConfig(): Config {
  return parseConfig('', 'no file')
}

/**
 * The configuration in `file`.
 * @throws ConfigInvalid for what is wrong in it; the system's own error where it cannot be read.
 */
export function loadConfig(file: string): Config {
  return parseConfig(fs.readFileSync(file, 'utf8'), file)
}

/**
 * The configuration in `text`, which stands in `file`.
 * @throws ConfigInvalid
 */
export function parseConfig(text: string, file: string): Config {
  const reading: Reading = { places: new Map(), problems: [] }
  const config = SCHEMA.read(treeOf(text, file), '', reading)
  checkRelations(config, reading)
  if (reading.problems.length > 0) {
    const problems = reading.problems.sort((a, b) => a.place.line - b.place.line || a.place.column - b.place.column)
    throw new ConfigInvalid(file, problems)
  }
  const { server } = config
  if (server.addresses.length > 0) return config
  return { ...config, server: { ...server, addresses: [server.interface] } }
}

function treeOf(text: string, file: string): YamlNode {
  try {
    return parseYaml(text)
  } catch (error) {
    if (!(error instanceof YamlInvalid)) throw error
    throw new ConfigInvalid(file, [{ place: error.place, key: '', what: error.message }], error)
  }
}

/** Rings, and what may wait for a client, hold several of the largest messages. */
const MESSAGES_HELD_MIN = 8

/** What holds between two keys; noted at the one that the file gives. */
function checkRelations({ engine, limits }: Config, reading: Reading): void {
  const atLeast = (key: string, value: number, other: string, min: number, why: string) => {
    if (value >= min) return
    const [at, place] = [key, other].map(name => [name, reading.places.get(name)] as const).find(([, at]) => at) ?? [
      key,
    ]
    const what =
      at === key ? `must be at least ${min}: ${why}` : `is too much for ${key}, which would have to be ${min}: ${why}`
    reading.problems.push({ place: place ?? { line: 1, column: 1 }, key: at, what })
  }
  const heldMin = MESSAGES_HELD_MIN * limits.frameBytesMax
  for (const [key, value] of [
    ['engine.command_ring_bytes', engine.commandRingBytes],
    ['engine.report_ring_bytes', engine.reportRingBytes],
    ['limits.outbox_bytes_max', limits.outboxBytesMax],
  ] as const) {
    atLeast(key, value, 'limits.frame_bytes_max', heldMin, `it holds ${MESSAGES_HELD_MIN} of the largest messages`)
  }
  atLeast(
    'engine.cl_ord_ids_per_shard_max',
    engine.clOrdIdsPerShardMax,
    'engine.live_orders_per_shard_max',
    engine.liveOrdersPerShardMax,
    'each live order may have an id',
  )
}
