// Bulk cancel: 100,000 orders of 1,000 accounts are canceled by the utility, as an operator starts it, while other accounts
// trade on. How long the utility takes, from the start of its process to its end, and what the others notice of it: their
// latency in open loop, measured from the time each order was due, against the same without it, right before. At last the
// utility is killed in the middle, and another run has to finish the rest.

import { type ChildProcess, spawn } from 'node:child_process'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { connect, type OesClient } from '../../src/client/index.ts'
import { LoadClient } from '../load/load-client.ts'
import { OrderPattern, type PhaseResult } from '../load/load-plan.ts'
import {
  atMost,
  figure,
  median,
  milliseconds,
  type Scenario,
  type ScenarioOptions,
  type ScenarioResult,
} from '../scenario.ts'
import { administrator, benchTickers, deskConnection } from '../server/bench-world.ts'
import { BenchServer, ownProcess } from '../server/server-process.ts'
import { StoreWatch } from '../server/store-watch.ts'
import { LATENCY_COLUMNS, latencyCells } from './latency-columns.ts'
import { wakeUp } from './wake-up.ts'

const ENTRY = fileURLToPath(new URL('../../src/cli/oes.ts', import.meta.url))
/** Desks whose orders are canceled, and desks that trade on. */
const RESTING_DESKS = 4
const TRADING_DESKS = 4
const TRADERS_PER_DESK = 250
const WORKING_ORDERS = 100_000
const CONNECTIONS = 8
const IN_FLIGHT = 64
/** Part of the maximum rate at which the others trade. */
const RATE_PART = 0.1
/** The baseline is measured for so many times the length of a bulk cancel. */
const BASELINE_SPANS = 3
const SECONDS_BOUND = 5
/** The p99 of the others during the bulk cancel, by that before it. */
const P99_BOUND = 2

export const cancel: Scenario = {
  name: 'cancel',
  about: 'a bulk cancel by the utility: how long it takes, and what accounts notice that trade on meanwhile',
  threads: shards => shards + 5,
  run,
}

/** What the utility says at its end. */
interface Summary {
  readonly matched: number
  readonly canceled: number
  readonly done: number
  readonly open: number
}

interface Round {
  readonly utilityMs: number
  readonly before: PhaseResult
  readonly during: PhaseResult
}

async function run(options: ScenarioOptions): Promise<ScenarioResult> {
  const { quick, say } = options
  const working = quick ? 500 : WORKING_ORDERS
  const roundCount = options.rounds ?? (quick ? 1 : 5)
  const warmUpMs = quick ? 50 : 1_000
  const tradersPerDesk = quick ? 5 : TRADERS_PER_DESK
  const server = await BenchServer.start({ desks: RESTING_DESKS + TRADING_DESKS, tradersPerDesk, quick })
  const store = new StoreWatch(server.storeFile)
  const loads: LoadClient[] = []
  const loadOf = async (desks: number[]) => {
    const connections = desks.map(deskConnection)
    const load = await LoadClient.start({ host: '127.0.0.1', port: server.port, connections, tickers: benchTickers })
    loads.push(load)
    return load
  }
  let client: OesClient | undefined
  try {
    const resting = await loadOf(Array.from({ length: RESTING_DESKS }, (_, index) => index))
    const trading = await loadOf(Array.from({ length: TRADING_DESKS }, (_, index) => RESTING_DESKS + index))
    client = await connect({ port: server.port, ...administrator })
    await wakeUp(trading, quick)
    const closed = { inFlight: IN_FLIGHT, warmUpMs: 0, measureMs: 0 }
    /** Orders for the utility; whoever they belong to hears of their ends later, and counts them. */
    const fill = () => resting.run({ ...closed, pattern: OrderPattern.Resting, orders: working, isHalted: true })
    const atRest = async () => {
      const { reports } = await resting.check()
      await store.caughtUp(reports + (await trading.check()).reports)
      await server.rested()
    }
    const most = await trading.run({
      pattern: OrderPattern.Marketable,
      inFlight: IN_FLIGHT,
      warmUpMs,
      measureMs: quick ? 200 : 3_000,
    })
    const rate = Math.max(100, most.ordersPerSecond * RATE_PART)

    // The first one shows how long it takes: what is measured afterwards is that span, and nothing of the quiet behind it.
    await fill()
    let { utilityMs: spanMs } = await cancelAll(server.port, working)
    await proven(client, resting)
    say(
      `maximum ${figure(most.ordersPerSecond)} orders/s, the others trade at ${figure(rate)}; alone ${seconds(spanMs)} s`,
    )

    const rounds: Round[] = []
    for (let number = 1; number <= roundCount; number++) {
      await fill()
      await atRest()
      const open = { pattern: OrderPattern.Marketable, rate, warmUpMs }
      const before = await trading.run({ ...open, measureMs: BASELINE_SPANS * spanMs })
      const running = trading.run({ ...open, measureMs: spanMs })
      await pause(warmUpMs)
      const { utilityMs } = await cancelAll(server.port, working)
      const during = await running
      await proven(client, resting)
      rounds.push({ utilityMs, before, during })
      say(
        `round ${number}: ${seconds(utilityMs)} s; the others' p99 ${before.done.p99} µs before, ${during.done.p99} µs meanwhile`,
      )
      spanMs = median(rounds.map(round => round.utilityMs))
    }
    await fill()
    const left = await killedAndRunAgain(server.port, client, working, spanMs)
    await proven(client, resting)
    await atRest()
    return resultOf(rounds, { working, accounts: resting.accounts, rate, left })
  } finally {
    client?.close()
    for (const load of loads) await load.close()
    store.close()
    await server.remove()
  }
}

