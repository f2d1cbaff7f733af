// What compliance rules cost an order: with none, 1, 10 and 100 of them over its account, and with 10 of them while few
// or very many orders are open. Told as time per order with the server kept busy, and as processor time of the server.
// And what they cost the orders of others: nothing, where they count the accounts of several shards together.

import { parseRule } from '../../src/compliance/rule-text.ts'
import { RuleState } from '../../src/compliance/schema.ts'
import { definitionsData, definitionsFromData } from '../../src/domain/definitions.ts'
import { ComplianceClient } from '../../src/services/compliance/client.ts'
import { LocatorClient } from '../../src/services/locator/client.ts'
import { freePort } from '../../test/stores/mysql/mariadb-server.ts'
import type { LoadClient } from '../load/load-client.ts'
import { OrderPattern } from '../load/load-plan.ts'
import {
  atLeast,
  atMost,
  figure,
  median,
  milliseconds,
  type Scenario,
  type ScenarioOptions,
  type ScenarioResult,
} from '../scenario.ts'
import { administrator, deskConnection } from '../server/bench-world.ts'
import { BenchServer } from '../server/server-process.ts'
import { measurePairs, type Pair, shareOf } from './pooled-neighbours.ts'
import { wakeUp } from './wake-up.ts'

const IN_FLIGHT = 256
/** From ten open orders to a hundred thousand, under the same rules. */
const BOUND = 1.5
/** Of the throughput of accounts beside others that have pooled rules. */
const SHARE = 0.95
/** What a desk of direct market access might have; none of them ever refuses here. */
const RULES = [
  'order_count_limit count=10000000',
  'maximum_order_quantity quantity=1000000',
  'maximum_order_value value=100000000 currency=CAD',
  'price_collar limit=900',
  'maximum_position quantity=1000000000',
  'maximum_gross_exposure value=4000000000 currency=CAD',
  'per_account / buying_power buying_power=4000000000 currency=CAD',
  'scope_filter scope=CA / per_ticker / order_count_limit_per_side count=10000000',
  'restricted_tickers scope=AU',
  'per_ticker / opposing_submission timeout=0',
]

export const compliance: Scenario = {
  name: 'compliance',
  about:
    'cost per order by compliance rules over its account, by open orders under ten of them, and beside pooled ones; journal alone',
  threads: shards => shards + 3,
  run,
}

interface Contender {
  readonly rules: number
  readonly openOrders: number
  readonly server: BenchServer
  readonly load: LoadClient
  readonly timeUs: number[]
  readonly processorUs: number[]
}

async function run(options: ScenarioOptions): Promise<ScenarioResult> {
  const { quick, say } = options
  const measureMs = (options.seconds ?? (quick ? 0.2 : 4)) * 1_000
  const rounds = options.rounds ?? (quick ? 1 : 5)
  const byRules: Contender[] = []
  const byDepth: Contender[] = []
  try {
    for (const rules of quick ? [0, 10] : [0, 1, 10, 100]) {
      byRules.push(await contender(rules, 0, quick))
      say(`${rules} rules are over the account`)
    }
    for (const openOrders of quick ? [10, 500] : [10, 1_000, 100_000]) {
      byDepth.push(await contender(RULES.length, openOrders, quick))
      say(`${figure(openOrders)} orders are open under ${RULES.length} rules`)
    }
    for (let round = 0; round < rounds; round++) {
      for (const contender of [...byRules, ...byDepth]) await measure(contender, measureMs)
    }
    for (const { load } of [...byRules, ...byDepth]) await load.check()
  } finally {
    for (const { load, server } of [...byRules, ...byDepth]) {
      await load.close()
      await server.remove()
    }
  }
  // By itself, so that nobody else wants the processors.
  const pairs = await measurePairs(options, measureMs, quick ? rounds : rounds * 2)
  return resultOf(byRules, byDepth, pairs, quick)
}

async function contender(rules: number, openOrders: number, quick: boolean): Promise<Contender> {
  const platformPort = await freePort()
  const server = await BenchServer.start({
    copiesToStore: false,
    shards: 1,
    desks: 1,
    tradersPerDesk: 1,
    platformPort,
    quick,
  })
  await storeRules(platformPort, rules)
  const load = await server.load()
  await wakeUp(load, quick)
  const base = { inFlight: IN_FLIGHT, tickers: 1, warmUpMs: 0, measureMs: 0 }
  if (openOrders > 0) await load.run({ ...base, pattern: OrderPattern.Resting, orders: openOrders })
  await load.run({ ...base, pattern: OrderPattern.Marketable, orders: quick ? 1_000 : 200_000 })
  return { rules, openOrders, server, load, timeUs: [], processorUs: [] }
}

