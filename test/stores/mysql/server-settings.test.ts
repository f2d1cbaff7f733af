import assert from 'node:assert/strict'
import { test } from 'node:test'
import { tellUnsafeSettings, unsafeSettings } from '../../../src/stores/mysql/server-settings.ts'
import { startMariaDb } from './mariadb-server.ts'

const SAFE = {
  innodb_flush_log_at_trx_commit: '1',
  innodb_doublewrite: 'ON',
  innodb_flush_method: 'O_DIRECT',
  log_bin: 'OFF',
  sync_binlog: '0',
  wsrep_on: 'OFF',
  wsrep_trx_fragment_size: '0',
  wsrep_osu_method: 'TOI',
}

/** The settings that are told, by name. */
function told(changes: Readonly<Record<string, string>>): string[] {
  const found = unsafeSettings(new Map(Object.entries({ ...SAFE, ...changes })))
  for (const { meaning } of found) assert.ok(meaning.length > 20)
  return found.map(({ setting }) => setting)
}

test('each setting that can lose a commit is told, and no other', () => {
  assert.deepEqual(told({}), [])
  assert.deepEqual(told({ innodb_flush_log_at_trx_commit: '0' }), ['innodb_flush_log_at_trx_commit = 0'])
  assert.deepEqual(told({ innodb_flush_log_at_trx_commit: '2' }), ['innodb_flush_log_at_trx_commit = 2'])
  assert.deepEqual(told({ innodb_flush_log_at_trx_commit: '3' }), [])
  assert.deepEqual(told({ innodb_doublewrite: 'OFF' }), ['innodb_doublewrite = OFF'])
  assert.deepEqual(told({ innodb_doublewrite: 'DETECT_ONLY' }), ['innodb_doublewrite = DETECT_ONLY'])
  assert.deepEqual(told({ innodb_flush_method: 'nosync' }), ['innodb_flush_method = nosync'])
  // Without a binary log it does not matter how often it is synced.
  assert.deepEqual(told({ sync_binlog: '0' }), [])
  assert.deepEqual(told({ log_bin: 'ON', sync_binlog: '0' }), ['sync_binlog = 0'])
  assert.deepEqual(told({ log_bin: 'ON', sync_binlog: '1' }), [])
  assert.deepEqual(told({ wsrep_on: 'ON' }), [])
  assert.deepEqual(told({ wsrep_on: 'ON', wsrep_trx_fragment_size: '1000', wsrep_osu_method: 'RSU' }), [
    'wsrep_trx_fragment_size = 1000',
    'wsrep_osu_method = RSU',
  ])
  assert.deepEqual(unsafeSettings(new Map()), [])
})

test('a server is asked for its settings, and told of once until they change', async t => {
  const server = await startMariaDb({ args: ['--innodb-flush-log-at-trx-commit=0'] })
  t.after(() => server.stop())
  const connection = await server.connect()
  const lines: unknown[] = []
  const log = {
    warning: (_: string, fields: Readonly<Record<string, unknown>> = {}) => void lines.push(fields.setting),
  }
  await tellUnsafeSettings(connection, 'a store', log)
  await tellUnsafeSettings(connection, 'a store', log)
  assert.deepEqual(lines, ['innodb_flush_log_at_trx_commit = 0'])
  await server.query('SET GLOBAL innodb_flush_log_at_trx_commit = 1')
  await tellUnsafeSettings(connection, 'a store', log)
  await server.query('SET GLOBAL innodb_flush_log_at_trx_commit = 2')
  await tellUnsafeSettings(connection, 'a store', log)
  assert.deepEqual(lines, ['innodb_flush_log_at_trx_commit = 0', 'innodb_flush_log_at_trx_commit = 2'])
  await connection.close()
})
