// The configuration of the server: read from a YAML file, checked as a whole, and after that exactly of its type.

import fs from 'node:fs'
import { formatAddress, isLoopback } from './address.ts'
import { SCHEMA } from './schema.ts'
import { modeText, OTHERS_RIGHTS } from './secret.ts'
import type { Problem, Reading, Section, Settings, ValuesOf } from './setting.ts'
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

/** What a reader wants beside the values. */
export interface ReadOptions {
  /** True where secrets are not needed: they are not looked for in the environment and in files, and are empty. */
  readonly withholdsSecrets?: boolean
  /** Told what an operator should know although the configuration can be used, a line each. */
  readonly onWarning?: (text: string) => void
  /** Told where each key was found, once everything has been read. */
  readonly onRead?: (reading: Reading) => void
}

/** The configuration of a server that is started without a file: all on loopback, with a platform of its own. */
export function defaultConfig(): Config {
  return parseConfig('', 'no file')
}

/**
 * The configuration in `file`.
 * @throws ConfigInvalid for what is wrong in it; the system's own error where it cannot be read.
 */
export function loadConfig(file: string, options: ReadOptions = {}): Config {
  return parseConfig(fs.readFileSync(file, 'utf8'), file, options)
}

/**
 * The configuration in `text`, which stands in `file`.
 * @throws ConfigInvalid
 */
export function parseConfig(text: string, file: string, options: ReadOptions = {}): Config {
  const config = readSections(SCHEMA, text, file, checkRelations, options)
  const { server } = config
  if (server.addresses.length > 0) return config
  return { ...config, server: { ...server, addresses: [server.interface] } }
}

/**
 * What `text`, which stands in `file`, gives the keys of a schema; `checkRelations` notes what contradicts each other.
 * @throws ConfigInvalid
 */
export function readSections<Keys extends Settings>(
  schema: Section<Keys>,
  text: string,
  file: string,
  checkRelations: (values: ValuesOf<Keys>, reading: Reading) => void,
  { withholdsSecrets = false, onWarning, onRead }: ReadOptions = {},
): ValuesOf<Keys> {
  const warnings: Problem[] = []
  const reading: Reading = {
    places: new Map(),
    problems: [],
    warnings,
    origins: new Map(),
    all: schema.keys,
    withholdsSecrets,
  }
  const values = schema.read(treeOf(text, file), '', reading)
  checkRelations(values, reading)
  if (reading.problems.length > 0) throw new ConfigInvalid(file, inOrder(reading.problems))
  // What several entries of a list inherit is told once.
  const told = new Map(
    inOrder(warnings)
      .toReversed()
      .map(warning => [`${warning.place.line}:${warning.place.column}`, warning]),
  )
  const texts = [...told.values()].map(warning => problemText(file, warning))
  const open = reading.holdsSecrets === true ? openFileText(file) : undefined
  if (open !== undefined) texts.push(open)
  if (onWarning !== undefined) for (const text of texts) onWarning(text)
  onRead?.(reading)
  return values
}

function inOrder(problems: readonly Problem[]): Problem[] {
  return problems.toSorted((a, b) => a.place.line - b.place.line || a.place.column - b.place.column)
}

