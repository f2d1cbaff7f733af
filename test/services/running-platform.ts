// A platform for one test: on a free port, with a database in a temporary folder, stopped and removed after the test.

import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import type { TestContext } from 'node:test'
import type { Address } from '../../src/config/address.ts'
import { LocatorClient, type LocatorClientOptions } from '../../src/services/locator/client.ts'
import { type Platform, type PlatformOptions, startPlatform } from '../../src/services/platform/platform.ts'

/** A still market unless a test wants it to move. */
const STILL = { eventsPerSecond: 0 }

export class RunningPlatform {
  readonly databasePath: string
  readonly #t: TestContext
  readonly #options: Partial<PlatformOptions>
  readonly #faults: unknown[] = []
  #platform: Platform | undefined
  #address: Address = { host: '127.0.0.1', port: 0 }

  private constructor(t: TestContext, options: Partial<PlatformOptions>) {
    this.#t = t
    this.#options = options
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'platform-'))
    this.databasePath = path.join(folder, 'platform.sqlite')
    t.after(async () => {
      await this.stop()
      fs.rmSync(folder, { recursive: true })
      if (this.#faults.length > 0) throw new AggregateError(this.#faults, 'faults of the platform')
    })
  }

  static async start(t: TestContext, options: Partial<PlatformOptions> = {}): Promise<RunningPlatform> {
    const running = new RunningPlatform(t, options)
    await running.start()
    return running
  }

  get address(): Address {
    return this.#address
  }

  /** Starts again, on the port it had before. */
  async start(): Promise<void> {
    this.#platform = await startPlatform({
      market: STILL,
      ...this.#options,
      databasePath: this.databasePath,
      port: this.#address.port,
      onFault: fault => this.#faults.push(fault),
    })
    this.#address = this.#platform.address
  }

  async stop(): Promise<void> {
    const platform = this.#platform
    this.#platform = undefined
    await platform?.close()
  }

  /** A locator client of that account, whose password in the built-in world is its name. */
  async login(name: string, options: Partial<LocatorClientOptions> = {}): Promise<LocatorClient> {
    const client = await LocatorClient.open({ addresses: [this.#address], name, password: name, ...options })
    this.#t.after(() => client.close())
    return client
  }
}

/** What a call is refused with: its code, or undefined where it succeeds. */
export async function refusal(call: Promise<unknown>): Promise<number | undefined> {
  try {
    await call
    return undefined
  } catch (error) {
    return (error as { code?: number }).code ?? Number.NaN
  }
}
