// A server of our own in a process and a folder of its own: the real one, started as a person would start it.

import { type ChildProcess, spawn } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { defaultConfig } from '../../src/config/config.ts'
import { listSpares } from '../../src/journal/segment.ts'
import type { MysqlEndpoint } from '../../src/stores/store-endpoint.ts'
import { LoadClient } from '../load/load-client.ts'
import { benchTickers, deskConnection, writeWorld } from './bench-world.ts'
import { processMemory, processSeconds } from './process-figures.ts'

const ENTRY = fileURLToPath(new URL('../../src/cli/oes.ts', import.meta.url))
/** Until the server says that it is ready; recovery of a big store included. */
const START_MS_MAX = 120_000
const STOP_MS_MAX = 60_000
/** Until spare segments are made. */
const REST_MS_MAX = 60_000
/** Until it has done what it put off; it is idle where it takes less than this part of a core for a moment. */
const IDLE_MS_MAX = 120_000
const IDLE_LOOK_MS = 500
const IDLE_SHARE_MAX = 0.2

export interface BenchServerOptions {
  /** The configuration's `auto` where absent. */
  readonly shards?: number
  /** How long a shard looks for work before it sleeps; the configuration's default where absent. */
  readonly spinUs?: number
  /** Copies orders into the embedded store all the time, as the default configuration does; true where absent. */
  readonly copiesToStore?: boolean
  readonly desks?: number
  readonly tradersPerDesk?: number
  /** The store may fall this far behind before the writer stops making way; `writer.lag_ms_max` by default. */
  readonly lagMsMax?: number
  /** MySQL stores in the place of the embedded one. */
  readonly stores?: readonly MysqlEndpoint[]
  /** Where the platform listens; any free port where absent. */
  readonly platformPort?: number
  /** Whether the administrative port is open; it is not where absent, as nobody looks on. */
  readonly hasAdminPort?: boolean
  /** Whether the console is served; it is not where absent. It has figures where the administrative port is open. */
  readonly hasConsole?: boolean
  /** One spare segment of the journal instead of those of the default configuration: for runs that prove nothing. */
  readonly quick?: boolean
}

export class BenchServer {
  readonly directory: string
  readonly desks: number
  /** From the start of the process to its readiness for clients, each time it was started. */
  startedMs = 0
  readonly #config: string
  readonly #spareSegments: number
  #process: ChildProcess | undefined
  #port = 0

  private constructor(directory: string, desks: number, config: string, spareSegments: number) {
    this.directory = directory
    this.desks = desks
    this.#config = config
    this.#spareSegments = spareSegments
  }

