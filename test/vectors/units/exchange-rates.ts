// Model `exchange_rate_table`: rates given, found and applied.

import { formatDecimal, parseDecimal } from '../../../src/domain/decimal.ts'
import { definitionsData, definitionsFromData } from '../../../src/domain/definitions.ts'
import { ExchangeRateTable, formatFraction, parseFraction } from '../../../src/domain/exchange-rates.ts'
import { stepDifferences } from '../compare.ts'
import type { VectorUnit } from '../unit.ts'

interface RateStep {
  op: string
  pair: string
  rate: string
  value: string
}

const definitions = definitionsFromData(definitionsData)

const exchangeRateTableUnit: VectorUnit = {
  name: 'exchange_rate_table',
  run(vector) {
    const table = new ExchangeRateTable()
    const rates = (vector.setup?.rates ?? []) as { pair: string; rate: string }[]
    for (const { pair, rate } of rates) add(table, pair, rate)
    return stepDifferences(
      vector,
      (vector.steps as unknown as RateStep[]).map(step => result(table, step)),
    )
  },
}

export const units: VectorUnit[] = [exchangeRateTableUnit]

function result(table: ExchangeRateTable, step: RateStep): unknown {
  switch (step.op) {
    case 'add':
      add(table, step.pair, step.rate)
      return null
    case 'find': {
      const fraction = table.find(...currencies(step.pair))
      return fraction === undefined ? null : formatFraction(fraction)
    }
    case 'convert': {
      const amount = parseDecimal(step.value)
      if (amount === undefined) return { error: 'INVALID_NUMBER' }
      const converted = table.convert(amount, ...currencies(step.pair))
      return converted === undefined ? { error: 'CURRENCY_PAIR_NOT_FOUND' } : formatDecimal(converted)
    }
    default:
      throw new Error(`there is no step ${step.op}`)
  }
}

function add(table: ExchangeRateTable, pair: string, rate: string): void {
  const fraction = parseFraction(rate)
  if (fraction === undefined) throw new Error(`${rate} is not a rate`)
  table.add(...currencies(pair), fraction)
}

/** Ids of the two currencies; one that nobody defined is named by a number made of its letters, beyond all ids. */
function currencies(pair: string): [base: number, counter: number] {
  const [base, counter] = pair
    .split('/')
    .map(code => definitions.currencyByCode(code)?.id ?? parseInt(code, 36) + 65_536)
  return [base!, counter!]
}
