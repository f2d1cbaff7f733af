// A Galera cluster of MariaDB nodes on this machine, each a process of its own with its data in a temporary folder. Nodes
// are killed and come back: by what the others remember of the last transactions, or with a whole copy (rsync).
//
// The first node of all makes the cluster; the others join it and get its data. rsync, as root, serves files as somebody
// who may not read them, so where the tests run as root the nodes run as the system's user for databases.

import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process'
import fs from 'node:fs'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { promisify } from 'node:util'
import { MysqlConnection, type MysqlRow } from '../../../src/base/mysql.ts'
import type { MysqlEndpoint } from '../../../src/stores/store-endpoint.ts'

const run = promisify(execFile)

const HOST = '127.0.0.1'
const PROVIDERS = ['/usr/lib/galera/libgalera_smm.so', '/usr/lib64/galera-4/libgalera_smm.so']
const USERNAME = 'oes'
const PASSWORD = 'oes'
/** No node takes so long to be of use, on however busy a machine; one that does is reported with its log. */
const SYNCED_MS_MAX = 90_000
const LOOK_MS = 100

const SETTINGS: readonly string[] = [
  `--bind-address=${HOST}`,
  '--skip-name-resolve',
  '--innodb-buffer-pool-size=64M',
  '--innodb-log-file-size=64M',
  '--innodb-buffer-pool-dump-at-shutdown=OFF',
  '--innodb-buffer-pool-load-at-startup=OFF',
  '--performance-schema=OFF',
  '--binlog-format=ROW',
  '--default-storage-engine=InnoDB',
  '--innodb-autoinc-lock-mode=2',
  '--wsrep-on=ON',
  '--wsrep-cluster-name=oes-test',
  '--wsrep-sst-method=rsync',
]

/** Nodes of this process: none outlives it. */
const running = new Set<GaleraNode>()
const folders = new Set<string>()
process.on('exit', () => {
  for (const node of running) node.signal('SIGKILL')
  for (const folder of folders) fs.rmSync(folder, { recursive: true, force: true })
})

/** The ports of a node: for clients, for the group, for what it missed, for a whole copy. */
interface NodePorts {
  readonly clients: number
  readonly group: number
  readonly missed: number
  readonly copy: number
}

interface NodePlan {
  readonly name: string
  readonly directory: string
  readonly ports: NodePorts
  /** Addresses of all nodes of the cluster. */
  readonly cluster: string
  readonly provider: string
}

export class GaleraCluster {
  readonly nodes: readonly GaleraNode[]
  readonly #folder: string

