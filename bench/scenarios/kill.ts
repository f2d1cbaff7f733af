// The kill switch under full load: how long after the request the last new order is heard of, and the last cancel of the
// orders that worked. Both are measured at the clients, from the moment in which the administrator's request is sent.

import { connect } from '../../src/client/index.ts'
import { OrderPattern } from '../load/load-plan.ts'
import { atMost, figure, median, type Scenario, type ScenarioOptions, type ScenarioResult } from '../scenario.ts'
import { administrator } from '../server/bench-world.ts'
import { BenchServer } from '../server/server-process.ts'
import { wakeUp } from './wake-up.ts'

const CONNECTIONS = 4
const IN_FLIGHT = 64
const WORKING_ORDERS = 100_000
/** From the request to the last new order, and to the last cancel, in ms. */
const LAST_NEW_BOUND_MS = 100
const LAST_CANCEL_BOUND_MS = 1_000

export const kill: Scenario = {
  name: 'kill',
  about: 'the kill switch under full load: the last order accepted after it, and the last working one canceled',
  threads: shards => shards + 3,
  run,
}

interface Round {
  readonly lastNewMs: number
  readonly lastCanceledMs: number
  readonly answeredMs: number
  readonly ordersPerSecond: number
}

async function run(options: ScenarioOptions): Promise<ScenarioResult> {
  const { quick, say } = options
  const working = quick ? 500 : WORKING_ORDERS
  const measureMs = quick ? 300 : 3_000
  const roundCount = options.rounds ?? (quick ? 1 : 5)
  const server = await BenchServer.start({ desks: CONNECTIONS, quick })
  const load = await server.load()
  const control = await connect({ port: server.port, ...administrator })
  try {
    await wakeUp(load, quick)
    const closed = { inFlight: IN_FLIGHT, warmUpMs: 0, measureMs: 0 }
    const rounds: Round[] = []
    for (let number = 1; number <= roundCount; number++) {
      await load.run({ ...closed, pattern: OrderPattern.Resting, orders: working })
      const running = load.run({ ...closed, pattern: OrderPattern.Marketable, measureMs, isHalted: true })
      await new Promise(resolve => setTimeout(resolve, measureMs / 3))
      const thrownMs = performance.timeOrigin + performance.now()
      const canceled = await control.halt('everybody', { text: `round ${number}`, deadlineMs: 30_000 })
      const answeredMs = performance.timeOrigin + performance.now() - thrownMs
      const { halted, ordersPerSecond } = await running
      await load.check()
      if (canceled !== working || halted.canceled !== working) {
        throw new Error(`${canceled} orders were canceled, clients heard of ${halted.canceled}, and ${working} worked`)
      }
      if (halted.rejected === 0) throw new Error('no order came after the halt')
      await control.lift('everybody')
      const lastNewMs = Math.max(0, halted.lastNewMs - thrownMs)
      const lastCanceledMs = halted.lastCanceledMs - thrownMs
      rounds.push({ lastNewMs, lastCanceledMs, answeredMs, ordersPerSecond })
      say(
        `round ${number}: last new order after ${lastNewMs.toFixed(1)} ms, last cancel after ${lastCanceledMs.toFixed(0)} ms`,
      )
    }
    return resultOf(rounds, working)
  } finally {
    control.close()
    await load.close()
    await server.remove()
  }
}

function resultOf(rounds: readonly Round[], working: number): ScenarioResult {
  const most = (of: (round: Round) => number) => Math.max(...rounds.map(of))
  const middle = (of: (round: Round) => number) => median(rounds.map(of)).toFixed(1)
  const row = (what: string, of: (round: Round) => number) => [what, middle(of), most(of).toFixed(1)]
  return {
    tables: [
      {
        title: `${figure(working)} working orders, ${CONNECTIONS} connections × ${IN_FLIGHT} in flight; ms from the request`,
        columns: ['', 'median', 'most'],
        rows: [
          row('last new order heard of by a client', ({ lastNewMs }) => lastNewMs),
          row('last cancel heard of by a client', ({ lastCanceledMs }) => lastCanceledMs),
          row('the request answered', ({ answeredMs }) => answeredMs),
        ],
      },
    ],
    notes: [
      `${figure(median(rounds.map(({ ordersPerSecond }) => ordersPerSecond)))} orders/s were judged, most of them rejected`,
      'every working order canceled once, no other; sequences without gap or repetition; open orders as the load’s own books',
    ],
    figures: { rounds, working },
    targets: [
      atMost(
        'kill switch, last new order',
        most(({ lastNewMs }) => lastNewMs),
        'ms',
        LAST_NEW_BOUND_MS,
      ),
      atMost(
        'kill switch, last cancel',
        most(({ lastCanceledMs }) => lastCanceledMs),
        'ms',
        LAST_CANCEL_BOUND_MS,
      ),
    ],
  }
}
