// Compares what a vector expects with what came out. An object is compared by the expected keys only, so that a part may
// tell more than a vector asks; a list has exactly the expected length and order. Each difference is one line that
// names the place, what was expected and what was found.

import type { Vector } from './unit.ts'

/** All differences between `expected` and `actual`; an empty list where everything expected is there. */
export function differences(expected: unknown, actual: unknown, path = 'expect'): string[] {
  if (Array.isArray(expected)) {
    if (!Array.isArray(actual)) return [difference(path, expected, actual)]
    const found = expected.flatMap((value, index) =>
      index < actual.length
        ? differences(value, actual[index], `${path}[${index}]`)
        : [`${path}[${index}]: expected ${text(value)}, the list ends before it`],
    )
    for (let index = expected.length; index < actual.length; index++) {
      found.push(`${path}[${index}]: ${text(actual[index])} is one too many`)
    }
    return found
  }
  if (isObject(expected)) {
    if (!isObject(actual)) return [difference(path, expected, actual)]
    return Object.entries(expected).flatMap(([key, value]) => differences(value, actual[key], `${path}.${key}`))
  }
  return Object.is(expected, actual) ? [] : [difference(path, expected, actual)]
}

/**
 * Differences of a vector that expects one result per step and a state at the end: `null` for a step or for the end
 * means that there is nothing to compare.
 */
export function stepDifferences(vector: Vector, results: readonly unknown[], final?: unknown): string[] {
  const expect = isObject(vector.expect) ? vector.expect : {}
  const steps = Array.isArray(expect.steps) ? expect.steps : []
  if (steps.length !== vector.steps.length) {
    return [`expect.steps: ${steps.length} results for ${vector.steps.length} steps`]
  }
  const found = steps.flatMap((value, index) => {
    const { op } = vector.steps[index]!
    return value === null ? [] : differences(value, results[index], `expect.steps[${index}] (${String(op)})`)
  })
  if (expect.final !== null && expect.final !== undefined) {
    found.push(...differences(expect.final, final, 'expect.final'))
  }
  return found
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function difference(path: string, expected: unknown, actual: unknown): string {
  return `${path}: expected ${text(expected)}, found ${text(actual)}`
}

function text(value: unknown): string {
  return JSON.stringify(value) ?? String(value)
}
