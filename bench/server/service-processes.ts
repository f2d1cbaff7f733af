// Platform, order execution server and risk server, each in a process of its own as a person would start it, in one
// folder: what is measured where they have to work together.

import { spawn } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { makeFolder, ownProcess, removeFolder } from './server-process.ts'

const ENTRY = fileURLToPath(new URL('../../src/cli/oes.ts', import.meta.url))
const START_MS_MAX = 120_000

/** The part of a configuration; JSON is YAML too. */
type Settings = { readonly [key: string]: Settings | string | number }

export interface Place {
  readonly host: string
  readonly port: number
}

export class ServiceProcesses {
  readonly locator: Place
  readonly orderExecution: Place
  readonly #directory: string
  readonly #ends: (() => Promise<void>)[]

  private constructor(directory: string, locator: Place, orderExecution: Place, ends: (() => Promise<void>)[]) {
    this.#directory = directory
    this.locator = locator
    this.orderExecution = orderExecution
    this.#ends = ends
  }

  /** Starts all three with the platform's built-in world, whose market somebody has to publish. */
  static async start(quick: boolean): Promise<ServiceProcesses> {
    const directory = makeFolder()
    const ends: (() => Promise<void>)[] = []
    const launch = (command: string, settings: Settings) => launched(directory, command, settings, ends)
    const server = { interface: '127.0.0.1:0' }
    try {
      const locator = await launch('platform', {
        server,
        data_file: path.join(directory, 'platform.db'),
        market_data: { feed: 'published' },
      })
      const at = (name: string) => ({ address: `${locator.host}:${locator.port}`, username: name, password: name })
      const orderExecution = await launch('serve', {
        server,
        service_locator: at('order_execution_service'),
        data_directory: path.join(directory, 'data'),
        ...(quick && { journal: { spare_segments: 1 } }),
      })
      await launch('risk-server', {
        server,
        service_locator: at('risk_service'),
        data_file: path.join(directory, 'risk.db'),
      })
      return new ServiceProcesses(directory, locator, orderExecution, ends)
    } catch (error) {
      for (const end of ends) await end()
      removeFolder(directory)
      throw error
    }
  }

  /** Ends all of them and removes the folder. */
  async remove(): Promise<void> {
    for (const end of this.#ends.toReversed()) await end()
    removeFolder(this.#directory)
  }
}

/** Starts a process and waits until it is ready. @returns where it listens */
async function launched(
  directory: string,
  command: string,
  settings: Settings,
  ends: (() => Promise<void>)[],
): Promise<Place> {
  const config = path.join(directory, `${command}.yml`)
  fs.writeFileSync(config, JSON.stringify(settings))
  const log = path.join(directory, `${command}.log`)
  const stderr = fs.openSync(log, 'a')
  const child = spawn(process.execPath, [ENTRY, command, '--config', config], { stdio: ['ignore', 'pipe', stderr] })
  fs.closeSync(stderr)
  ownProcess(child)
  const ended = new Promise<void>(resolve => child.once('exit', () => resolve()))
  ends.push(async () => {
    child.kill('SIGKILL')
    await ended
  })
  return await new Promise<Place>((resolve, reject) => {
    const failed = (why: string) => {
      clearTimeout(timer)
      reject(new Error(`oes ${command} ${why}; its log:\n${fs.readFileSync(log, 'utf8')}`))
    }
    const timer = setTimeout(() => failed(`was not ready within ${START_MS_MAX} ms`), START_MS_MAX)
    let said = ''
    child.stdout!.on('data', chunk => {
      said += chunk
      const ready = /^ready (\S*):(\d+)$/m.exec(said)
      if (ready === null) return
      clearTimeout(timer)
      resolve({ host: ready[1]!, port: Number(ready[2]) })
    })
    child.once('error', error => failed(`did not start: ${error.message}`))
    child.once('exit', code => failed(`ended with ${code}`))
  })
}
