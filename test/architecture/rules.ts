// The rules of the tree, as functions from files to sentences about what breaks them: floors, doors, cycles, the comment
// at the top of a file, names. ARCHITECTURE.md tells why; here is what is held.

import path from 'node:path'
import { importsOf, type SourceImport } from './source-imports.ts'

/** A file of the tree: its path from the root, with `/`, and its text. */
export interface SourceFile {
  readonly path: string
  readonly text: string
}

/** The floor of each folder of src. An import points to a lower floor, stays in its folder, or is listed below. */
export const floors: Readonly<Record<string, number>> = {
  base: 0,
  domain: 1,
  config: 1,
  protocol: 2,
  'shared-memory': 2,
  accounting: 3,
  metrics: 3,
  checks: 3,
  compliance: 3,
  journal: 4,
  services: 4,
  stores: 4,
  audit: 4,
  destinations: 4,
  main: 5,
  shards: 5,
  writer: 5,
  client: 6,
  console: 6,
  risk: 6,
  cli: 6,
}

/** Imports between folders of one floor: the left may use the right. */
export const besides: Readonly<Record<string, readonly string[]>> = {
  checks: ['accounting'],
  compliance: ['accounting', 'checks'],
  stores: ['journal'],
  audit: ['journal', 'stores'],
  risk: ['client'],
  console: ['client'],
  cli: ['client', 'console', 'risk'],
}

/** Who speaks the wire alone: nothing of the server is known but these. */
export const wireSpeakers: Readonly<Record<string, readonly string[]>> = {
  client: ['base', 'domain', 'protocol'],
  risk: ['base', 'domain', 'config', 'protocol', 'accounting', 'services', 'client'],
  console: ['base', 'domain', 'config', 'services', 'client'],
  cli: ['base', 'domain', 'protocol', 'config', 'metrics', 'journal', 'stores', 'audit', 'client', 'console', 'risk'],
}

/** Loaded only when it is asked for, so that a command that asks a server does not load one. */
export const onlyDynamically: Readonly<Record<string, readonly string[]>> = { cli: ['main', 'services', 'compliance'] }

/** Programs outside src that a file of src names to start them as processes, where they are there: it imports nothing of them. */
export const programsStarted: Readonly<Record<string, string>> = { 'src/cli/commands/tune.ts': 'bench/tune.ts' }

/** The files of src that may import a package from outside, or a part of Node with a life of its own. */
export const doors: Readonly<Record<string, readonly string[]>> = {
  benchmark: [],
  commander: ['src/cli/oes.ts'],
  'hdr-histogram-js': [],
  htm: ['src/console/page/markup.ts'],
  msgpackr: ['src/protocol/msgpack.ts'],
  mysql2: ['src/base/mysql.ts'],
  pino: ['src/base/log-line.ts'],
  piscina: ['src/main/threads.ts'],
  preact: ['src/console/page/markup.ts'],
  uplot: ['src/console/page/line-chart.ts'],
  yaml: ['src/config/yaml-tree.ts'],
  'node:sqlite': ['src/base/sqlite.ts'],
  // The administrative port, and the console on a thread of its own.
  'node:http': ['src/main/admin-port.ts', 'src/console/http-port.ts'],
  'node:https': ['src/console/http-port.ts'],
  // One for each side of each kind of connection.
  'node:net': [
    'src/client/connection.ts',
    'src/config/network.ts', // forms of addresses, no sockets
    'src/main/listener.ts',
    'src/services/wire/service-connection.ts',
    'src/services/wire/service-host.ts',
  ],
  'node:tls': ['src/client/connection.ts', 'src/main/certificates.ts', 'src/main/listener.ts'],
}

/** Packages that are the tests' own tool. */
const testTools = ['fast-check']

/** Names that say nothing about what a file is for. */
const emptyNames = /^(utils?|common|helpers?|misc|shared|stuff|tools?)$/

interface Edge extends SourceImport {
  readonly from: string
  /** Path of a file of the tree, or the name of a package. */
  readonly to: string
}

/** Every import of every file, with relative specifiers resolved. */
function edgesOf(files: readonly SourceFile[]): Edge[] {
  return files.flatMap(file =>
    importsOf(file.text).map(found => {
      const isRelative = found.specifier.startsWith('.')
      const to = isRelative ? path.posix.join(path.posix.dirname(file.path), found.specifier) : found.specifier
      return { ...found, from: file.path, to }
    }),
  )
}

const folderOf = (file: string) => /^src\/([^/]+)\//.exec(file)?.[1]
const told = ({ from, line, to }: Edge) => `${from}:${line} imports ${to}`

