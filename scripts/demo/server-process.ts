// The server under demonstration: `oes serve` in a process of its own, on free ports of loopback, with its data in a
// temporary folder. Whatever way the demonstration ends, process and folder end with it.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import fs from 'node:fs'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { readableLine } from '../../src/base/log-line.ts'
import { Trouble } from './trouble.ts'

const OES = fileURLToPath(new URL('../oes', import.meta.url))
const READY_MS_MAX = 15_000
const STOP_MS_MAX = 10_000
/** Lines of the server's log that are shown when it fails. */
const LOG_LINES_SHOWN = 12

export class ServerProcess {
  readonly port: number
  readonly #folder: string
  readonly #configFile: string
  readonly #logFile: string
  readonly #onEnd: (trouble: Trouble) => void
  #child: ChildProcess | undefined
  #isEnding = false

  private constructor(port: number, onEnd: (trouble: Trouble) => void) {
    this.port = port
    this.#onEnd = onEnd
    this.#folder = fs.mkdtempSync(path.join(os.tmpdir(), 'oes-demo-'))
    this.#configFile = path.join(this.#folder, 'config.yml')
    this.#logFile = path.join(this.#folder, 'server.log')
    fs.writeFileSync(
      this.#configFile,
      [
        'server:',
        `  interface: 127.0.0.1:${port}`,
        'platform:',
        '  port: 0',
        '  market_data:',
        '    rate: 400',
        'admin:',
        '  interface: 127.0.0.1:0',
        'console:',
        '  interface: 127.0.0.1:0',
        'journal:',
        '  spare_segments: 1',
        `data_directory: ${JSON.stringify(path.join(this.#folder, 'data'))}`,
        '',
      ].join('\n'),
    )
    process.on('exit', () => this.#cleanUp())
  }

  /** A server that is not started yet, on a port that is free now; `onEnd` is told where it ends by itself. */
  static async prepare(onEnd: (trouble: Trouble) => void): Promise<ServerProcess> {
    return new ServerProcess(await freePort(), onEnd)
  }

  /** Starts the server and waits until it is ready. @returns how long that took, in milliseconds. */
  async start(): Promise<number> {
    const startedMs = performance.now()
    const log = fs.openSync(this.#logFile, 'a')
    const child = spawn(OES, ['serve', '--config', this.#configFile], { stdio: ['ignore', 'pipe', log] })
    fs.closeSync(log)
    this.#child = child
    this.#isEnding = false
    const ready = new Promise<void>((resolve, reject) => {
      let said = ''
      child.stdout!.setEncoding('utf8').on('data', (text: string) => {
        said += text
        if (/^ready /m.test(said)) resolve()
      })
      child.once('error', reject)
      child.once('exit', (status, signal) => reject(this.#trouble(`The server ended with ${status ?? signal}`)))
    })
    await within(ready, READY_MS_MAX, () => this.#trouble(`The server was not ready within ${READY_MS_MAX} ms`))
    child.removeAllListeners('exit')
    child.once('exit', (status, signal) => {
      if (!this.#isEnding) this.#onEnd(this.#trouble(`The server ended by itself with ${status ?? signal}`))
    })
    return performance.now() - startedMs
  }

  /** Ends the server as a power cut would: nothing is flushed, nobody is told. */
  async kill(): Promise<void> {
    const child = this.#child!
    const ended = once(child, 'exit')
    this.#isEnding = true
    child.kill('SIGKILL')
    await ended
  }

  /** Asks the server to stop, and waits. @throws Trouble where it does not end by itself with status 0. */
  async stop(): Promise<void> {
    const child = this.#child!
    const ended = once(child, 'exit')
    this.#isEnding = true
    child.kill('SIGTERM')
    const [status, signal] = await within(ended, STOP_MS_MAX, () =>
      this.#trouble(`The server did not stop within ${STOP_MS_MAX} ms`),
    )
    if (status !== 0) throw this.#trouble(`The server ended with ${status ?? signal} when it was told to stop`)
  }

  #trouble(sentence: string): Trouble {
    const lines = fs.readFileSync(this.#logFile, 'utf8').trimEnd().split('\n').slice(-LOG_LINES_SHOWN)
    return new Trouble(`${sentence}. The end of its log:\n  ${lines.map(readableLine).join('\n  ')}`)
  }

  #cleanUp(): void {
    this.#child?.kill('SIGKILL')
    fs.rmSync(this.#folder, { recursive: true, force: true })
  }
}

async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as net.AddressInfo // a TCP server has such an address
  server.close()
  await once(server, 'close')
  return port
}

async function within<T>(promise: Promise<T>, ms: number, trouble: () => Trouble): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(trouble()), ms)
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}