  /** Makes a cluster and waits until every node is of use. */
  static async start(count: number): Promise<GaleraCluster> {
    const provider = PROVIDERS.find(file => fs.existsSync(file))
    if (provider === undefined) throw new Error('these tests need galera-4 and rsync: scripts/test.sh installs them')
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'oes-galera-'))
    folders.add(folder)
    const ports = await freePorts(4 * count)
    const cluster = Array.from({ length: count }, (_, index) => `${HOST}:${ports[4 * index + 1]}`).join()
    const nodes = Array.from({ length: count }, (_, index) => {
      const [clients, group, missed, copy] = ports.slice(4 * index) as [number, number, number, number]
      const name = `node${index + 1}`
      const directory = path.join(folder, name)
      return new GaleraNode({ name, directory, ports: { clients, group, missed, copy }, cluster, provider })
    })
    // Not for others to look into, but for the user of the databases to pass.
    fs.chmodSync(folder, 0o711)
    const self = new GaleraCluster(folder, nodes)
    const [first, ...others] = nodes as [GaleraNode, ...GaleraNode[]]
    await first.install()
    await first.start(true)
    await first.makeUsers()
    // One after the other: a node that gives a copy away gives one at a time.
    for (const node of others) {
      node.makeFolder()
      await node.start()
    }
    return self
  }

  private constructor(folder: string, nodes: readonly GaleraNode[]) {
    this.#folder = folder
    this.nodes = nodes
  }

  /** The same schema by each node: endpoints of one and the same database. */
  endpoints(schema: string): MysqlEndpoint[] {
    return this.nodes.map(node => node.endpoint(schema))
  }

  /** Ends every node and removes the data. */
  async stop(): Promise<void> {
    await Promise.all(this.nodes.map(node => node.kill()))
    folders.delete(this.#folder)
    fs.rmSync(this.#folder, { recursive: true, force: true })
  }
}

export class GaleraNode {
  readonly name: string
  readonly port: number
  readonly #plan: NodePlan
  #child: ChildProcess | undefined
  #ended: Promise<void> = Promise.resolve()
  #hasEnded = true
  #administrator: MysqlConnection | undefined

  constructor(plan: NodePlan) {
    this.#plan = plan
    this.name = plan.name
    this.port = plan.ports.clients
  }

  endpoint(schema: string): MysqlEndpoint {
    return {
      kind: 'mysql',
      name: `${HOST}:${this.port}/${schema}`,
      host: HOST,
      port: this.port,
      username: USERNAME,
      password: PASSWORD,
      schema,
      tls: undefined,
      connectTimeoutMs: 5_000,
      statementTimeoutMs: 20_000,
    }
  }

  /** Asks as the one who may do everything. */
  async query(sql: string): Promise<MysqlRow[]> {
    if (this.#administrator?.isOpen !== true) {
      this.#administrator = await MysqlConnection.open({
        host: HOST,
        port: this.port,
        username: 'root',
        password: '',
        schema: undefined,
        tls: undefined,
        connectTimeoutMs: 10_000,
        statementTimeoutMs: 120_000,
      })
    }
    const answer: unknown = await this.#administrator.query(sql)
    return Array.isArray(answer) ? answer : []
  }

  /** The value of one of the cluster's status variables, without its prefix. */
  async status(variable: string): Promise<string> {
    const [row] = await this.query(`SHOW STATUS LIKE 'wsrep_${variable}'`)
    return String(row?.Value ?? '')
  }

  /** Makes the folder, empty: whoever joins gets all data from another node. */
  makeFolder(): void {
    const { directory } = this.#plan
    fs.mkdirSync(path.join(directory, 'data'), { recursive: true })
    for (const folder of [directory, path.join(directory, 'data')]) chownForServer(folder)
  }

  /** Makes the folder with the tables of an empty database. */
  async install(): Promise<void> {
    this.makeFolder()
    const settings = ['--auth-root-authentication-method=normal', '--skip-test-db', '--skip-name-resolve']
    const words = ['--no-defaults', ...serverUser(), `--datadir=${this.#data}`, ...settings]
    await run(program('mariadb-install-db'), words, { env: this.#environment })
  }

  async makeUsers(): Promise<void> {
    await this.query(`CREATE USER '${USERNAME}'@'%' IDENTIFIED BY '${PASSWORD}'`)
    await this.query(`GRANT ALL ON *.* TO '${USERNAME}'@'%'`)
  }

  /** Starts the node and waits until it is of use. @param isFirst it makes the cluster and joins nobody. */
  async start(isFirst = false): Promise<void> {
    const log = fs.openSync(this.#logFile, 'a')
    const position = isFirst ? [] : this.#startPosition()
    const child = spawn(
      program('mariadbd'),
      [...this.#words(), ...position, ...(isFirst ? ['--wsrep-new-cluster'] : [])],
      {
        stdio: ['ignore', log, log],
        env: this.#environment,
      },
    )
    fs.closeSync(log)
    this.#child = child
    this.#hasEnded = false
    running.add(this)
    this.#ended = new Promise(resolve => {
      const end = () => {
        this.#hasEnded = true
        running.delete(this)
        resolve()
      }
      child.once('exit', end)
      child.once('error', end)
    })
    await this.synced()
  }

  /** Waits until the node takes statements. */
  async synced(): Promise<void> {
    const giveUpMs = performance.now() + SYNCED_MS_MAX
    for (;;) {
      try {
        if ((await this.status('ready')) === 'ON' && (await this.status('local_state_comment')) === 'Synced') return
      } catch (error) {
        // Not listening yet; what else there may be shows when the time is over.
        if (this.#hasEnded || performance.now() > giveUpMs) {
          const told = fs.readFileSync(this.#logFile, 'utf8').split('\n').slice(-60).join('\n')
          throw new Error(`${this.name} is of no use:\n${told}`, { cause: error })
        }
      }
      await pause(LOOK_MS)
    }
  }

  signal(signal: NodeJS.Signals): void {
    this.#child?.kill(signal)
  }

  /** Ends the node at once: what it had not written is lost. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL')
  }

  /** Ends the node in order. */
  async shutDown(): Promise<void> {
    await this.#end('SIGTERM')
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    this.#administrator?.destroy()
    this.#administrator = undefined
    this.signal('SIGCONT')
    this.signal(signal)
    await this.#ended
  }

  /**
   * Scripts that give and take a copy look for their tools; a server that starts clears its folder for temporary tables,
   * so two servers must not share one.
   */
  get #environment(): NodeJS.ProcessEnv {
    return { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin`, TMPDIR: this.#plan.directory }
  }

  get #data(): string {
    return path.join(this.#plan.directory, 'data')
  }

  get #logFile(): string {
    return path.join(this.#plan.directory, 'server.log')
  }

  #words(): string[] {
    const { name, directory, ports, cluster, provider } = this.#plan
    const options = [
      'gcache.size=64M',
      `base_port=${ports.group}`,
      `gmcast.listen_addr=tcp://${HOST}:${ports.group}`,
      `ist.recv_addr=${HOST}:${ports.missed}`,
      // A node that was killed is missed soon.
      'evs.keepalive_period=PT0.3S',
      'evs.suspect_timeout=PT1.5S',
      'evs.inactive_timeout=PT3S',
      'evs.install_timeout=PT3S',
    ]
    return [
      '--no-defaults',
      ...serverUser(),
      `--datadir=${this.#data}`,
      `--socket=${path.join(directory, 'socket')}`,
      `--pid-file=${path.join(directory, 'pid')}`,
      `--port=${this.port}`,
      ...SETTINGS,
      `--wsrep-provider=${provider}`,
      `--wsrep-provider-options=${options.join(';')}`,
      `--wsrep-cluster-address=gcomm://${cluster}`,
      `--wsrep-node-name=${name}`,
      `--wsrep-node-address=${HOST}:${ports.group}`,
      `--wsrep-sst-receive-address=${HOST}:${ports.copy}`,
    ]
  }

  /** Where a node that was killed stands, as its own tables say: with that it needs no whole copy. */
  #startPosition(): string[] {
    if (!fs.existsSync(path.join(this.#data, 'ibdata1'))) return []
    const file = path.join(this.#plan.directory, 'recover.log')
    fs.rmSync(file, { force: true })
    fs.writeFileSync(file, '')
    chownForServer(file)
    execFileSync(program('mariadbd'), [...this.#words(), '--wsrep-recover', `--log-error=${file}`], {
      stdio: 'ignore',
      env: this.#environment,
    })
    const found = /Recovered position: (\S+)/.exec(fs.readFileSync(file, 'utf8'))?.[1]
    return found === undefined ? [] : [`--wsrep-start-position=${found}`]
  }
}

/** As whom the server runs, where root starts it. */
function serverUser(): string[] {
  return process.getuid?.() === 0 ? ['--user=mysql'] : []
}

function chownForServer(file: string): void {
  if (process.getuid?.() === 0) execFileSync('chown', ['mysql:', file])
}

/** A program as it is called on this machine. */
function program(name: string): string {
  const places = [...(process.env.PATH ?? '').split(path.delimiter), '/usr/sbin', '/usr/local/sbin']
  const found = places.map(place => path.join(place, name)).find(file => fs.existsSync(file))
  if (found === undefined) throw new Error(`these tests need ${name}: scripts/test.sh installs it`)
  return found
}

/** Ports that nobody uses: all are held before the first is let go. */
async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = net.createServer()
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject)
        server.listen(0, HOST, resolve)
      })
      return server
    }),
  )
  const ports = servers.map(server => (server.address() as net.AddressInfo).port) // each listens by TCP
  await Promise.all(servers.map(server => new Promise(resolve => server.close(resolve))))
  return ports
}
