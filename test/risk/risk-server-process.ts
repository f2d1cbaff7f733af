// A risk server of its own process, on a free port, with its data in a folder of the test; what tests run that kill it.

import { type ChildProcess, spawn } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Address, formatAddress } from '../../src/config/address.ts'
import { onReadableLog } from '../base/readable-log.ts'

export const OES = fileURLToPath(new URL('../../src/cli/oes.ts', import.meta.url))

/** None outlives the test. */
const running = new Set<ChildProcess>()
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

export class RiskServerProcess {
  /** Everything it wrote on standard error. */
  log = ''
  readonly #child: ChildProcess
  readonly ended: Promise<number | null>

  private constructor(configFile: string, flags: readonly string[]) {
    const child = spawn(process.execPath, [OES, 'risk-server', '--config', configFile, ...flags], {
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.#child = child
    running.add(child)
    onReadableLog(child.stderr!, text => {
      this.log += text
    })
    this.ended = new Promise(resolve => {
      child.once('close', status => {
        running.delete(child)
        resolve(status)
      })
    })
  }

  /** Starts a risk server with its data in `folder`, and waits until it is ready. */
  static start(folder: string, locator: Address, ...flags: readonly string[]): Promise<RiskServerProcess> {
    return RiskServerProcess.startWith(folder, locator, {}, ...flags)
  }

  /** The same, with further sections of the configuration. */
  static async startWith(
    folder: string,
    locator: Address,
    sections: Readonly<Record<string, unknown>>,
    ...flags: readonly string[]
  ): Promise<RiskServerProcess> {
    const configFile = path.join(folder, 'risk.yml')
    const config = {
      server: { interface: '127.0.0.1:0' },
      service_locator: { address: formatAddress(locator), username: 'risk_service', password: 'risk_service' },
      data_file: path.join(folder, 'risk.db'),
      ...sections,
    }
    fs.writeFileSync(configFile, JSON.stringify(config))
    const server = new RiskServerProcess(configFile, flags)
    await new Promise<void>((resolve, reject) => {
      let said = ''
      server.#child.stdout!.setEncoding('utf8').on('data', (text: string) => {
        said += text
        if (said.includes('ready ')) resolve()
      })
      void server.ended.then(() =>
        reject(new Error(`The risk server ended before it was ready. Its log:\n${server.log}`)),
      )
    })
    return server
  }

  /** Waits for a line of the log. */
  logged(line: RegExp): Promise<void> {
    return new Promise((resolve, reject) => {
      const look = () => {
        if (!line.test(this.log)) return
        this.#child.stderr!.off('data', look)
        resolve()
      }
      this.#child.stderr!.on('data', look)
      look()
      void this.ended.then(() => reject(new Error(`The risk server ended and never said ${line}:\n${this.log}`)))
    })
  }

  /** Ends it as a failing machine would. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.ended
  }

  /** Tells it to stop. @returns its exit status. */
  stop(): Promise<number | null> {
    this.#child.kill('SIGTERM')
    return this.ended
  }
}
