// A folder in which scripts/start.sh, stop.sh and check.sh are used as an operator uses them. Whatever is still running
// in it when a test has ended is killed.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { text } from 'node:stream/consumers'
import type { TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'

export const SCRIPTS = fileURLToPath(new URL('../../scripts', import.meta.url))

export interface Ended {
  readonly status: number | null
  readonly out: string
  readonly err: string
}

/** Far longer than any script of a test takes, on however busy a machine. */
const SCRIPT_MS_MAX = 120_000

/** Runs a program to its end. */
export async function run(
  file: string,
  words: readonly string[],
  options: { cwd: string; env?: NodeJS.ProcessEnv },
): Promise<Ended> {
  const child = spawn(file, words, { ...options, stdio: ['ignore', 'pipe', 'pipe'], timeout: SCRIPT_MS_MAX })
  const [out, err] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')])
  return { status: child.exitCode, out, err }
}

/** A small server that is quick to start, on a port that the system chooses. */
const SETTINGS = {
  server: { interface: '127.0.0.1:0' },
  engine: { shards: 1, accounts_max: 1_000, tickers_max: 1_000, live_orders_per_shard_max: 100_000 },
  journal: { segment_bytes: 1 << 20, spare_segments: 2 },
  platform: { port: 0, market_data: { rate: 0 } },
  admin: { interface: '127.0.0.1:0' },
}

export class Instance {
  readonly folder: string
  constructor(t: TestContext, settings: Readonly<Record<string, unknown>> = {}) {
    this.folder = fs.mkdtempSync(path.join(os.tmpdir(), 'oes-instance-'))
    this.configure(settings)
    t.after(() => {
      for (const pid of this.servers()) process.kill(pid, 'SIGKILL')
      fs.rmSync(this.folder, { recursive: true, maxRetries: 10 })
    })
  }

  configure(settings: Readonly<Record<string, unknown>>): void {
    this.write('config.yml', JSON.stringify({ ...SETTINGS, ...settings }))
  }

  /** Runs one of the scripts in the folder. */
  async script(name: string, ...words: readonly string[]): Promise<Ended> {
    return await this.scriptWith({}, name, ...words)
  }

  async scriptWith(environment: NodeJS.ProcessEnv, name: string, ...words: readonly string[]): Promise<Ended> {
    const env = { ...process.env, ...environment }
    return await run(path.join(SCRIPTS, name), words, { cwd: this.folder, env })
  }

  /** The process that pid.lock names. */
  get pid(): number {
    return Number(this.read('pid.lock').split('\n')[0])
  }

  has(name: string): boolean {
    return fs.existsSync(path.join(this.folder, name))
  }

  read(name: string): string {
    return fs.readFileSync(path.join(this.folder, name), 'utf8')
  }

  write(name: string, content: string): void {
    fs.writeFileSync(path.join(this.folder, name), content, { mode: 0o600 })
  }

  /** Names of the servers' logs in the folder, or in one in it. */
  logs(within = '.'): string[] {
    const folder = path.join(this.folder, within)
    const names = fs.existsSync(folder) ? fs.readdirSync(folder) : []
    return names.filter(name => /^srv_.*\.log$/.test(name)).sort()
  }

  /** Where the server listens, by its newest log. */
  get port(): number {
    return Number(/^ready \S*:(\d+)$/m.exec(this.read(this.logs().at(-1)!))![1])
  }

  /** True for a process that is a server of this folder. */
  isServer(pid: number): boolean {
    try {
      const command = fs.readFileSync(`/proc/${pid}/cmdline`, 'utf8')
      return command.includes('\0serve\0') && fs.readlinkSync(`/proc/${pid}/cwd`) === fs.realpathSync(this.folder)
    } catch {
      // It has ended.
      return false
    }
  }

  /** Every server of this folder that runs. */
  servers(): number[] {
    const pids = fs
      .readdirSync('/proc')
      .filter(name => /^\d+$/.test(name))
      .map(Number)
    return pids.filter(pid => this.isServer(pid))
  }
}