/** So many rules over the desk; its group is asked for as an operator would. */
async function storeRules(platformPort: number, count: number): Promise<void> {
  const addresses = [{ host: '127.0.0.1', port: platformPort }]
  const { username: name, password } = administrator
  const definitions = definitionsFromData(definitionsData)
  const locator = await LocatorClient.open({ addresses, name, password })
  const client = await ComplianceClient.open(locator)
  try {
    const desk = await locator.loadEntryAt(`trading_groups/${deskConnection(0).desk}`)
    for (let number = 0; number < count; number++) {
      const words = RULES[number % RULES.length]!.split(' ')
      await client.addRule(desk.id, RuleState.Active, parseRule(words, definitions))
    }
  } finally {
    client.close()
    locator.close()
  }
}

async function measure({ server, load, timeUs, processorUs }: Contender, measureMs: number): Promise<void> {
  await server.rested()
  const before = server.processSeconds()
  const pattern = OrderPattern.Marketable
  const result = await load.run({ pattern, inFlight: IN_FLIGHT, tickers: 1, warmUpMs: 0, measureMs })
  processorUs.push(((server.processSeconds() - before) * 1e6) / result.ordersTotal)
  timeUs.push(1e6 / result.ordersPerSecond)
}

function resultOf(
  byRules: readonly Contender[],
  byDepth: readonly Contender[],
  pairs: readonly Pair[],
  quick: boolean,
): ScenarioResult {
  const row = (name: string, { timeUs, processorUs }: Contender, first: Contender) => [
    name,
    median(timeUs).toFixed(2),
    (median(timeUs) / median(first.timeUs)).toFixed(2),
    median(processorUs).toFixed(2),
    (median(processorUs) / median(first.processorUs)).toFixed(2),
  ]
  const columns = ['time per order µs', '× first', 'processor per order µs', '× first']
  const [few, many] = [byDepth[0]!, byDepth.at(-1)!]
  const figures = ({ rules, openOrders, timeUs, processorUs }: Contender) => ({
    rules,
    openOrders,
    timeUs,
    processorUs,
  })
  return {
    tables: [
      {
        title: `One connection × ${IN_FLIGHT} in flight; medians of ${byRules[0]!.timeUs.length} rounds`,
        columns: ['rules', ...columns],
        rows: byRules.map(each => row(String(each.rules), each, byRules[0]!)),
      },
      {
        title: `Under ${RULES.length} rules`,
        columns: ['open orders', ...columns],
        rows: byDepth.map(each => row(figure(each.openOrders), each, few)),
      },
      {
        title: `A desk beside one with rules that pool its accounts over two shards; ${pairs.length} pairs`,
        columns: ['pair', 'orders/s without', 'orders/s with', 'share', 'its neighbour p50 without ms', 'p50 with ms'],
        rows: pairs.map((pair, index) => [
          String(index + 1),
          figure(pair.without.first.ordersPerSecond),
          figure(pair.with.first.ordersPerSecond),
          shareOf(pair).toFixed(3),
          milliseconds(pair.without.second.done.p50),
          milliseconds(pair.with.second.done.p50),
        ]),
      },
    ],
    notes: [
      `rules on the directory of the desk: ${RULES.map(words => words.split(' ')[0]).join(', ')}; a hundred are ten times these`,
      "sequences without gap or repetition; positions and open orders of all accounts as the load's own books",
    ],
    figures: {
      byRules: byRules.map(figures),
      byDepth: byDepth.map(figures),
      besidePooled: pairs.map(pair => ({
        without: pair.without.first.ordersPerSecond,
        with: pair.with.first.ordersPerSecond,
      })),
    },
    // The smallest sizes say nothing about the growth.
    targets: quick
      ? []
      : [
          atMost('rules, time by open orders', median(many.timeUs) / median(few.timeUs), '× few', BOUND),
          atMost('rules, processor by open orders', median(many.processorUs) / median(few.processorUs), '× few', BOUND),
          atLeast('rules, throughput beside pooled ones', median(pairs.map(shareOf)), '× without', SHARE),
        ],
  }
}
