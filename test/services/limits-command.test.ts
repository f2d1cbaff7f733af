// `oes limits` beside the administration service, as a trader, a manager and an administrator use it.

import { deepEqual, equal, match } from 'node:assert/strict'
import { test } from 'node:test'
import { oesServices } from '../cli/command.ts'
import { RunningPlatform } from './running-platform.ts'

test('limits are asked for, reviewed, granted, shown and accounted for by the command', async t => {
  const platform = await RunningPlatform.start(t)
  const limits = (who: string, ...words: string[]) => oesServices(who, platform.address.port, 'limits', ...words)
  const said = async (who: string, ...words: string[]) => {
    const { status, out, err } = await limits(who, ...words)
    deepEqual([status, err], [0, ''], words.join(' '))
    return out
  }
  match(
    await said('alice', 'show', 'alice'),
    /^ACCOUNT .*\nalice +ACTIVE +CAD +1000000\.00 +100000\.00 +ACTIVE +3600 s\n$/,
  )
  equal(
    await said('alice', 'set', 'alice', '--buying-power', '2000000.5', '--comment', 'more'),
    'Request 1 is PENDING.\n',
  )
  match(await said('margaret', 'requests', 'alice'), / 1 +PENDING .* 2000000\.50 +100000\.00 +more\n$/)
  equal(await said('margaret', 'approve', '1'), 'Request 1 is REVIEWED.\n')
  equal(await said('administrator', 'approve', '1'), 'Request 1 is GRANTED.\n')
  equal(await said('administrator', 'state', 'alice', 'closing'), 'alice is closing.\n')
  match(await said('margaret', 'show', 'alice'), /\nalice +CLOSE_ORDERS +CAD +2000000\.50 /)
  equal(await said('administrator', 'set', 'alice', '--from', '2100-01-01'), 'Request 2 is SCHEDULED.\n')
  equal(await said('alice', 'reject', '2'), 'Request 2 is REJECTED.\n')
  const changes = (await said('administrator', 'changes', 'alice', '--json'))
    .trim()
    .split('\n')
    .map(line => JSON.parse(line))
  deepEqual(
    changes.map(({ what }) => what),
    ['risk_parameters', 'risk_state'],
  )
  const refused = await limits('dave', 'show', 'alice')
  deepEqual([refused.status, refused.out], [1, ''])
  match(refused.err, /no permission/)
  equal((await limits('administrator', 'state', 'alice', 'asleep')).status, 2)
})
