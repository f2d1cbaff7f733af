// A server process whose stores are databases of this machine, the clients that trade through it, and everything that
// can be done to the parts while they do. The clients' books go through all runs of the server.

import { execFile } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import type { TestContext } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { MysqlEndpoint } from '../../../src/stores/store-endpoint.ts'
import { type MariaDb, startMariaDb } from '../../stores/mysql/mariadb-server.ts'
import { Desk } from '../desk.ts'
import type { Random } from '../random.ts'
import { merged, ServerProcess, type Settings, temporaryFolder, testSettings } from '../server-process.ts'
import {
  type HeldRows,
  type JournalEnds,
  JournalKeep,
  journalEnds,
  positionsOf,
  verifyJournals,
  verifyRows,
} from './store-books.ts'

const OES = fileURLToPath(new URL('../../../src/cli/oes.ts', import.meta.url))
/** No store of a test is behind for so long once nothing is in its way. */
const LEVEL_MS_MAX = 120_000
/** A load that is spread over a time comes in portions. */
const PORTION_MS = 250

/** A store as the configuration names it, and where its rows can be looked at without any of what is in between. */
export interface WorldStore extends HeldRows {
  readonly endpoint: MysqlEndpoint
}

export interface CommandResult {
  readonly status: number
  readonly output: string
}

/** Starts databases; what was started is stopped with the test, also where another one fails to start. */
export async function startMariaDbs(t: TestContext, count: number): Promise<MariaDb[]> {
  const starts = Array.from({ length: count }, async () => {
    const server = await startMariaDb()
    t.after(() => server.stop())
    return server
  })
  await Promise.allSettled(starts)
  return Promise.all(starts)
}

export class StoresWorld {
  readonly folder: { readonly path: string; remove: () => Promise<void> }
  readonly desk: Desk
  readonly stores: readonly WorldStore[]
  settings: Settings
  readonly #keep: JournalKeep
  #server: ServerProcess | undefined
  /** Something failed: what goes on behind that must not start anything. */
  #isOver = false

  /** @param settings further settings, over those of every test. */
  constructor(stores: readonly WorldStore[], random: Random, settings: Settings = {}) {
    this.folder = temporaryFolder()
    this.stores = stores
    this.desk = new Desk(random)
    const dataStore = stores.map(({ endpoint }) => ({
      address: `${endpoint.host}:${endpoint.port}`,
      username: endpoint.username,
      password: endpoint.password,
      schema: endpoint.schema,
      connect_ms: endpoint.connectTimeoutMs,
      statement_ms: endpoint.statementTimeoutMs,
    }))
    const writer = { retry_first_ms: 20, retry_longest_ms: 500 }
    this.settings = merged(merged(testSettings(this.folder.path), { data_store: dataStore, writer }), settings)
    this.#keep = new JournalKeep(this.data)
    this.#keep.start()
  }

  get data(): string {
    return path.join(this.folder.path, 'data')
  }

