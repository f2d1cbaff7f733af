// What pooled rules over some accounts cost the others: one server of two shards, two desks. Both trade all the time, the
// second a little; by turns, pair by pair and in the same process, the second desk has rules that pool its accounts and
// has none. What is compared is the throughput of the first desk.

import { setTimeout as pause } from 'node:timers/promises'
import { parseRule } from '../../src/compliance/rule-text.ts'
import { RuleState } from '../../src/compliance/schema.ts'
import { definitionsData, definitionsFromData } from '../../src/domain/definitions.ts'
import { ComplianceClient } from '../../src/services/compliance/client.ts'
import { LocatorClient } from '../../src/services/locator/client.ts'
import { freePort } from '../../test/stores/mysql/mariadb-server.ts'
import type { LoadClient } from '../load/load-client.ts'
import { OrderPattern, type PhaseResult } from '../load/load-plan.ts'
import type { ScenarioOptions } from '../scenario.ts'
import { administrator, deskConnection } from '../server/bench-world.ts'
import { BenchServer } from '../server/server-process.ts'
import { wakeUp } from './wake-up.ts'

const IN_FLIGHT = 256
/** Orders of the second desk: enough for every hundredth of a second to have one. */
const OTHERS_PER_SECOND = 100
const RULES = [
  'order_count_limit count=10000000',
  'buying_power buying_power=4000000000 currency=CAD',
  'per_ticker / maximum_position quantity=1000000000',
]
/** Open orders of the second desk. */
const OTHERS_OPEN = 1_000
/** Rules are in force within a second of being stored. */
const IN_FORCE_MS = 1_000

/** One pair: the first desk and the second, each without and with pooled rules over the second. */
export interface Pair {
  readonly without: { readonly first: PhaseResult; readonly second: PhaseResult }
  readonly with: { readonly first: PhaseResult; readonly second: PhaseResult }
}

export async function measurePairs(
  { quick, say }: ScenarioOptions,
  measureMs: number,
  pairs: number,
): Promise<readonly Pair[]> {
  const platformPort = await freePort()
  const server = await BenchServer.start({
    copiesToStore: false,
    shards: 2,
    desks: 2,
    tradersPerDesk: 4,
    platformPort,
    quick,
  })
  const loads: LoadClient[] = []
  try {
    const [first, second] = [await server.load(0, 1), await server.load(1, 1)]
    loads.push(first, second)
    await wakeUp(first, quick)
    await wakeUp(second, quick)
    const orders = quick ? OTHERS_OPEN / 20 : OTHERS_OPEN
    const filling = {
      pattern: OrderPattern.Resting,
      inFlight: IN_FLIGHT,
      tickers: 1,
      warmUpMs: 0,
      measureMs: 0,
      orders,
    }
    await second.run(filling)
    const measured: Pair[] = []
    for (let pair = 0; pair < pairs; pair++) {
      const results: Partial<Record<keyof Pair, Pair['with']>> = {}
      for (const which of pair % 2 === 0 ? (['without', 'with'] as const) : (['with', 'without'] as const)) {
        const remove = which === 'with' ? await storeRules(platformPort) : async () => undefined
        await pause(quick ? IN_FORCE_MS / 5 : IN_FORCE_MS)
        await server.rested()
        results[which] = await measure(first, second, quick ? measureMs / 2 : measureMs)
        await remove()
      }
      measured.push(results as Pair)
    }
    for (const load of loads) await load.check()
    say(`${pairs} pairs of measurements beside pooled rules are made`)
    return measured
  } finally {
    for (const load of loads) await load.close()
    await server.remove()
  }
}

/** Throughput of the first desk with the rules, as a share of that without. */
export function shareOf(pair: Pair): number {
  return pair.with.first.ordersPerSecond / pair.without.first.ordersPerSecond
}

async function measure(first: LoadClient, second: LoadClient, measureMs: number): Promise<Pair['with']> {
  const base = { pattern: OrderPattern.Marketable, tickers: 1, warmUpMs: measureMs / 4, measureMs }
  const [ofFirst, ofSecond] = await Promise.all([
    first.run({ ...base, inFlight: IN_FLIGHT }),
    second.run({ ...base, rate: OTHERS_PER_SECOND }),
  ])
  return { first: ofFirst, second: ofSecond }
}

/** @returns what takes them away again */
async function storeRules(platformPort: number): Promise<() => Promise<void>> {
  const addresses = [{ host: '127.0.0.1', port: platformPort }]
  const { username: name, password } = administrator
  const definitions = definitionsFromData(definitionsData)
  const locator = await LocatorClient.open({ addresses, name, password })
  const client = await ComplianceClient.open(locator)
  const desk = await locator.loadEntryAt(`trading_groups/${deskConnection(1).desk}`)
  const ids: number[] = []
  for (const words of RULES) {
    ids.push(await client.addRule(desk.id, RuleState.Active, parseRule(words.split(' '), definitions)))
  }
  return async () => {
    for (const id of ids) await client.deleteRule(id)
    client.close()
    locator.close()
  }
}
