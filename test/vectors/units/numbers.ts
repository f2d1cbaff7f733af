// Model `numbers`: parsing, display, rounding and the arithmetic of amounts.

import {
  ceilTo,
  divide,
  floorTo,
  formatDecimal,
  formatMoney,
  formatQuantity,
  modulus,
  parseDecimal,
  roundTo,
  truncateTo,
} from '../../../src/domain/decimal.ts'
import { multiply } from '../../../src/domain/money.ts'
import { stepDifferences } from '../compare.ts'
import type { VectorUnit } from '../unit.ts'

interface NumbersStep {
  op: string
  text: string
  mode: string
  value: string
  multiple?: string
  a: string
  b: string
}

const modes: Record<string, (value: number, multiple: number) => number> = {
  floor: floorTo,
  ceil: ceilTo,
  round: roundTo,
  truncate: truncateTo,
}

const numbersUnit: VectorUnit = {
  name: 'numbers',
  run(vector) {
    return stepDifferences(vector, (vector.steps as unknown as NumbersStep[]).map(result))
  },
}

export const units: VectorUnit[] = [numbersUnit]

function result(step: NumbersStep): unknown {
  switch (step.op) {
    case 'parse': {
      const micros = parseDecimal(step.text)
      return micros === undefined ? { error: 'INVALID_NUMBER' } : formatDecimal(micros)
    }
    case 'format_money':
      return formatMoney(amount(step.value))
    case 'format_quantity':
      return formatQuantity(amount(step.value))
    case 'round': {
      const round = modes[step.mode]
      if (round === undefined) throw new Error(`there is no mode ${step.mode}`)
      return formatDecimal(round(amount(step.value), amount(step.multiple ?? '1')))
    }
    case 'multiply':
      return formatDecimal(multiply(amount(step.a), amount(step.b)))
    case 'divide':
      return formatDecimal(divide(amount(step.a), amount(step.b)))
    case 'modulus':
      return formatDecimal(modulus(amount(step.a), amount(step.b)))
    default:
      throw new Error(`there is no step ${step.op}`)
  }
}

function amount(text: string): number {
  const micros = parseDecimal(text)
  if (micros === undefined) throw new Error(`${text} is not a decimal number`)
  return micros
}
