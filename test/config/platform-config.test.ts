// The platform's configuration: its default file, and what is said where a file is wrong.

import assert from 'node:assert/strict'
import fs from 'node:fs'
import { test } from 'node:test'
import { ConfigInvalid } from '../../src/config/config.ts'
import { parsePlatformConfig } from '../../src/config/platform-config.ts'
import { PLATFORM_SCHEMA } from '../../src/config/platform-schema.ts'
import type { Settings } from '../../src/config/setting.ts'
import { platformTemplate } from '../../src/config/template.ts'

function problemsOf(text: string, services?: Parameters<typeof parsePlatformConfig>[2]): string[] {
  try {
    parsePlatformConfig(text, 'platform.yml', services)
    return []
  } catch (error) {
    assert(error instanceof ConfigInvalid)
    return error.message.split('\n')
  }
}

test('every key has a comment, and the default file is what the schema says', () => {
  const look = (keys: Settings) => {
    for (const [name, setting] of Object.entries(keys)) {
      assert.notEqual(setting.comment, '', name)
      if ('keys' in setting) look(setting.keys as Settings)
    }
  }
  look(PLATFORM_SCHEMA.keys)
  assert.equal(fs.readFileSync('platform.default.yml', 'utf8'), platformTemplate())
  for (const line of platformTemplate().split('\n')) assert(line.length <= 120, line)
})

test('the default file loads once its variables are replaced, and gives the defaults', () => {
  const text = platformTemplate().replaceAll('$local_interface', '127.0.0.1')
  assert.deepEqual(parsePlatformConfig(text, 'platform.yml'), parsePlatformConfig('', 'no file'))
})

test('a process without the locator says where it is, whoever chose its services', () => {
  const elsewhere = 'service_locator: { address: "10.0.0.1:20000", username: uid_service, password: x }'
  const uid = { services: ['uid'] } as const
  assert.deepEqual(parsePlatformConfig(elsewhere, 'platform.yml', uid).services, ['uid'])
  const without = 'does not have service_locator, so the section service_locator has to tell where it is'
  assert.deepEqual(problemsOf('', uid), [`platform.yml:1:1: services ${without}`])
  assert.deepEqual(problemsOf('log: { level: info }\nservices: [uid]'), [`platform.yml:2:1: services ${without}`])
  assert.deepEqual(problemsOf(elsewhere), [
    'platform.yml:1:1: service_locator is given although the service locator is a service of this process: leave one of them out',
  ])
})

test('who listens everywhere says where the services are to be found', () => {
  const everywhere = 'server: { interface: "0.0.0.0:20000"'
  const addresses = ', addresses: [10.0.0.5:20000]'
  assert.deepEqual(problemsOf(`${everywhere}${addresses} }`), [])
  // The locator alone is registered nowhere.
  assert.deepEqual(problemsOf(`${everywhere} }`, { services: ['service_locator'] }), [])
  assert.deepEqual(problemsOf(`${everywhere} }`), [
    'platform.yml:1:11: server.interface is no address to be found at, so server.addresses has to say where others reach the services',
  ])
})

test('all that is wrong is told at once, with its place', () => {
  const text = `services: []
market_data: { feed: replay, rate: -1 }
logins:
  suspend_longest_ms: 500
limits: { outbox_bytes_max: 65536 }
colour: blue`
  const keys = problemsOf(text).map(line => /^platform\.yml:(\d+:\d+): (\S+)/.exec(line)!.slice(1).join(' '))
  assert.deepEqual(keys, [
    '1:1 services',
    '2:16 market_data.feed',
    '2:36 market_data.rate',
    '4:3 logins.suspend_longest_ms',
    '5:11 limits.outbox_bytes_max',
    '6:1 colour',
  ])
})
