// Services of a platform in processes of their own, for tests that kill them: each with a configuration, a data file and a
// port that stays the same over its restarts.

import { type ChildProcess, spawn } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import type { TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { Address } from '../../src/config/address.ts'
import type { PlatformServiceName } from '../../src/config/platform-schema.ts'
import { onReadableLog } from '../base/readable-log.ts'

const OES = fileURLToPath(new URL('../../src/cli/oes.ts', import.meta.url))

/** A section of a configuration, as in platform.default.yml; JSON is YAML too. */
export interface PlatformSettings {
  readonly [key: string]: PlatformSettings | string | number | readonly string[]
}

/** A temporary folder, removed after the test. */
export function platformFolder(t: TestContext): string {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'platform-apart-'))
  t.after(() => fs.rmSync(folder, { recursive: true, force: true }))
  return folder
}

export class PlatformProcess {
  /** What it said on standard error, over all its runs. */
  log = ''
  readonly #file: string
  readonly #settings: PlatformSettings
  #child: ChildProcess | undefined
  #onLog: (() => void) | undefined
  #ended: Promise<number | null> = Promise.resolve(0)
  #address: Address = { host: '127.0.0.1', port: 0 }

  constructor(t: TestContext, folder: string, name: string, settings: PlatformSettings) {
    this.#file = path.join(folder, `${name}.yml`)
    this.#settings = {
      data_file: path.join(folder, `${name}.db`),
      market_data: { rate: 0 },
      log: { level: 'warning' },
      ...settings,
    }
    // A process that outlives its test is killed, whatever it is doing.
    t.after(() => this.kill())
  }

  /** One service alone, which logs in at the locator under the account of its name. */
  static ofService(
    t: TestContext,
    folder: string,
    service: PlatformServiceName,
    locator: Address,
    settings: PlatformSettings = {},
  ): PlatformProcess {
    const username = `${service}_service`
    return new PlatformProcess(t, folder, service, {
      services: [service],
      service_locator: { address: `${locator.host}:${locator.port}`, username, password: username },
      ...settings,
    })
  }

  /** Where it listens, once it has been ready. */
  get address(): Address {
    return this.#address
  }

  /** Starts it, on the port it had before, and waits until it is ready. */
  async start(...flags: readonly string[]): Promise<Address> {
    const server = { interface: `127.0.0.1:${this.#address.port}` }
    fs.writeFileSync(this.#file, JSON.stringify({ ...this.#settings, server }))
    const child = spawn(process.execPath, [OES, 'platform', '--config', this.#file, ...flags], {
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.#child = child
    this.#ended = new Promise(resolve => child.once('close', status => resolve(status)))
    onReadableLog(child.stderr!, text => {
      this.log += text
      this.#onLog?.()
    })
    let said = ''
    await new Promise<void>((resolve, reject) => {
      child.once('error', reject)
      child.once('close', status => reject(new Error(`the platform ended with ${status}. Its log:\n${this.log}`)))
      child.stdout!.setEncoding('utf8').on('data', (text: string) => {
        said += text
        const port = /^ready [^\n]*:(\d+)$/m.exec(said)?.[1]
        if (port === undefined) return
        this.#address = { host: '127.0.0.1', port: Number(port) }
        resolve()
      })
    })
    return this.#address
  }

  /** Waits for a line of its log. */
  logged(line: RegExp): Promise<void> {
    return new Promise(resolve => {
      const look = () => {
        if (!line.test(this.log)) return
        this.#onLog = undefined
        resolve()
      }
      this.#onLog = look
      look()
    })
  }

  /** Ends it as a failing machine would. */
  async kill(): Promise<void> {
    this.#child?.kill('SIGKILL')
    await this.#ended
  }

  /** Tells it to stop. @returns its exit status. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    this.#child?.kill(signal)
    return await this.#ended
  }

  signal(signal: NodeJS.Signals): void {
    this.#child?.kill(signal)
  }

  /** Waits for its end. @returns its exit status. */
  ended(): Promise<number | null> {
    return this.#ended
  }
}
