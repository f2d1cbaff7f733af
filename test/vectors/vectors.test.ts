import { deepEqual, equal, fail, match, notDeepEqual, ok } from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { differences, stepDifferences } from './compare.ts'
import { discoverUnits, runVectors, vectorFiles } from './run.ts'
import { unitName, type Vector } from './unit.ts'

const HERE = dirname(fileURLToPath(import.meta.url))

/** Parts of the server that are still to be built; every other vector has to find its unit. */
const UNITS_TO_COME = ['portfolio', 'risk_state_model', 'risk_transition_model']

const units = await discoverUnits()
const files = vectorFiles(HERE)

for (const file of files) {
  const vector = JSON.parse(readFileSync(file, 'utf8')) as Vector
  const unit = units.get(unitName(vector))
  const title = `${unitName(vector)}: ${basename(file, '.json')}`
  if (unit === undefined) {
    const skip = UNITS_TO_COME.includes(unitName(vector)) ? 'its part is still to be built' : false
    test(`${title} comes out as expected`, { skip }, () => fail('no module runs this unit'))
    continue
  }
  test(`${title} comes out as expected`, async () => {
    deepEqual(await unit.run(vector), [])
  })
  test(`${title} fails with a wrong expectation`, async () => {
    const wrong = { ...vector, expect: structuredClone(vector.expect) }
    ok(spoil(wrong.expect), 'the vector expects something')
    // A unit may also stumble over an expectation that is not even well formed.
    const found = await Promise.resolve(wrong)
      .then(spoiled => unit.run(spoiled))
      .catch((error: Error) => [error.message])
    notDeepEqual(found, [])
  })
}

/** Changes the first value found inside `expected`; false where there is none. */
function spoil(expected: unknown): boolean {
  if (typeof expected !== 'object' || expected === null) return false
  const parts = expected as Record<string, unknown>
  for (const [key, value] of Object.entries(parts)) {
    if (spoil(value)) return true
    if (typeof value === 'boolean') parts[key] = !value
    else if (Array.isArray(value) && value.length === 0) value.push('one too many')
    else if (typeof value === 'number') parts[key] = value + 1
    else if (typeof value === 'string')
      parts[key] = /^[-\d.]+$/.test(value) ? `1${value.replace('-', '')}` : `${value}?`
    else continue
    return true
  }
  return false
}

test('an object is compared by its expected keys, a list by length and order', () => {
  deepEqual(differences({ a: 1, b: [1, { c: 'x' }] }, { a: 1, b: [1, { c: 'x', d: 2 }], e: 3 }), [])
  deepEqual(differences({ a: 1, b: { c: null } }, { a: '1', b: {} }), [
    'expect.a: expected 1, found "1"',
    'expect.b.c: expected null, found undefined',
  ])
  deepEqual(differences([1, 2], [2, 1]), ['expect[0]: expected 1, found 2', 'expect[1]: expected 2, found 1'])
  deepEqual(differences([1, 2], [1]), ['expect[1]: expected 2, the list ends before it'])
  deepEqual(differences([1], [1, 2]), ['expect[1]: 2 is one too many'])
  deepEqual(differences([], {}), ['expect: expected [], found {}'])
  deepEqual(differences({}, []), ['expect: expected {}, found []'])
  deepEqual(differences({ a: 1 }, null), ['expect: expected {"a":1}, found null'])
})

test('steps without an expected result, and no expected end, are not compared', () => {
  const vector = { name: 'v', steps: [{ op: 'a' }, { op: 'b' }], expect: { steps: [null, 1], final: null } }
  deepEqual(stepDifferences(vector, [5, 1], 6), [])
  deepEqual(stepDifferences(vector, [5, 2]), ['expect.steps[1] (b): expected 1, found 2'])
  deepEqual(stepDifferences({ ...vector, expect: { steps: [null, 1], final: { x: 1 } } }, [5, 1], {}), [
    'expect.final.x: expected 1, found undefined',
  ])
  deepEqual(stepDifferences({ ...vector, expect: { steps: [1] } }, [1, 1]), ['expect.steps: 1 results for 2 steps'])
})

test('the runner tells failures, unknown units and the sum, whatever the files hold', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'vectors-'))
  try {
    const write = (name: string, content: unknown): void =>
      writeFileSync(join(folder, name), typeof content === 'string' ? content : JSON.stringify(content))
    const steps = [{ op: 'parse', text: '1.0' }]
    write('1-good.json', { name: 'good', model: 'numbers', steps, expect: { steps: ['1'], final: null } })
    write('2-wrong.json', { name: 'wrong', model: 'numbers', steps, expect: { steps: ['2'], final: null } })
    write('3-unknown.json', { name: 'unknown', unit: 'weather', steps, expect: {} })
    write('4-step.json', { name: 'step', model: 'numbers', steps: [{ op: 'sing' }], expect: { steps: [1] } })
    write('5-shape.json', { name: 'shape', expect: {} })
    write('6-cut.json', '{"name": ')
    const lines: string[] = []
    await runVectors(vectorFiles(folder), units, line => lines.push(line.replace(folder, '')))
    deepEqual(
      lines.filter(line => !line.startsWith('  ')),
      [
        'FAILED /2-wrong.json',
        'FAILED /4-step.json',
        'FAILED /5-shape.json',
        'FAILED /6-cut.json',
        'unknown unit weather: 1 skipped',
        '1 passed, 4 failed, 1 skipped',
      ],
    )
    equal(lines[1], '  expect.steps[0] (parse): expected "2", found "1"')

    const failed = await runProcess(folder)
    equal(failed.status, 1)
    match(failed.output, /\n1 passed, 4 failed, 1 skipped\n$/)
    for (const name of ['2-wrong', '4-step', '5-shape', '6-cut']) rmSync(join(folder, `${name}.json`))
    deepEqual(await runProcess(folder), {
      status: 0,
      output: 'unknown unit weather: 1 skipped\n1 passed, 0 failed, 1 skipped\n',
    })
    for (const name of ['1-good', '3-unknown']) rmSync(join(folder, `${name}.json`))
    equal((await runProcess(folder)).status, 2)
    equal((await runProcess(join(folder, 'nowhere'))).status, 2)
  } finally {
    rmSync(folder, { recursive: true })
  }
})

/** Exit status and standard output of the runner as its own process. */
function runProcess(directory: string): Promise<{ status: number; output: string }> {
  return new Promise(resolve => {
    const child = execFile(process.execPath, [join(HERE, 'run.ts'), directory], (_error, output) => {
      resolve({ status: child.exitCode ?? -1, output })
    })
  })
}
