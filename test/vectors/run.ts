// Runs test vectors: `npm run vectors -- DIR …`, by default the copies beside this file. Finds every *.json below the
// directories, gives each to the unit it names, prints each failure as readable differences, lists the units nobody
// knows, and ends with `N passed, N failed, N skipped`. Exit status 1 after a failure, 2 where there was nothing to run.

import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { unitName, type Vector, type VectorUnit } from './unit.ts'

const HERE = dirname(fileURLToPath(import.meta.url))

/** What came of one run. */
export interface VectorOutcome {
  passed: number
  failed: number
  skipped: number
  /** Names of units that no module offers, with the number of vectors that ask for them. */
  readonly unknownUnits: Map<string, number>
}

/** All units of all modules in `units/`, by name. */
export async function discoverUnits(directory = join(HERE, 'units')): Promise<Map<string, VectorUnit>> {
  const units = new Map<string, VectorUnit>()
  for (const name of readdirSync(directory).sort()) {
    if (!name.endsWith('.ts')) continue
    const module = (await import(pathToFileURL(join(directory, name)).href)) as { units?: readonly VectorUnit[] }
    for (const unit of module.units ?? []) {
      if (units.has(unit.name)) throw new Error(`${name} offers the unit ${unit.name}, which another module offers too`)
      units.set(unit.name, unit)
    }
  }
  return units
}

/** Paths of all vectors below `directory`, in the order of their names. */
export function vectorFiles(directory: string): string[] {
  return readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .filter(name => name.endsWith('.json'))
    .sort()
    .map(name => join(directory, name))
}

/** Runs the vectors of `files` one after the other and tells each failure, and the outcome, to `print`. */
export async function runVectors(
  files: readonly string[],
  units: ReadonlyMap<string, VectorUnit>,
  print: (line: string) => void,
): Promise<VectorOutcome> {
  const outcome: VectorOutcome = { passed: 0, failed: 0, skipped: 0, unknownUnits: new Map() }
  for (const file of files) {
    const found = await runFile(file, units, outcome.unknownUnits)
    if (found === undefined) {
      outcome.skipped++
    } else if (found.length === 0) {
      outcome.passed++
    } else {
      outcome.failed++
      print(`FAILED ${file}`)
      for (const line of found) print(`  ${line}`)
    }
  }
  for (const [name, count] of [...outcome.unknownUnits].sort(([a], [b]) => (a < b ? -1 : 1))) {
    print(`unknown unit ${name}: ${count} skipped`)
  }
  print(`${outcome.passed} passed, ${outcome.failed} failed, ${outcome.skipped} skipped`)
  return outcome
}

/** Differences of the vector in `file`; undefined where nobody knows its unit. */
async function runFile(
  file: string,
  units: ReadonlyMap<string, VectorUnit>,
  unknownUnits: Map<string, number>,
): Promise<string[] | undefined> {
  try {
    const vector: unknown = JSON.parse(readFileSync(file, 'utf8'))
    if (!isVector(vector)) return ['is not a vector: it needs a name, a unit or model, and a list of steps']
    const name = unitName(vector)
    const unit = units.get(name)
    if (unit === undefined) {
      unknownUnits.set(name, (unknownUnits.get(name) ?? 0) + 1)
      return undefined
    }
    return await unit.run(vector)
  } catch (error) {
    // A scenario that cannot be read or that breaks the part under test is a failure of its own, not the end of the run.
    return [error instanceof Error ? (error.stack ?? error.message) : String(error)]
  }
}

function isVector(value: unknown): value is Vector {
  if (typeof value !== 'object' || value === null) return false
  const { name, unit, model, steps } = value as Record<string, unknown>
  const isNamed = typeof name === 'string' && typeof (unit ?? model) === 'string'
  return isNamed && Array.isArray(steps) && steps.every(step => typeof step === 'object' && step !== null)
}

async function main(directories: readonly string[]): Promise<number> {
  const files: string[] = []
  for (const directory of directories) {
    try {
      files.push(...vectorFiles(directory))
    } catch (error) {
      console.error(`${directory} cannot be read: ${(error as Error).message}`)
      return 2
    }
  }
  if (files.length === 0) {
    console.error(`There are no vectors (*.json) below ${directories.join(', ')}.`)
    return 2
  }
  const { failed } = await runVectors(files, await discoverUnits(), line => console.log(line))
  return failed === 0 ? 0 : 1
}

if (import.meta.main) {
  const directories = process.argv.slice(2)
  process.exitCode = await main(directories.length === 0 ? [HERE] : directories)
}