/** Nothing is open any more, and everybody has heard of every end once. */
async function proven(client: OesClient, resting: LoadClient): Promise<void> {
  const counted = await client.massCancel({ of: 'everybody' }, { mode: 'count' })
  if (counted.outcome !== 'done' || counted.result.matched !== 0) {
    throw new Error(`orders are open behind the bulk cancel: ${JSON.stringify(counted)}`)
  }
  await resting.check()
}

/** Runs the utility. @throws where it does not say that exactly `working` orders were canceled */
async function cancelAll(port: number, working: number): Promise<{ utilityMs: number }> {
  const beganMs = performance.now()
  const { matched, canceled, done, open } = await endOf(utility(port))
  const utilityMs = performance.now() - beganMs
  if (matched !== working || canceled !== working || done !== 0 || open !== 0) {
    throw new Error(`${canceled} of ${matched} orders were canceled where ${working} worked`)
  }
  return { utilityMs }
}

/** @returns how many orders were left when the utility was killed; another run has canceled them */
async function killedAndRunAgain(port: number, client: OesClient, working: number, spanMs: number): Promise<number> {
  const first = utility(port)
  const ended = new Promise(resolve => first.once('exit', resolve))
  const count = async () => {
    const counted = await client.massCancel({ of: 'everybody' }, { mode: 'count' })
    if (counted.outcome !== 'done') throw new Error(`orders could not be counted: ${JSON.stringify(counted)}`)
    return counted.result.matched
  }
  const giveUpMs = performance.now() + 60_000 + 10 * spanMs
  while (first.exitCode === null && (await count()) > (3 * working) / 4) {
    if (performance.now() > giveUpMs) throw new Error('the utility does not begin')
  }
  first.kill('SIGKILL')
  await ended
  // What it had asked for goes on without it; nothing more is asked for.
  let left = await count()
  for (let before = -1; before !== left; left = await count()) {
    before = left
    await pause(100)
  }
  const { matched, canceled, open } = await endOf(utility(port))
  if (matched !== left || canceled !== left || open !== 0) {
    throw new Error(`${left} orders were left by a killed utility, the next canceled ${canceled} of ${matched}`)
  }
  return left
}

/** The utility, as an operator starts it. */
function utility(port: number): ChildProcess {
  const { username, password } = administrator
  const words = ['cancel-all', '--scope', '*', '--connections', String(CONNECTIONS), '--json']
  const child = spawn(process.execPath, [ENTRY, ...words, '--server', `127.0.0.1:${port}`], {
    env: { ...process.env, OES_USERNAME: username, OES_PASSWORD: password },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  ownProcess(child)
  return child
}

async function endOf(child: ChildProcess): Promise<Summary> {
  let said = ''
  child.stdout!.setEncoding('utf8').on('data', (text: string) => {
    said += text
  })
  const status = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  })
  if (status !== 0) throw new Error(`the utility ended with ${status}: ${said}`)
  return JSON.parse(said) as Summary // its own summary
}

function resultOf(
  rounds: readonly Round[],
  { working, accounts, rate, left }: { working: number; accounts: number; rate: number; left: number },
): ScenarioResult {
  const utilityMs = rounds.map(round => round.utilityMs)
  const ratios = rounds.map(({ before, during }) => during.done.p99 / before.done.p99)
  const last = rounds.at(-1)!
  const row = (what: string, { done, ordersPerSecond }: PhaseResult) => [
    what,
    figure(ordersPerSecond),
    ...latencyCells(done),
  ]
  return {
    tables: [
      {
        title: `The others at ${figure(rate)} orders/s, from due to last report; median ratio of the p99 ${figure(median(ratios))}`,
        columns: ['', 'per second', ...LATENCY_COLUMNS],
        rows: [row('before', last.before), row('during a bulk cancel', last.during)],
      },
      {
        title: `${figure(working)} orders of ${figure(accounts)} accounts, ${CONNECTIONS} connections: from the start of the utility to its end`,
        columns: ['', 'median', 'most'],
        rows: [['s', seconds(median(utilityMs)), seconds(Math.max(...utilityMs))]],
      },
    ],
    notes: [
      `the p99 of the others by rounds: ${rounds.map(({ before, during }) => `${milliseconds(before.done.p99)} → ${milliseconds(during.done.p99)} ms`).join(', ')}`,
      `killed in the middle it left ${figure(left)} orders, which the next run canceled`,
      'every order canceled once, confirmed to the utility, heard of by its own client; sequences without gap or repetition',
    ],
    figures: { rounds, working, rate, left },
    targets: [
      atMost('bulk cancel, slowest', Math.max(...utilityMs) / 1_000, 's', SECONDS_BOUND),
      atMost('bulk cancel, p99 of the others', median(ratios), '× before', P99_BOUND),
    ],
  }
}

function seconds(ms: number): string {
  return (ms / 1_000).toFixed(2)
}