  get server(): ServerProcess {
    if (this.#server === undefined) throw new Error('no server was started')
    return this.#server
  }

  /** Where the journals end. */
  ends(): JournalEnds {
    return journalEnds(this.data)
  }

  /** Starts the server, connects the clients and sends again what has no answer. */
  async start(): Promise<void> {
    if (this.#isOver) throw new Error('this run is over')
    this.#server = await ServerProcess.start(this.folder.path, this.settings)
    await this.desk.connect(this.#server.port)
    await this.desk.resend()
  }

  /** Ends the server without warning, under whatever load there is. */
  async kill(): Promise<void> {
    await this.server.kill()
    await this.desk.lost()
  }

  /** Tells the server to stop; it has to end well. */
  async stop(): Promise<void> {
    const ended = await this.server.stop()
    await this.desk.lost()
    if (ended.status !== 0) throw new Error(`the server ended with ${JSON.stringify(ended)}:\n${this.server.log}`)
  }

  /** Trades until so many more orders were acknowledged, at least for so long; the load goes on behind that. */
  async trade(orders: number, ms = 0): Promise<void> {
    const portions = Math.max(1, Math.min(orders, Math.round(ms / PORTION_MS)))
    for (let portion = 1; portion <= portions; portion++) {
      const beganMs = performance.now()
      await this.desk.trade(Math.round((orders * portion) / portions) - Math.round((orders * (portion - 1)) / portions))
      if (ms === 0) return
      await this.rest()
      await pause(Math.max(0, beganMs + ms / portions - performance.now()))
    }
    for (const trader of this.desk.traders) trader.start()
  }

  /** Ends the load, and waits until everything was answered. */
  async rest(): Promise<void> {
    await Promise.all(this.desk.traders.map(trader => trader.stop()))
  }

  /** Waits until these stores have what the journals held at the call. */
  async level(stores: readonly WorldStore[] = this.stores): Promise<void> {
    const ends = this.ends()
    const giveUpMs = performance.now() + LEVEL_MS_MAX
    for (const store of stores) {
      let seen = ''
      const isLevel = async () => {
        try {
          const positions = await positionsOf(store)
          seen = JSON.stringify([...positions])
          return [...ends].every(([journal, end]) => (positions.get(journal) ?? 0) >= end)
        } catch (error) {
          seen = String(error) // coming up, or its tables are not made yet
          return false
        }
      }
      while (!(await isLevel())) {
        if (performance.now() > giveUpMs) {
          throw new Error(`${store.name} does not catch up to ${JSON.stringify([...ends])}: it is at ${seen}`)
        }
        await pause(20)
      }
    }
  }

  /**
   * Stops the server, and holds the journals and the rows of every store against the clients' books, and each against
   * the others as an operator would, by `oes store verify`.
   */
  async stopAndVerify(stores: readonly WorldStore[] = this.stores): Promise<{ orders: number; reports: number }> {
    await this.rest()
    await this.level(stores)
    await this.desk.verify()
    await this.stop()
    return this.verifyStopped(stores)
  }

  /** As `stopAndVerify`, where the server has ended. */
  async verifyStopped(stores: readonly WorldStore[] = this.stores): Promise<{ orders: number; reports: number }> {
    this.#keep.link()
    const { books } = this.desk
    const ends = verifyJournals(this.#keep.folder, books)
    let total = { orders: 0, reports: 0 }
    for (const store of stores) total = await verifyRows(store, books, ends)
    if (stores.length === this.stores.length) {
      const { status, output } = await this.oes('store', 'verify')
      if (status !== 0) throw new Error(`oes store verify ended with ${status}:\n${output}`)
    }
    return total
  }

  /** Runs a command of the command line with the server's configuration. */
  oes(...words: readonly string[]): Promise<CommandResult> {
    const config = path.join(this.folder.path, 'config.yml')
    fs.writeFileSync(config, JSON.stringify(this.settings))
    return new Promise((resolve, reject) => {
      execFile(process.execPath, [OES, ...words, '--config', config], { maxBuffer: 1 << 26 }, (error, out, err) => {
        if (error !== null && typeof error.code !== 'number') reject(error)
        else resolve({ status: Number(error?.code ?? 0), output: out + err })
      })
    })
  }

  /** Runs the work; whatever fails, the failure names seed and folder, and nothing is left running. */
  async whole(seed: number, work: () => Promise<void>): Promise<void> {
    try {
      await Promise.race([work(), this.desk.failed])
    } catch (error) {
      const log = this.#server === undefined ? '' : `\nThe server's log:\n${this.#server.log}`
      const text = `seed ${seed}, data in ${this.folder.path}: ${(error as Error).message}${log}`
      throw new Error(text, { cause: error })
    } finally {
      this.#isOver = true
      this.#keep.stop()
      for (const trader of this.desk.traders) trader.client.socket.destroy()
      await this.folder.remove()
    }
  }
}
