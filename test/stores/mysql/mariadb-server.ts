// A MariaDB server of its own: its data in a temporary folder, on a port the system chooses, small and quick to start.
// Tests kill it, pause it, and take it away. A test file starts one and makes schemas of its own in it.

import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import fs from 'node:fs'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { MysqlConnection, MysqlError, type MysqlRow, MysqlTrouble, type MysqlValue } from '../../../src/base/mysql.ts'
import type { MysqlEndpoint } from '../../../src/stores/store-endpoint.ts'

const run = promisify(execFile)

/** No start takes so long, on however busy a machine; one that does is reported with the server's log. */
const READY_MS_MAX = 60_000
const END_MS_MAX = 60_000
const HOST = '127.0.0.1'

/** Who the tests' stores are: may do everything with tables, and nothing with the server. */
const USERNAME = 'oes'
const PASSWORD = "a 'quoted\\ word"

const SETTINGS: readonly string[] = [
  `--bind-address=${HOST}`,
  '--skip-name-resolve',
  '--innodb-buffer-pool-size=64M',
  '--innodb-log-file-size=64M',
  '--innodb-fast-shutdown=1',
  '--innodb-buffer-pool-dump-at-shutdown=OFF',
  '--innodb-buffer-pool-load-at-startup=OFF',
  '--performance-schema=OFF',
  '--skip-log-bin',
]

export interface MariaDbOptions {
  /** Further arguments of the server, after the settings above. */
  readonly args?: readonly string[]
  /** Where its data is, or shall be; a temporary folder without. It is removed at the end only where it was made here. */
  readonly directory?: string
  readonly port?: number
}

/** Server and installer as they are called on this machine. */
function programs(): { server: string; install: string } {
  const folders = [...(process.env.PATH ?? '').split(path.delimiter), '/usr/sbin', '/usr/local/sbin']
  const found = (name: string) => folders.map(folder => path.join(folder, name)).find(file => fs.existsSync(file))
  const server = found('mariadbd')
  const install = found('mariadb-install-db')
  if (server === undefined || install === undefined) {
    throw new Error('these tests need a MariaDB server (mariadbd): scripts/test.sh installs it')
  }
  return { server, install }
}

/** Servers of this process: none outlives it. */
const running = new Set<MariaDb>()
const folders = new Set<string>()
process.on('exit', () => {
  for (const server of running) server.kill('SIGKILL')
  for (const folder of folders) fs.rmSync(folder, { recursive: true, force: true })
})

export class MariaDb {
  readonly host = HOST
  readonly port: number
  readonly username = USERNAME
  readonly password = PASSWORD
  readonly directory: string
  readonly #args: readonly string[]
  readonly #isOwnFolder: boolean
  readonly #logFile: string
  #child: ChildProcess | undefined
  #ended: Promise<void> = Promise.resolve()
  #administrator: MysqlConnection | undefined

  constructor(directory: string, port: number, args: readonly string[], isOwnFolder: boolean) {
    this.directory = directory
    this.port = port
    this.#args = args
    this.#isOwnFolder = isOwnFolder
    this.#logFile = path.join(directory, 'server.log')
  }

  /** A schema of this server as a store's endpoint; the schema itself is made by who opens the store. */
  endpoint(schema: string, port = this.port): MysqlEndpoint {
    return {
      kind: 'mysql',
      name: `${HOST}:${port}/${schema}`,
      host: HOST,
      port,
      username: USERNAME,
      password: PASSWORD,
      schema,
      tls: undefined,
      connectTimeoutMs: 5_000,
      statementTimeoutMs: 20_000,
    }
  }

