// What an open console costs: the canonical load against two servers by turns, one without a console and an administrative
// port, and one on whose console somebody is logged in, with figures and orders streaming to the page all the time.

import { setTimeout as pause } from 'node:timers/promises'
import type { LoadClient } from '../load/load-client.ts'
import { OrderPattern, type PhaseResult } from '../load/load-plan.ts'
import {
  atLeast,
  figure,
  median,
  milliseconds,
  type Scenario,
  type ScenarioOptions,
  type ScenarioResult,
} from '../scenario.ts'
import { administrator } from '../server/bench-world.ts'
import { BenchServer } from '../server/server-process.ts'
import { wakeUp } from './wake-up.ts'

const CONNECTIONS = 4
const IN_FLIGHT = 64
/** What has to be left of the throughput. */
const SHARE_KEPT = 0.97
const WAIT_MS_MAX = 60_000

export const console: Scenario = {
  name: 'console',
  about: 'orders per second with an open console, against a server without one',
  threads: shards => shards + 5,
  run,
}

interface Contender {
  readonly name: string
  readonly server: BenchServer
  readonly load: LoadClient
  readonly runs: PhaseResult[]
}

async function run(options: ScenarioOptions): Promise<ScenarioResult> {
  const { quick, say } = options
  const measureMs = (options.seconds ?? (quick ? 0.3 : 10)) * 1_000
  const rounds = options.rounds ?? (quick ? 1 : 6)
  const phase = { pattern: OrderPattern.Marketable, inFlight: IN_FLIGHT, warmUpMs: quick ? 100 : 1_000, measureMs }
  const contenders: Contender[] = []
  let page: OpenPage | undefined
  try {
    for (const hasConsole of [false, true]) {
      const server = await BenchServer.start({
        hasAdminPort: hasConsole,
        hasConsole,
        copiesToStore: false,
        desks: CONNECTIONS,
        quick,
      })
      const name = hasConsole ? 'console open' : 'no console'
      contenders.push({ name, server, load: await server.load(), runs: [] })
    }
    const [alone, watched] = contenders as [Contender, Contender]
    page = await OpenPage.of(watched.server)
    for (const { load } of contenders) await wakeUp(load, quick)
    for (const { server } of contenders) await server.rested()
    /** How long the watched server goes on after each measurement, with what it had put off. */
    const putOffMs: number[] = []
    for (let round = 1; round <= rounds; round++) {
      // First by turns, so that neither always follows the other.
      for (const contender of round % 2 === 1 ? [alone, watched] : [watched, alone]) {
        const result = await contender.load.run(phase)
        contender.runs.push(result)
        say(`round ${round}: ${contender.name} ${figure(result.ordersPerSecond)} orders/s, p99 ${result.done.p99} µs`)
        await contender.server.rested()
        const beganMs = performance.now()
        await contender.server.idle()
        if (contender === watched) putOffMs.push(performance.now() - beganMs)
      }
    }
    await page.told('figures')
    await page.told('orders')
    for (const { load } of contenders) await load.check()
    return resultOf(alone, watched, page, median(putOffMs))
  } finally {
    page?.close()
    for (const { load, server } of contenders) {
      await load.close()
      await server.remove()
    }
  }
}

/** A page that reads all it is told, and draws none of it: a browser has a machine of its own. */
class OpenPage {
  readonly #closing = new AbortController()
  readonly #counts = new Map<string, number>()
  bytes = 0

  static async of(server: BenchServer): Promise<OpenPage> {
    const endMs = performance.now() + WAIT_MS_MAX
    while (server.consolePort === undefined) {
      if (performance.now() > endMs) throw new Error(`the console was not served within ${WAIT_MS_MAX} ms`)
      await pause(50)
    }
    const url = `http://127.0.0.1:${server.consolePort}`
    const { username, password } = administrator
    const login = await fetch(`${url}/api/login`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ name: username, password }),
    })
    if (!login.ok) throw new Error(`the login was answered with ${login.status}: ${await login.text()}`)
    const cookie = login.headers.get('set-cookie')!.split(';', 1)[0]!
    const page = new OpenPage()
    const { signal } = page.#closing
    const stream = await fetch(`${url}/api/stream?orders=1`, { headers: { cookie }, signal })
    void page.#read(stream.body!).catch((error: unknown) => {
      if (!signal.aborted) throw error
    })
    return page
  }

  count(event: string): number {
    return this.#counts.get(event) ?? 0
  }

  /** Waits until something of the kind was told. */
  async told(event: string): Promise<void> {
    const endMs = performance.now() + WAIT_MS_MAX
    while (this.count(event) === 0) {
      if (performance.now() > endMs) throw new Error(`no ${event} were told within ${WAIT_MS_MAX} ms`)
      await pause(50)
    }
  }

  close(): void {
    this.#closing.abort()
  }

  async #read(stream: ReadableStream<Uint8Array>): Promise<void> {
    let waiting = ''
    const decoder = new TextDecoder()
    for await (const chunk of stream) {
      this.bytes += chunk.length
      waiting += decoder.decode(chunk, { stream: true })
      const events = waiting.split('\n\n')
      waiting = events.pop()!
      for (const event of events) {
        const name = /^event: (\w+)/.exec(event)?.[1]
        if (name !== undefined) this.#counts.set(name, this.count(name) + 1)
      }
    }
  }
}

function resultOf(alone: Contender, watched: Contender, page: OpenPage, putOffMs: number): ScenarioResult {
  const ratios = watched.runs.map((each, round) => each.ordersPerSecond / alone.runs[round]!.ordersPerSecond)
  const rate = ({ runs }: Contender) => median(runs.map(({ ordersPerSecond }) => ordersPerSecond))
  const row = (contender: Contender) => [
    contender.name,
    figure(rate(contender)),
    milliseconds(median(contender.runs.map(({ done }) => done.p50))),
    milliseconds(median(contender.runs.map(({ done }) => done.p99))),
  ]
  return {
    tables: [
      {
        title: `${CONNECTIONS} connections × ${IN_FLIGHT} in flight; medians of ${ratios.length} rounds`,
        columns: ['', 'orders/s', 'p50 ms', 'p99 ms'],
        rows: [row(alone), row(watched)],
      },
    ],
    notes: [
      `the page was told figures ${page.count('figures')} times and orders ${page.count('orders')} times, ${figure(page.bytes)} bytes`,
      `what the page's questions had to wait for under load takes ${figure(putOffMs)} ms after it, behind everything else`,
      `console open ÷ no console, round by round: ${ratios.map(ratio => ratio.toFixed(3)).join(', ')}`,
    ],
    figures: { alone: rate(alone), watched: rate(watched), ratios },
    targets: [atLeast('throughput, console open', median(ratios), '× no console', SHARE_KEPT)],
  }
}
