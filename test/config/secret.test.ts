import { deepEqual, doesNotMatch, equal, ok } from 'node:assert/strict'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { type TestContext, test } from 'node:test'
import { ConfigInvalid, loadConfig, parseConfig } from '../../src/config/config.ts'

const SECRET = 'geheimnis'

function scratch(t: TestContext): string {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'secret-'))
  t.after(() => fs.rmSync(folder, { recursive: true }))
  return folder
}

function withPassword(password: string): string {
  return `service_locator:\n  address: a:1\n  username: u\n  password: ${password}\n`
}

/** The password that a text comes to, and what was said about it. */
function read(text: string, file = 'config.yml') {
  const warnings: string[] = []
  try {
    const config = parseConfig(text, file, { onWarning: warning => warnings.push(warning) })
    return { password: config.serviceLocator?.password, warnings }
  } catch (error) {
    ok(error instanceof ConfigInvalid)
    return { problems: error.message.split('\n'), whole: JSON.stringify([error.message, error.stack, error.cause]) }
  }
}

test('a secret stands in the file, in the environment, or in a file of its own', t => {
  const folder = scratch(t)
  const file = path.join(folder, 'password')
  fs.writeFileSync(file, `${SECRET}: #x\n`, { mode: 0o600 })
  t.after(() => delete process.env.OES_TEST_SECRET)
  process.env.OES_TEST_SECRET = ` ${SECRET}`
  for (const [given, password] of [
    [`'${SECRET}'`, SECRET],
    ['0123', '0123'],
    ['{env: OES_TEST_SECRET}', ` ${SECRET}`],
    [`{file: ${file}}`, `${SECRET}: #x`],
  ] as const) {
    deepEqual(read(withPassword(given)), { password, warnings: [] }, given)
  }
})

test('a secret that is not where it should be is told with its place, and what is allowed', t => {
  const folder = scratch(t)
  const at = (name: string, text: string) => {
    fs.writeFileSync(path.join(folder, name), text, { mode: 0o600 })
    return path.join(folder, name)
  }
  t.after(() => delete process.env.OES_TEST_SECRET)
  process.env.OES_TEST_SECRET = ''
  const gone = path.join(folder, 'gone')
  const empty = at('empty', '\n')
  const two = at('two', `${SECRET}\n${SECRET}\n`)
  const allowed = 'must be a text, {env: NAME} or {file: PATH}'
  for (const [given, what] of [
    ['{env: OES_TEST_NOWHERE}', 'is to come from the environment, which has no OES_TEST_NOWHERE'],
    ['{env: OES_TEST_SECRET}', 'is to come from the environment, where OES_TEST_SECRET is empty'],
    [`{file: ${gone}}`, `is to come from the file ${gone}, which cannot be read: ENOENT`],
    [`{file: ${folder}}`, `is to come from the file ${folder}, which cannot be read: EISDIR`],
    [`{file: ${empty}}`, `is to come from the file ${empty}, which is empty`],
    [`{file: ${two}}`, `is to come from the file ${two}, which has to be one line of at most 4096 characters`],
    [`{env: A, file: ${two}}`, `${allowed}, not another map`],
    ['{}', `${allowed}, not another map`],
    [`[${SECRET}]`, `${allowed}, not a list`],
    ['""', `${allowed}, not ""`],
    ['', `${allowed}, not nothing`],
  ] as const) {
    deepEqual(read(withPassword(given)).problems, [`config.yml:4:13: service_locator.password ${what}`])
  }
})

test('nothing that is wrong with a secret, or beside it, tells the secret', () => {
  for (const given of [
    SECRET.repeat(600),
    `[${SECRET}]`,
    `{${SECRET}: x}`,
    `{env: ${SECRET}, x: 1}`,
    `*${SECRET}`,
    `&${SECRET}`,
    `!${SECRET} x`,
    `!!${SECRET} x`,
    `|${SECRET}`,
    `>${SECRET}`,
    `%${SECRET}`,
    `@${SECRET}`,
    `\`${SECRET}`,
    `"\\q${SECRET}"`,
    `"${SECRET}" ${SECRET}`,
    `'${SECRET}`,
    `"${SECRET}`,
    `a: ${SECRET}`,
    `{${SECRET}`,
    `}${SECRET}`,
    `,${SECRET}`,
    `- ${SECRET}`,
    `? ${SECRET}`,
    `\n   ${SECRET}\n  ${SECRET}`,
    `\n%${SECRET}`,
  ]) {
    const { problems, whole } = read(withPassword(given))
    if (problems === undefined) continue
    doesNotMatch(whole, new RegExp(SECRET), given)
  }
})

test('a secret that others may read is warned of, once', t => {
  const folder = scratch(t)
  const secret = path.join(folder, 'password')
  fs.writeFileSync(secret, SECRET)
  const file = path.join(folder, 'config.yml')
  const stores = `data_store:\n  - {address: a:1, username: u, password: {file: ${secret}}, schema: s}\n  - {address: b:1}\n`
  const warningsOf = (text: string, fileMode: number, secretMode: number) => {
    fs.writeFileSync(file, text)
    fs.chmodSync(file, fileMode)
    fs.chmodSync(secret, secretMode)
    const warnings: string[] = []
    loadConfig(file, { onWarning: warning => warnings.push(warning) })
    return warnings
  }
  const openFile = `${file}: holds passwords, and others may read or change it (mode 644): chmod 600 ${file}`
  deepEqual(warningsOf(withPassword(SECRET), 0o600, 0o600), [])
  deepEqual(warningsOf(withPassword(SECRET), 0o640, 0o600), [])
  deepEqual(warningsOf(withPassword(SECRET), 0o644, 0o600), [openFile])
  deepEqual(warningsOf(stores, 0o644, 0o640), [])
  deepEqual(warningsOf(stores, 0o644, 0o644), [
    `${file}:2:43: data_store[0].password is in ${secret}, which others may read or change (mode 644): chmod 600 ${secret}`,
  ])
})

test('whoever needs no secret need not be able to read it', () => {
  const config = parseConfig(withPassword('{env: OES_TEST_NOWHERE}'), 'config.yml', { withholdsSecrets: true })
  equal(config.serviceLocator?.password, '')
})