  /** Asks as the one who may do everything, over a connection that is opened anew after each start. */
  async query(sql: string, parameters?: readonly (string | number | null)[]): Promise<MysqlRow[]> {
    if (this.#administrator?.isOpen !== true) this.#administrator = await this.connect()
    const answer: unknown = await this.#administrator.query(sql, parameters)
    return Array.isArray(answer) ? answer : []
  }

  /** One value. */
  async value(sql: string): Promise<MysqlValue> {
    const [row] = await this.query(sql)
    return row === undefined ? null : (Object.values(row)[0] ?? null)
  }

  /** A connection of the one who may do everything. */
  connect(schema?: string): Promise<MysqlConnection> {
    return MysqlConnection.open({
      host: HOST,
      port: this.port,
      username: 'root',
      password: '',
      schema,
      tls: undefined,
      connectTimeoutMs: 10_000,
      statementTimeoutMs: 120_000,
    })
  }

  /** Starts the server on its folder, and returns once it answers. */
  async start(): Promise<void> {
    const { server } = programs()
    const log = fs.openSync(this.#logFile, 'a')
    const child = spawn(
      server,
      [
        '--no-defaults',
        ...(process.getuid?.() === 0 ? ['--user=root'] : []),
        `--datadir=${path.join(this.directory, 'data')}`,
        `--socket=${path.join(this.directory, 'socket')}`,
        `--pid-file=${path.join(this.directory, 'pid')}`,
        `--port=${this.port}`,
        `--init-file=${path.join(this.directory, 'users.sql')}`,
        ...SETTINGS,
        ...this.#args,
      ],
      { stdio: ['ignore', log, log], env: ownTemporary(this.directory) },
    )
    fs.closeSync(log)
    this.#child = child
    running.add(this)
    let isEnded = false
    this.#ended = new Promise(resolve => {
      const end = () => {
        isEnded = true
        running.delete(this)
        resolve()
      }
      child.once('exit', end)
      child.once('error', end)
    })
    const giveUpMs = performance.now() + READY_MS_MAX
    for (;;) {
      try {
        await this.query('SELECT 1')
        return
      } catch (error) {
        // Not listening yet; anything else is told.
        const isAway = error instanceof MysqlError && error.trouble === MysqlTrouble.Away
        if (!isAway || isEnded || performance.now() > giveUpMs) {
          const told = fs.readFileSync(this.#logFile, 'utf8').slice(-4_000)
          throw new Error(`MariaDB does not answer:\n${told}`, { cause: error })
        }
      }
      await new Promise(resolve => setTimeout(resolve, 50))
    }
  }

  /** Sends the signal to the server's process: SIGKILL loses what it had not written. */
  kill(signal: NodeJS.Signals): void {
    this.#child?.kill(signal)
  }

  get pid(): number {
    const pid = this.#child?.pid
    if (pid === undefined) throw new Error('the server does not run')
    return pid
  }

  get isRunning(): boolean {
    return running.has(this)
  }

  /** Settles once the process has ended. */
  get ended(): Promise<void> {
    return this.#ended
  }

  /** The server answers nobody, and its connections stay. */
  pause(): void {
    this.kill('SIGSTOP')
  }

  resume(): void {
    this.kill('SIGCONT')
  }

  /** Ends the process, unless that happened already, and starts it on the same data and the same port. */
  async restart(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    await this.#end(signal)
    await this.start()
  }

  /** Ends the server and removes its folder. */
  async stop(): Promise<void> {
    await this.#end('SIGKILL')
    if (!this.#isOwnFolder) return
    folders.delete(this.directory)
    fs.rmSync(this.directory, { recursive: true, force: true })
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    this.#administrator?.destroy()
    this.#administrator = undefined
    this.kill('SIGCONT')
    this.kill(signal)
    const force = setTimeout(() => this.kill('SIGKILL'), END_MS_MAX)
    await this.#ended
    clearTimeout(force)
  }
}

/** Starts a server, with new data unless the directory has some. `stop` it at the end. */
export async function startMariaDb(options: MariaDbOptions = {}): Promise<MariaDb> {
  const { install } = programs()
  const isOwnFolder = options.directory === undefined
  const directory = options.directory ?? fs.mkdtempSync(path.join(os.tmpdir(), 'oes-mariadb-'))
  if (isOwnFolder) folders.add(directory)
  const data = path.join(directory, 'data')
  if (!fs.existsSync(data)) {
    fs.mkdirSync(data, { recursive: true })
    const settings = ['--auth-root-authentication-method=normal', '--skip-test-db', '--skip-name-resolve']
    const user = process.getuid?.() === 0 ? ['--user=root'] : []
    await run(install, ['--no-defaults', ...user, `--datadir=${data}`, ...settings], { env: ownTemporary(directory) })
    fs.writeFileSync(path.join(directory, 'users.sql'), usersSql())
  }
  const server = new MariaDb(directory, options.port ?? (await freePort()), options.args ?? [], isOwnFolder)
  await server.start()
  return server
}

/** A server that starts clears its folder for temporary tables, so two servers must not share one. */
function ownTemporary(directory: string): NodeJS.ProcessEnv {
  return { ...process.env, TMPDIR: directory }
}

/** Run at every start; each statement is one line. */
function usersSql(): string {
  const rights =
    'SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, ALTER, INDEX, REFERENCES, CREATE VIEW, SHOW VIEW, ' +
    'CREATE TEMPORARY TABLES, LOCK TABLES, CREATE ROUTINE, ALTER ROUTINE, EXECUTE, TRIGGER, EVENT'
  const password = PASSWORD.replaceAll(/['\\]/g, match => `\\${match}`)
  return [
    `CREATE USER IF NOT EXISTS '${USERNAME}'@'%' IDENTIFIED BY '${password}';`,
    `GRANT ${rights} ON *.* TO '${USERNAME}'@'%';`,
    "CREATE USER IF NOT EXISTS 'root'@'%' IDENTIFIED BY '';",
    "GRANT ALL ON *.* TO 'root'@'%' WITH GRANT OPTION;",
    '',
  ].join('\n')
}

/** A name for a schema that no other test has. */
export function newSchema(): string {
  return `oes_${randomBytes(6).toString('hex')}`
}

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = net.createServer()
    server.once('error', reject)
    server.listen(0, HOST, () => {
      const { port } = server.address() as net.AddressInfo // a TCP server has such an address
      server.close(() => resolve(port))
    })
  })
}
