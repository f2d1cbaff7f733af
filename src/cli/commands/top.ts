// oes top: the essentials of a running server, refreshed on a terminal, or one page of them.

import { setTimeout as pause } from 'node:timers/promises'
import { formatAddress, parseAddress } from '../../config/address.ts'
import { parseWhole } from '../arguments.ts'
import { CommandError, usageError } from '../command-error.ts'
import { ExitStatus } from '../exit-status.ts'
import type { Output } from '../output.ts'
import { readConfig } from '../server-options.ts'
import { type Figures, figuresBetween } from '../top/figures.ts'
import { pageLines, SHARD_ORDERS, type ShardOrder } from '../top/page.ts'
import { Screen } from '../top/screen.ts'
import { askStatus, type ServerStatus } from '../top/status.ts'

export interface TopFlags {
  admin?: string
  config?: string
  interval?: string
  once?: boolean
  json?: boolean
}

const ADMIN_DEFAULT = '127.0.0.1:20701'
const INTERVAL_MS_MIN = 100
const KEYS = 'q quit   s sort   p pause'
const CTRL_C = '\u0003'

/** Where the administrative port is: by the flag, the environment, the configuration. @throws CommandError */
export function adminAddress(flags: TopFlags, environment: NodeJS.ProcessEnv): string {
  const named = flags.admin ?? (flags.config === undefined ? environment.OES_ADMIN : undefined)
  if (named === undefined && flags.config !== undefined) {
    const { admin } = readConfig(flags.config)
    if (admin.http === 'off') {
      throw new CommandError(`${flags.config} has no administrative port.`, {
        hint: 'Set admin.http: on, and restart.',
      })
    }
    return formatAddress(admin.interface)
  }
  const address = parseAddress(named ?? ADMIN_DEFAULT)
  if (address === undefined) throw usageError(`'${named}' is no address.`, 'Write it as HOST:PORT, as 127.0.0.1:20701.')
  return formatAddress(address)
}

export async function top(output: Output, flags: TopFlags, environment: NodeJS.ProcessEnv): Promise<ExitStatus> {
  const address = adminAddress(flags, environment)
  const intervalMs = parseWhole(flags.interval ?? '2000', 'a time in milliseconds', INTERVAL_MS_MIN)
  if (flags.once === true || flags.json === true) {
    const before = await askStatus(address)
    await pause(intervalMs)
    onePage(output, figuresBetween(before, await askStatus(address)), flags.json === true)
    return ExitStatus.Ok
  }
  const { stdin: input, stdout: out } = process
  if (!input.isTTY || !out.isTTY) throw usageError('top draws on a terminal.', 'Use --once for one page of plain text.')
  await new Watching(output, address, intervalMs, { input, out }).end
  return ExitStatus.Ok
}

function onePage(output: Output, figures: Figures, isJson: boolean): void {
  if (isJson) {
    output.json(figures)
    return
  }
  const unlimited = Number.POSITIVE_INFINITY
  const options = { width: unlimited, height: unlimited, shardOrder: 'name' } as const
  for (const line of pageLines(figures, { ...options, paint: (colour, text) => output.paint(colour, text) })) {
    output.line(line)
  }
}

/** One session in front of a terminal. */
class Watching {
  /** Settles when the person has had enough. */
  readonly end: Promise<void>
  readonly #output: Output
  readonly #address: string
  readonly #screen: Screen
  #finish: () => void = () => undefined
  #before: ServerStatus | undefined
  #figures: Figures | undefined
  #trouble = ''
  #shardOrder: ShardOrder = 'name'
  #isPaused = false
  #isAsking = false

  constructor(
    output: Output,
    address: string,
    intervalMs: number,
    terminal: { input: NodeJS.ReadStream; out: NodeJS.WriteStream },
  ) {
    this.#output = output
    this.#address = address
    this.#screen = new Screen(
      terminal,
      key => this.#key(key),
      () => this.#draw(),
    )
    this.#screen.open()
    const timer = setInterval(() => void this.#look(), intervalMs)
    const { promise, resolve } = Promise.withResolvers<void>()
    const finish = () => {
      clearInterval(timer)
      process.off('SIGTERM', finish)
      process.off('exit', close)
      close()
      resolve()
    }
    const close = () => this.#screen.close()
    process.once('SIGTERM', finish)
    process.once('exit', close)
    this.end = promise
    this.#finish = finish
    this.#draw()
    void this.#look()
  }

  async #look(): Promise<void> {
    if (this.#isPaused || this.#isAsking) return
    this.#isAsking = true
    try {
      const now = await askStatus(this.#address)
      this.#figures = figuresBetween(this.#before, now)
      this.#before = now
      this.#trouble = ''
    } catch (error) {
      if (!(error instanceof CommandError)) throw error
      this.#trouble = error.message
    } finally {
      this.#isAsking = false
    }
    if (!this.#isPaused) this.#draw()
  }

  #key(key: string): void {
    if (key === 'q' || key === CTRL_C) {
      this.#finish()
      return
    }
    if (key === 's')
      this.#shardOrder = SHARD_ORDERS[(SHARD_ORDERS.indexOf(this.#shardOrder) + 1) % SHARD_ORDERS.length]!
    if (key === 'p' || key === ' ') this.#isPaused = !this.#isPaused
    this.#draw()
  }

  #draw(): void {
    const { width, height } = this.#screen
    const paint = (colour: Parameters<Output['paint']>[0], text: string) => this.#output.paint(colour, text)
    const foot = `${KEYS}   ${this.#isPaused ? 'PAUSED' : ''}   shards by ${this.#shardOrder}`.slice(0, width)
    const top =
      this.#trouble === ''
        ? `${this.#address}  ${new Date(this.#figures?.timeMs ?? Date.now()).toISOString().slice(11, 19)} UTC`
        : `${this.#trouble} Trying again.`
    const figures = this.#figures
    const options = { width, height: height - 2, paint, shardOrder: this.#shardOrder }
    const page = figures === undefined ? [] : pageLines(figures, options)
    const blank = Array.from({ length: Math.max(0, height - 2 - page.length) }, () => '')
    const topLine = top.slice(0, width)
    this.#screen.draw([
      this.#trouble === '' ? paint('dim', topLine) : paint('red', topLine),
      ...page,
      ...blank,
      paint('dim', foot),
    ])
  }
}
