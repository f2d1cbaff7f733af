import assert from 'node:assert/strict'
import fs from 'node:fs'
import { test } from 'node:test'
import { ConfigInvalid, defaultConfig, parseConfig } from '../../src/config/config.ts'
import { SCHEMA } from '../../src/config/schema.ts'
import { type Reading, type Setting, type Settings, section, text } from '../../src/config/setting.ts'
import { configTemplate } from '../../src/config/template.ts'
import { parseYaml } from '../../src/config/yaml-tree.ts'

interface Leaf {
  readonly path: readonly string[]
  readonly setting: Setting<unknown>
}

/** Every key that is no section, and the sections it lies in. */
function leaves(keys: Settings, path: readonly string[] = []): Leaf[] {
  return Object.entries(keys).flatMap(([name, setting]) =>
    'keys' in setting ? leaves(setting.keys as Settings, [...path, name]) : [{ path: [...path, name], setting }],
  )
}

/** A text that gives one key, the line it is on, and the column of its value. */
function giving(path: readonly string[], value: string) {
  const lines = path.map((name, depth) => `${'  '.repeat(depth)}${name}:`)
  return { text: `${lines.join('\n')} ${value}\n`, line: path.length, column: lines.at(-1)!.length + 2 }
}

/** Whether a value of the key is refused for itself, at its place; relations to other keys do not count. */
function isRefused(path: readonly string[], value: string): boolean {
  const { text, line, column } = giving(path, value)
  try {
    parseConfig(text, 'config.yml')
    return false
  } catch (error) {
    assert(error instanceof ConfigInvalid)
    const own = error.problems.filter(
      problem => problem.key === path.join('.') && problem.what.startsWith('must be a '),
    )
    for (const problem of own) assert.deepEqual(problem.place, { line, column })
    return own.length > 0
  }
}

test('every number is taken at its bounds and refused beyond them', () => {
  let count = 0
  for (const { path, setting } of leaves(SCHEMA.keys)) {
    const bounds = /from (\d+) to (\d+)/.exec(setting.allowed)
    if (bounds === null) continue
    count += 1
    const [min, max] = [Number(bounds[1]), Number(bounds[2])]
    const verdicts = [min, max, min - 1, max + 1].map(value => isRefused(path, String(value)))
    assert.deepEqual(verdicts, [false, false, true, true], path.join('.'))
    for (const wrong of [`${min}.5`, `"${min}"`, 'many', '[]', '{}']) {
      assert.equal(isRefused(path, wrong), true, `${path.join('.')}: ${wrong}`)
    }
  }
  assert.equal(count, 53)
})

test('every key refuses a value of the wrong shape at its exact place', () => {
  for (const { path, setting } of leaves(SCHEMA.keys)) {
    const wrong = setting.allowed.startsWith('a list') ? 'word' : '[word]'
    const { text, line, column } = giving(path, wrong)
    assert.throws(
      () => parseConfig(text, 'config.yml'),
      (error: unknown) =>
        error instanceof ConfigInvalid &&
        error.problems.some(
          ({ key, place, what }) =>
            key === path.join('.') &&
            place.line === line &&
            place.column === column &&
            what.startsWith(`must be ${setting.allowed}`),
        ),
      path.join('.'),
    )
  }
})

test('every key has a comment, and the default file is what the schema says', () => {
  for (const { path, setting } of leaves(SCHEMA.keys)) assert.notEqual(setting.comment, '', path.join('.'))
  assert.equal(fs.readFileSync('config.default.yml', 'utf8'), configTemplate())
  for (const line of configTemplate().split('\n')) assert(line.length <= 120, line)
})

test('the default file loads once its variables are replaced, and differs from the defaults in them only', () => {
  const variables: Record<string, string> = {
    local_interface: '10.0.0.5',
    global_interface: '203.0.113.5',
    service_locator_address: '10.0.0.5:20000',
    admin_password: '1234',
    mysql_address: '127.0.0.1:3306',
    mysql_username: 'spireadmin',
    mysql_password: '"#secret"',
    mysql_schema: 'spire',
  }
  const used = new Set<string>()
  const text = configTemplate().replaceAll(/\$([a-z_]+)/g, (_, name: string) => {
    used.add(name)
    assert(Object.hasOwn(variables, name), name)
    return variables[name]!
  })
  assert.deepEqual([...used].sort(), Object.keys(variables).sort())
  assert.deepEqual(parseConfig(text, 'config.yml'), {
    ...defaultConfig(),
    server: {
      service: 'order_execution_service',
      interface: { host: '10.0.0.5', port: 20700 },
      addresses: [
        { host: '203.0.113.5', port: 20700 },
        { host: '10.0.0.5', port: 20700 },
      ],
      allowed: [],
      tls: defaultConfig().server.tls,
    },
    serviceLocator: {
      address: { host: '10.0.0.5', port: 20000 },
      username: 'order_execution_service',
      password: '1234',
    },
    dataStore: [
      {
        address: { host: '127.0.0.1', port: 3306 },
        username: 'spireadmin',
        password: '#secret',
        schema: 'spire',
        tls: 'off',
        tlsCa: undefined,
        tlsCertificate: undefined,
        tlsKey: undefined,
        connectMs: 5_000,
        statementMs: 30_000,
      },
    ],
  })
})

test('a retired key names its successor', () => {
  const settings = section(
    '',
    { place: text({ comment: 'Where', what: 'a place', byDefault: 'here' }) },
    { location: 'place' },
  )
  const reading: Reading = { places: new Map(), problems: [] }
  assert.deepEqual(settings.read(parseYaml('location: there\n'), 'trip', reading), { place: 'here' })
  assert.deepEqual(reading.problems, [
    { place: { line: 1, column: 1 }, key: 'trip.location', what: 'is not used any more: write place instead' },
  ])
})
