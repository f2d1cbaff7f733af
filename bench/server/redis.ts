// The yardstick: Redis, appending one entry to a stream per order, synced to the disk before it answers. Where
// redis-server and redis-benchmark are not installed, a scenario goes on without it.

import { execFile, spawn, spawnSync } from 'node:child_process'
import net from 'node:net'
import { promisify } from 'node:util'
import { makeFolder, ownProcess, removeFolder } from './server-process.ts'

const run = promisify(execFile)

/** As long as the Submit frame of an order. */
const ENTRY = 'o'.repeat(72)
const READY_MS_MAX = 10_000

export interface RedisResult {
  readonly appendsPerSecond: number
  readonly elapsedMs: number
  /** Microseconds. */
  readonly p50: number
  readonly p99: number
  readonly max: number
}

/** Version of Redis as installed, or undefined. */
export function redisVersion(): string | undefined {
  const server = spawnSync('redis-server', ['--version'], { encoding: 'utf8' })
  const benchmark = spawnSync('redis-benchmark', ['--version'], { encoding: 'utf8' })
  if (server.error !== undefined || benchmark.error !== undefined || server.status !== 0) return undefined
  return /v=(\S+)/.exec(server.stdout)?.[1] ?? 'of an unknown version'
}

export class Redis {
  readonly #port: number
  readonly #directory: string
  readonly #end: () => Promise<void>
  #appended = 0

  private constructor(port: number, directory: string, end: () => Promise<void>) {
    this.#port = port
    this.#directory = directory
    this.#end = end
  }

  /** Starts a Redis of its own in a folder of its own; undefined where it is not installed. */
  static async start(): Promise<Redis | undefined> {
    if (redisVersion() === undefined) return undefined
    const directory = makeFolder()
    const port = await freePort()
    const settings = {
      port: String(port),
      bind: '127.0.0.1',
      dir: directory,
      save: '',
      appendonly: 'yes',
      appendfsync: 'always',
      // No rewrite in the middle of a measurement.
      'auto-aof-rewrite-percentage': '0',
    }
    const child = spawn(
      'redis-server',
      Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]),
      { stdio: 'ignore' },
    )
    ownProcess(child)
    const ended = new Promise<void>(resolve => child.once('exit', () => resolve()))
    const redis = new Redis(port, directory, async () => {
      child.kill('SIGKILL')
      await ended
    })
    await redis.#answers()
    return redis
  }

  /** Appends so many entries over `connections`, with so many on the way on each. Checks that all of them are there. */
  async append(entries: number, connections: number, inFlight: number): Promise<RedisResult> {
    const begin = performance.now()
    const { stdout } = await run('redis-benchmark', [
      ...['-p', String(this.#port), '-n', String(entries), '-c', String(connections), '-P', String(inFlight), '--csv'],
      ...['XADD', 'orders', '*', 'order', ENTRY],
    ])
    const elapsedMs = performance.now() - begin
    const values = (stdout.trim().split('\n').at(-1) ?? '').split(',').map(text => Number(text.replaceAll('"', '')))
    // test, rps, avg, min, p50, p95, p99, max; the command has no comma
    const [, appendsPerSecond, , , p50, , p99, max] = values
    if (!(appendsPerSecond! > 0)) throw new Error(`redis-benchmark answered what is not understood:\n${stdout}`)
    this.#appended += entries
    const length = Number(/:(\d+)/.exec(await this.#ask('XLEN orders'))?.[1])
    // The last pipeline of each connection is sent whole.
    const most = this.#appended + connections * inFlight
    if (!(length >= this.#appended && length <= most)) {
      throw new Error(`Redis has ${length} entries where ${this.#appended} were appended`)
    }
    this.#appended = length
    const us = (ms: number) => Math.round(ms * 1_000)
    return { appendsPerSecond: appendsPerSecond!, elapsedMs, p50: us(p50!), p99: us(p99!), max: us(max!) }
  }

  /** Appends for about so long, after a short run that tells how many entries that takes. */
  async appendFor(ms: number, connections: number, inFlight: number): Promise<RedisResult> {
    const few = Math.max(2_000, 100 * connections * inFlight)
    const trial = await this.append(few, connections, inFlight)
    return this.append(Math.max(few, Math.round((trial.appendsPerSecond * ms) / 1_000)), connections, inFlight)
  }

  async close(): Promise<void> {
    await this.#end()
    removeFolder(this.#directory)
  }

  async #answers(): Promise<void> {
    const giveUpMs = performance.now() + READY_MS_MAX
    for (;;) {
      try {
        if ((await this.#ask('PING')).startsWith('+PONG')) return
      } catch (error) {
        // Not listening yet; anything else shows when the time is over.
        if (performance.now() > giveUpMs) throw new Error('Redis does not answer', { cause: error })
      }
      if (performance.now() > giveUpMs) throw new Error('Redis does not answer PING')
      await new Promise(resolve => setTimeout(resolve, 20))
    }
  }

  /** One inline command. */
  #ask(command: string): Promise<string> {
    return new Promise((resolve, reject) => {
      const socket = net.connect(this.#port, '127.0.0.1', () => socket.write(`${command}\r\n`))
      socket.once('data', answer => {
        socket.destroy()
        resolve(String(answer))
      })
      socket.once('error', reject)
    })
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = net.createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as net.AddressInfo // a TCP server has such an address
      server.close(() => resolve(port))
    })
  })
}