/** What is to be said of a file with secrets in it that others may read; undefined where they may not. */
function openFileText(file: string): string | undefined {
  const mode = fs.statSync(file, { throwIfNoEntry: false })?.mode ?? 0
  if ((mode & OTHERS_RIGHTS) === 0) return undefined
  return `${file}: holds passwords, and others may read or change it (mode ${modeText(mode)}): chmod 600 ${file}`
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
function checkRelations({ admin, console, engine, limits, server, writer, dataStore }: Config, reading: Reading): void {
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
  atLeast(
    'writer.retry_longest_ms',
    writer.retryLongestMs,
    'writer.retry_first_ms',
    writer.retryFirstMs,
    'pauses grow from the one to the other',
  )
  checkStores(dataStore, reading)
  checkTls(server.tls, reading)
  checkConsoleTls(console, server.tls, reading)
  if (admin.http === 'on' && admin.reach === 'loopback' && !isLoopback(admin.interface.host)) {
    const key = 'admin.interface'
    const what =
      'can be reached from other machines, and nobody is asked for a password there: give a loopback address as ' +
      '127.0.0.1:20701, or say admin.reach: network'
    reading.problems.push({ place: reading.places.get(key) ?? { line: 1, column: 1 }, key, what })
  }
  if (console.http === 'on' && console.reach === 'loopback' && !isLoopback(console.interface.host)) {
    const key = 'console.interface'
    const what =
      'can be reached from other machines, whose passwords would travel unprotected: give a loopback address as ' +
      '127.0.0.1:20702, or say console.reach: network and either console.https: on, or let a proxy bring TLS'
    reading.problems.push({ place: reading.places.get(key) ?? { line: 1, column: 1 }, key, what })
  }
}

/** What belongs to a certificate. */
function checkTls({ certificate, key, clientCa, clientCertificates }: Config['server']['tls'], reading: Reading): void {
  const note = (name: string, what: string) => {
    const at = `server.tls.${name}`
    reading.problems.push({ place: reading.places.get(at) ?? { line: 1, column: 1 }, key: at, what })
  }
  if (certificate !== undefined && key === undefined) note('certificate', 'needs key, the key that belongs to it')
  if (key !== undefined && certificate === undefined) note('key', 'needs certificate, to which it belongs')
  if (clientCa !== undefined && certificate === undefined) note('client_ca', 'is of no use without certificate')
  if (clientCa === undefined && clientCertificates === 'required') {
    note('client_certificates', 'cannot be required without client_ca, their authorities')
  }
}

/** What the console needs of the server's certificate, and its own. */
function checkConsoleTls(
  { http, https, clientCertificate, clientKey }: Config['console'],
  tls: Config['server']['tls'],
  reading: Reading,
): void {
  const note = (name: string, what: string) => {
    const at = `console.${name}`
    reading.problems.push({ place: reading.places.get(at) ?? { line: 1, column: 1 }, key: at, what })
  }
  if (http === 'on' && https === 'on' && tls.certificate === undefined) {
    note('https', 'needs server.tls.certificate and server.tls.key, with which the page is served')
  }
  if (clientKey !== undefined && clientCertificate === undefined) {
    note('client_key', 'needs client_certificate, to which it belongs')
  }
  if (http === 'on' && clientCertificate !== undefined && clientKey === undefined) {
    note('client_certificate', 'needs client_key, the key that belongs to it')
  }
  if (clientCertificate !== undefined && tls.clientCa === undefined) {
    note('client_certificate', 'is of no use without server.tls.client_ca, which asks clients for one')
  }
}

/** What holds within one data store, and between several. */
function checkStores(stores: Config['dataStore'], reading: Reading): void {
  const seen = new Set<string>()
  for (const [index, { address, schema, tls, tlsCa, tlsCertificate, tlsKey }] of stores.entries()) {
    // Inherited keys stand at an entry above.
    const entries = ['data_store', ...stores.slice(0, index + 1).map((_, above) => `data_store[${above}]`)].reverse()
    const note = (name: string, what: string) => {
      const key =
        entries.map(entry => `${entry}.${name}`).find(each => reading.places.has(each)) ?? `data_store.${name}`
      const place = reading.places.get(key) ?? { line: 1, column: 1 }
      if (!reading.problems.some(problem => problem.key === key && problem.what === what)) {
        reading.problems.push({ place, key, what })
      }
    }
    const same = `${formatAddress(address)}/${schema}`
    if (seen.has(same)) note('address', `stands here twice with the schema ${schema}`)
    seen.add(same)
    const files = { tls_ca: tlsCa, tls_certificate: tlsCertificate, tls_key: tlsKey }
    for (const [name, file] of Object.entries(files)) {
      if (file !== undefined && tls === 'off')
        note(name, 'is of no use where tls is off: make that verified or unverified')
    }
    if (tlsCertificate !== undefined && tlsKey === undefined)
      note('tls_certificate', 'needs tls_key, the key that belongs to it')
    if (tlsKey !== undefined && tlsCertificate === undefined)
      note('tls_key', 'needs tls_certificate, to which it belongs')
  }
}
