// `oes changes` beside all services, as an administrator looks for who changed what.

import { deepEqual, equal, match } from 'node:assert/strict'
import { test } from 'node:test'
import { oesServices } from '../cli/command.ts'
import { RunningPlatform } from './running-platform.ts'

interface Told {
  of: string
  what: string
  before: unknown
  after: unknown
}

test('who changed directory, limits and rules is told from the records of all services, by name and by time', async t => {
  const platform = await RunningPlatform.start(t)
  const run = (who: string, ...words: string[]) => oesServices(who, platform.address.port, ...words)
  const said = async (...words: string[]) => {
    const { status, out, err } = await run('administrator', ...words)
    deepEqual([status, err], [0, ''], words.join(' '))
    return out
  }
  equal(await said('changes'), 'Nothing was changed.\n')
  await said('observers', 'add', 'auditor', '--group', 'north')
  await said('limits', 'state', 'alice', 'closing')
  await said('rules', 'add', '--account', 'bob', 'maximum_order_quantity', 'quantity=1000')
  const told = (await said('changes', '--json')).trim().split('\n')
  deepEqual(
    told.map(line => JSON.parse(line) as Told).map(({ of, what }) => [of, what]),
    [
      ['directory', 'entry'],
      ['directory', 'parents'],
      ['limits', 'risk_state'],
      ['rules', 'rule_entry'],
    ],
  )
  const table = await said('changes', '--of', 'limits')
  match(table, /^TIME +BY +OF +WHAT +SUBJECT +BEFORE +AFTER\n\S+ +administrator +limits +risk_state +alice +.+\n$/)
  match(await said('changes', '--last', '2'), /^TIME.*\n\S+ .* risk_state .*\n\S+ .* rule_entry +1 +null +.*\n$/)
  const refused = await run('alice', 'changes')
  deepEqual([refused.status, refused.out], [1, ''])
  match(refused.err, /Administrators see who changed what/)
  equal((await run('administrator', 'changes', '--of', 'nothing')).status, 2)
})
