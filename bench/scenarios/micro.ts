// The pieces an order's way is made of, each alone on one thread: codec, ring, checks, bookkeeping, journal append.

import { accountCases } from '../micro/account-cases.ts'
import { codecCases } from '../micro/codec-cases.ts'
import { journalCases } from '../micro/journal-cases.ts'
import { ringCases } from '../micro/ring-cases.ts'
import { type MicroResult, timed } from '../micro/suite.ts'
import { figure, type Scenario, type ScenarioOptions, type ScenarioResult } from '../scenario.ts'
import { makeFolder, removeFolder } from '../server/server-process.ts'

/** A journal that is not synced grows by a gigabyte in a second. */
const JOURNAL_SECONDS_MAX = 0.5

export const micro: Scenario = {
  name: 'micro',
  about: 'codec, ring, checks, bookkeeping and journal append, each alone',
  threads: () => 1,
  run,
}

async function run({ quick, seconds = quick ? 0.01 : 2, say }: ScenarioOptions): Promise<ScenarioResult> {
  const results: MicroResult[] = []
  const add = (result: MicroResult) => {
    results.push(result)
    say(`${result.name}: ${figure(result.perSecond)}/s`)
  }
  for (const each of [...codecCases(), ...ringCases(), ...accountCases()]) add(timed(each, seconds))
  const directory = makeFolder()
  try {
    for (const make of journalCases(directory)) {
      const each = make()
      try {
        add(timed(each, Math.min(seconds, JOURNAL_SECONDS_MAX)))
      } finally {
        each.end()
      }
    }
  } finally {
    removeFolder(directory)
  }
  return {
    tables: [
      {
        title: 'Alone on one thread',
        columns: ['', 'per second', 'ns each', '± %', 'samples'],
        rows: results.map(({ name, perSecond, nanoseconds, error, samples }) => [
          name,
          figure(perSecond),
          figure(nanoseconds),
          error.toFixed(1),
          String(samples),
        ]),
      },
    ],
    notes: [
      'each piece proved its result before and after it was timed',
      'journals make their segments themselves here; in a server the writer thread has the next one ready',
    ],
    figures: { results },
    targets: [],
  }
}