  /** Makes a folder with configuration and world, and starts a server in it. */
  static async start(options: BenchServerOptions = {}): Promise<BenchServer> {
    const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'oes-bench-'))
    folders.add(directory)
    const { desks = 4, tradersPerDesk = 4 } = options
    const spareSegments = options.quick === true ? 1 : defaultConfig().journal.spareSegments
    const config = path.join(directory, 'config.yml')
    const files = writeWorld(directory, desks, tradersPerDesk)
    fs.writeFileSync(config, configuration(path.join(directory, 'data'), files, spareSegments, options))
    const server = new BenchServer(directory, desks, config, spareSegments)
    await server.restart()
    return server
  }

  get storeFile(): string {
    return path.join(this.directory, 'data', 'store.db')
  }

  get journalDirectory(): string {
    return path.join(this.directory, 'data', 'journal')
  }

  /** Starts the process again in the folder as it is; resolves when it is ready for clients. */
  async restart(): Promise<void> {
    const log = path.join(this.directory, 'server.log')
    const stderr = fs.openSync(log, 'a')
    const before = performance.now()
    const child = spawn(process.execPath, [ENTRY, 'serve', '--config', this.#config], {
      stdio: ['ignore', 'pipe', stderr],
    })
    fs.closeSync(stderr)
    processes.add(child)
    this.#process = child
    this.#port = await new Promise<number>((resolve, reject) => {
      const failed = (why: string) => {
        clearTimeout(timer)
        reject(new Error(`the server ${why}; the end of its log:\n${endOf(log)}`))
      }
      const timer = setTimeout(() => failed(`was not ready within ${START_MS_MAX} ms`), START_MS_MAX)
      let said = ''
      child.stdout!.on('data', chunk => {
        said += chunk
        const ready = /^ready \S*:(\d+)$/m.exec(said)
        if (ready === null) return
        clearTimeout(timer)
        resolve(Number(ready[1]))
      })
      child.once('error', error => failed(`did not start: ${error.message}`))
      child.once('exit', code => failed(`ended with ${code}`))
    })
    child.once('exit', () => processes.delete(child))
    this.startedMs = performance.now() - before
  }

  /** Settles once the spare segments of the journals are made, so that nobody's measurement shares the disk with that. */
  async rested(): Promise<void> {
    const isRested = () => {
      const journals = fs.readdirSync(this.journalDirectory).map(name => path.join(this.journalDirectory, name))
      return journals.every(journal => listSpares(journal).length >= this.#spareSegments)
    }
    const endMs = performance.now() + REST_MS_MAX
    while (!isRested()) {
      if (performance.now() > endMs)
        throw new Error(`the journals' spare segments were not made within ${REST_MS_MAX} ms`)
      await pause(50)
    }
  }

  /** Settles once the process has hardly anything to do: what it has put off is nobody else's measurement. */
  async idle(): Promise<void> {
    const endMs = performance.now() + IDLE_MS_MAX
    for (;;) {
      const before = this.processSeconds()
      await pause(IDLE_LOOK_MS)
      if (this.processSeconds() - before < (IDLE_SHARE_MAX * IDLE_LOOK_MS) / 1_000) return
      if (performance.now() > endMs) throw new Error(`the server was not idle within ${IDLE_MS_MAX} ms`)
    }
  }

  /** Where the process listens since it was last started. */
  get port(): number {
    return this.#port
  }

  /** Where its administrative port listens, by its log. */
  get adminPort(): number {
    const log = fs.readFileSync(path.join(this.directory, 'server.log'), 'utf8')
    const line = log.match(/^.*the administrative port listens.*$/gm)?.at(-1) ?? ''
    const told = /127\.0\.0\.1:(\d+)/.exec(line)
    if (told === null) throw new Error('the server has no administrative port')
    return Number(told[1])
  }

  /** Where its console is served, by its log; undefined while it is not. */
  get consolePort(): number | undefined {
    const log = fs.readFileSync(path.join(this.directory, 'server.log'), 'utf8')
    const line = log.match(/^.*the console is served.*$/gm)?.at(-1) ?? ''
    const told = /127\.0\.0\.1:(\d+)/.exec(line)
    return told === null ? undefined : Number(told[1])
  }

  /** A load process with one connection for each desk, or for so many of them. */
  load(firstDesk = 0, desks = this.desks): Promise<LoadClient> {
    return LoadClient.start({
      host: '127.0.0.1',
      port: this.#port,
      connections: Array.from({ length: desks }, (_, index) => deskConnection(firstDesk + index)),
      tickers: benchTickers,
    })
  }

  /** Processor time of the whole process since it was started, in seconds. */
  processSeconds(): number {
    return processSeconds(this.#process!.pid!)
  }

  /** Resident memory of the whole process, in bytes. */
  residentBytes(): number {
    return processMemory(this.#process!.pid!)
  }

  /** Ends the process at once, as a power failure would. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL')
  }

  /** Ends the process in order; rejects where it does not end well. */
  async stop(): Promise<void> {
    const code = await this.#end('SIGTERM')
    if (code !== 0) throw new Error(`the server ended with ${code}:\n${endOf(path.join(this.directory, 'server.log'))}`)
  }

  /** Ends the process and removes the folder. */
  async remove(): Promise<void> {
    await this.kill()
    removeFolder(this.directory)
  }

  async #end(signal: NodeJS.Signals): Promise<number | null> {
    const child = this.#process
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return 0
    const ended = new Promise<number | null>(resolve => child.once('exit', resolve))
    child.kill(signal)
    const forced = setTimeout(() => child.kill('SIGKILL'), STOP_MS_MAX)
    const code = await ended
    clearTimeout(forced)
    return code
  }
}

function configuration(
  data: string,
  files: { world: string; market: string },
  spareSegments: number,
  {
    shards,
    spinUs,
    copiesToStore = true,
    hasAdminPort = false,
    hasConsole = false,
    lagMsMax,
    stores = [],
    platformPort = 0,
  }: BenchServerOptions,
): string {
  const section = (name: string, keys: Readonly<Record<string, string | number | undefined>>) => {
    const lines = Object.entries(keys).filter(([, value]) => value !== undefined)
    return lines.length === 0 ? [] : [`${name}:`, ...lines.map(([key, value]) => `  ${key}: ${value}`)]
  }
  return [
    'server:',
    '  interface: 127.0.0.1:0',
    `data_directory: ${JSON.stringify(data)}`,
    ...(stores.length === 0 ? [] : ['data_store:']),
    ...stores.flatMap(({ host, port, username, password, schema }) => [
      `  - address: ${host}:${port}`,
      `    username: ${JSON.stringify(username)}`,
      `    password: ${JSON.stringify(password)}`,
      `    schema: ${schema}`,
    ]),
    ...section('engine', { shards, spin_us: spinUs }),
    ...section('journal', { spare_segments: spareSegments }),
    ...section('writer', { copy: copiesToStore ? undefined : 'at_start', lag_ms_max: lagMsMax }),
    ...section('console', { http: hasConsole ? 'on' : 'off', interface: '127.0.0.1:0' }),
    ...section('admin', { http: hasAdminPort ? 'on' : 'off', interface: '127.0.0.1:0' }),
    'platform:',
    `  port: ${platformPort}`,
    `  world: ${JSON.stringify(files.world)}`,
    '  market_data:',
    `    replay: ${JSON.stringify(files.market)}`,
    '',
  ].join('\n')
}

function endOf(log: string): string {
  return fs.readFileSync(log, 'utf8').split('\n').slice(-15).join('\n')
}

const processes = new Set<ChildProcess>()
const folders = new Set<string>()

/** A folder for a process that is measured; removed with `removeFolder`, or when the benchmark ends. */
export function makeFolder(): string {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'oes-bench-'))
  folders.add(directory)
  return directory
}

export function removeFolder(directory: string): void {
  fs.rmSync(directory, { recursive: true, force: true })
  folders.delete(directory)
}

/** A process that must not outlive the benchmark. */
export function ownProcess(child: ChildProcess): void {
  processes.add(child)
  child.once('exit', () => processes.delete(child))
}

// Whatever ends the benchmark, nothing of it stays behind.
process.on('exit', () => {
  for (const child of processes) child.kill('SIGKILL')
  for (const directory of folders) fs.rmSync(directory, { recursive: true, force: true })
})
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(130))
