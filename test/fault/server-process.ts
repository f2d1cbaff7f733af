// A server of its own process, with its data in a temporary folder and on ports that the system chooses: what tests that
// kill, starve or misuse a server run against. Configurations are written as JSON, which is YAML too.

import { type ChildProcess, spawn } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { onReadableLog } from '../base/readable-log.ts'

const OES = fileURLToPath(new URL('../../src/cli/oes.ts', import.meta.url))
/** No start of a test takes so long, on however busy a machine; one that does is reported with its log. */
const READY_MS_MAX = 60_000
const END_MS_MAX = 60_000

/** A section of a configuration, as in config.default.yml. */
export interface Settings {
  [key: string]: Settings | string | number | readonly string[] | readonly Settings[]
}

export interface Ended {
  /** Exit status; null where a signal ended the process. */
  readonly status: number | null
  readonly signal: NodeJS.Signals | null
}

/** Servers of this process that run, and the folders that are there: neither outlives the process. */
const running = new Map<ServerProcess, string>()
const folders = new Set<string>()
process.on('exit', () => {
  for (const server of running.keys()) server.signal('SIGKILL')
  for (const folder of folders) removeFolder(folder)
})

function removeFolder(folder: string): void {
  folders.delete(folder)
  if (process.env.OES_KEEP === undefined) fs.rmSync(folder, { recursive: true, force: true })
}

/** A temporary folder. `remove` kills the servers that run in it, and removes it; OES_KEEP leaves it to be looked into. */
export function temporaryFolder(): { path: string; remove: () => Promise<void> } {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'oes-test-'))
  folders.add(folder)
  const remove = async () => {
    await Promise.all([...running].map(([server, place]) => (place === folder ? server.kill() : undefined)))
    removeFolder(folder)
  }
  return { path: folder, remove }
}

/** Settings of one section over those of another, section by section. */
export function merged(below: Settings, above: Settings): Settings {
  const all: Settings = { ...below }
  for (const [key, value] of Object.entries(above)) {
    const known = all[key]
    all[key] = isSection(known) && isSection(value) ? merged(known, value) : value
  }
  return all
}

function isSection(value: unknown): value is Settings {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Small and quick to start; everything on free ports. */
export function testSettings(folder: string): Settings {
  return {
    server: { interface: '127.0.0.1:0' },
    data_directory: path.join(folder, 'data'),
    engine: {
      shards: 2,
      accounts_max: 1_000,
      tickers_max: 1_000,
      live_orders_per_shard_max: 100_000,
      positions_per_shard_max: 10_000,
      cl_ord_ids_per_shard_max: 1_000_000,
    },
    journal: { segment_bytes: 1 << 20, spare_segments: 2 },
    platform: { port: 0, market_data: { rate: 100 } },
    admin: { interface: '127.0.0.1:0' },
    console: { http: 'off', interface: '127.0.0.1:0' },
  }
}

export class ServerProcess {
  /** Everything the server wrote on standard error. */
  log = ''
  said = ''
  readonly #child: ChildProcess
  /** How the process ended. */
  readonly ended: Promise<Ended>
  #hasEnded = false

  private constructor(configFile: string, flags: readonly string[]) {
    const child = spawn(process.execPath, [OES, 'serve', '--config', configFile, ...flags], {
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.#child = child
    running.set(this, path.dirname(configFile))
    child.stdout!.setEncoding('utf8').on('data', (text: string) => {
      this.said += text
    })
    onReadableLog(child.stderr!, text => {
      this.log += text
    })
    this.ended = new Promise((resolve, reject) => {
      child.once('error', reject)
      // `close` follows `exit` once everything that was written has been read.
      child.once('close', (status, signal) => {
        this.#hasEnded = true
        running.delete(this)
        resolve({ status, signal })
      })
    })
  }

  /** Starts a server and does not wait for it. */
  static spawn(folder: string, settings: Settings, ...flags: readonly string[]): ServerProcess {
    const file = path.join(folder, 'config.yml')
    fs.writeFileSync(file, JSON.stringify(settings))
    return new ServerProcess(file, flags)
  }

  /** Starts a server and waits until clients may come. */
  static async start(folder: string, settings: Settings, ...flags: readonly string[]): Promise<ServerProcess> {
    const server = ServerProcess.spawn(folder, settings, ...flags)
    await server.ready()
    return server
  }

  get pid(): number {
    return this.#child.pid!
  }

  get hasEnded(): boolean {
    return this.#hasEnded
  }

  /** Where it listens, once it does. @throws an error with the log where it ends instead. */
  async ready(): Promise<number> {
    const port = () => Number(/^ready [^\n]*:(\d+)$/m.exec(this.said)?.[1] ?? 0)
    if (port() === 0) {
      await within(READY_MS_MAX, () => this.#trouble('was not ready in time'), [
        this.ended.then(() => {
          throw this.#trouble('ended before it was ready')
        }),
        new Promise<void>(resolve => {
          const look = () => {
            if (port() === 0) return
            this.#child.stdout!.off('data', look)
            resolve()
          }
          this.#child.stdout!.on('data', look)
          look()
        }),
      ])
    }
    return port()
  }

  /** Waits for a line of the log. */
  logged(line: RegExp): Promise<void> {
    const stream = this.#child.stderr!
    return new Promise((resolve, reject) => {
      const look = () => {
        if (!line.test(this.log)) return
        stream.off('data', look)
        resolve()
      }
      stream.on('data', look)
      look()
      this.ended.then(() => reject(this.#trouble(`ended and never said ${line}`)), reject)
    })
  }

  get port(): number {
    return Number(/^ready [^\n]*:(\d+)$/m.exec(this.said)![1])
  }

  /** Where its administrative port listens. */
  get adminPort(): number {
    const line = /^.*the administrative port listens.*$/m.exec(this.log)?.[0] ?? ''
    return Number(/127\.0\.0\.1:(\d+)/.exec(line)?.[1] ?? 0)
  }

  /** Where its console is served, once it is. */
  get consolePort(): number {
    const line = /^.*the console is served.*$/m.exec(this.log)?.[0] ?? ''
    return Number(/127\.0\.0\.1:(\d+)/.exec(line)?.[1] ?? 0)
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  /** Ends the server as a failing machine would: nothing is flushed, nobody is told. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.ended
  }

  /** Tells the server to stop, and waits for its end. */
  stop(): Promise<Ended> {
    this.#child.kill('SIGTERM')
    return this.end()
  }

  /** Waits for the end. */
  end(): Promise<Ended> {
    return within(END_MS_MAX, () => this.#trouble('did not end in time'), [this.ended])
  }

  /** Resident size in bytes. */
  get residentBytes(): number {
    const match = /^VmRSS:\s+(\d+) kB$/m.exec(fs.readFileSync(`/proc/${this.pid}/status`, 'utf8'))
    return Number(match![1]) * 1024
  }

  #trouble(what: string): Error {
    return new Error(`The server ${what}. Its log:\n${this.log}`)
  }
}

async function within<T>(ms: number, trouble: () => Error, promises: readonly Promise<T>[]): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(trouble()), ms)
  })
  try {
    return await Promise.race([...promises, late])
  } finally {
    clearTimeout(timer)
  }
}