/** Imports that point up, sideways, out of src, or to a file that is not there. */
export function floorViolations(files: readonly SourceFile[]): string[] {
  const known = new Set(files.map(file => file.path))
  const violations: string[] = []
  for (const file of files) {
    const folder = folderOf(file.path)
    if (folder !== undefined && floors[folder] === undefined) violations.push(`${file.path} lies on no floor`)
  }
  for (const edge of edgesOf(files)) {
    if (!edge.specifier.startsWith('.')) continue
    const from = folderOf(edge.from)
    if (edge.to.endsWith('.ts') && !known.has(edge.to)) violations.push(`${told(edge)}, which is not there`)
    if (from === undefined || !edge.to.endsWith('.ts')) continue
    const to = folderOf(edge.to)
    if (to === undefined && edge.form === 'url' && programsStarted[edge.from] === edge.to) continue
    if (to === undefined) violations.push(`${told(edge)}, outside src`)
    else if (to !== from && !isAllowed(edge, from, to)) violations.push(`${told(edge)}: ${from} does not rest on ${to}`)
  }
  return violations
}

function isAllowed(edge: Edge, from: string, to: string): boolean {
  if (onlyDynamically[from]?.includes(to)) return edge.form === 'dynamic' || edge.form === 'type'
  const speaks = wireSpeakers[from]
  if (speaks !== undefined) return speaks.includes(to)
  // Main starts the other threads: it names the files of their entries, and loads nothing of them.
  if (from === 'main' && edge.form === 'url' && edge.to.endsWith('-thread.ts')) return true
  return floors[to]! < floors[from]! || (besides[from]?.includes(to) ?? false)
}

/** Packages imported elsewhere than at their door, doors nobody goes through, and packages without one. */
export function doorViolations(files: readonly SourceFile[]): string[] {
  const violations: string[] = []
  const used = new Set<string>()
  /** By part of the tree and package: the file that has it. */
  const ownDoors = new Map<string, string>()
  for (const edge of edgesOf(files)) {
    const name = packageOf(edge.specifier)
    if (name === undefined) continue
    // Whoever is handed one of Node's own objects may say so.
    if (edge.form === 'type' && name.startsWith('node:')) continue
    if (edge.from.startsWith('src/')) {
      const allowed = doors[name]
      if (allowed === undefined && !name.startsWith('node:')) violations.push(`${told(edge)}, which has no door`)
      else if (allowed !== undefined && !allowed.includes(edge.from)) violations.push(`${told(edge)} past its door`)
      used.add(`${name} ${edge.from}`)
      continue
    }
    if (name.startsWith('node:') || testTools.includes(name)) continue
    const part = `${edge.from.split('/', 1)[0]} ${name}`
    const first = ownDoors.get(part) ?? edge.from
    ownDoors.set(part, first)
    if (first !== edge.from) violations.push(`${told(edge)}, as ${first} does already`)
  }
  for (const [name, allowed] of Object.entries(doors)) {
    for (const file of allowed) if (!used.has(`${name} ${file}`)) violations.push(`${file} is no door of ${name}`)
  }
  return violations
}

function packageOf(specifier: string): string | undefined {
  if (specifier.startsWith('.')) return undefined
  if (specifier.startsWith('node:')) return specifier.split('/', 1)[0]
  return /^(@[^/]+\/)?[^/]+/.exec(specifier)?.[0]
}

/** Rings of folders that need each other, and rings of files that load each other. */
export function cycleViolations(files: readonly SourceFile[]): string[] {
  const folders = new Map<string, Set<string>>()
  const loads = new Map<string, Set<string>>()
  for (const edge of edgesOf(files)) {
    if (!edge.specifier.startsWith('.') || !edge.to.endsWith('.ts')) continue
    const from = folderOf(edge.from)
    const to = folderOf(edge.to)
    if (from !== undefined && to !== undefined && from !== to && edge.form !== 'url') put(folders, from, to)
    // Two files may name each other's types: nothing is loaded by that.
    if (edge.form === 'value') put(loads, edge.from, edge.to)
  }
  return [...rings(folders), ...rings(loads)].map(ring => `${ring.join(' → ')} is a ring`)
}

function put(graph: Map<string, Set<string>>, from: string, to: string): void {
  const targets = graph.get(from)
  if (targets === undefined) graph.set(from, new Set([to]))
  else targets.add(to)
}

/** One ring for each way back that a walk meets. */
function rings(graph: ReadonlyMap<string, ReadonlySet<string>>): string[][] {
  const found: string[][] = []
  const done = new Set<string>()
  const way: string[] = []
  const walk = (node: string) => {
    const seenAt = way.indexOf(node)
    if (seenAt >= 0) found.push([...way.slice(seenAt), node])
    if (seenAt >= 0 || done.has(node)) return
    way.push(node)
    for (const next of graph.get(node) ?? []) walk(next)
    way.pop()
    done.add(node)
  }
  for (const node of graph.keys()) walk(node)
  return found
}

/** Files that do not open with a comment, and names that say nothing. The titles of a test are its purpose. */
export function pageViolations(files: readonly SourceFile[]): string[] {
  const violations: string[] = []
  for (const file of files) {
    const opens = file.text.replace(/^#!.*\n/, '')
    if (!file.path.endsWith('.test.ts') && !/^(\/\/ |\/\*\*?\s)/.test(opens))
      violations.push(`${file.path} does not open with its purpose`)
    for (const name of file.path.split('/')) {
      if (emptyNames.test(name.replace(/\..*$/, ''))) violations.push(`${file.path}: ${name} names no subject`)
    }
  }
  return violations
}
