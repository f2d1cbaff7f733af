// Whoever trusts a comparison must have seen it find something: rows of a store that agree with the clients' books are
// damaged by hand, one way after the other, and each damage is found.

import { rejects } from 'node:assert/strict'
import { test } from 'node:test'
import { newSchema } from '../../stores/mysql/mariadb-server.ts'
import { Random, seedOf } from '../random.ts'
import { verifyRows } from './store-books.ts'
import { StoresWorld, startMariaDbs } from './stores-world.ts'

/** Each changes as little as there is to change. */
const damages: readonly string[] = [
  'UPDATE submissions SET price = price + 0.000001 ORDER BY order_id LIMIT 1',
  'UPDATE submissions SET timestamp = timestamp + INTERVAL 1 MICROSECOND ORDER BY order_id LIMIT 1',
  "UPDATE submissions SET client_order_id = CONCAT(client_order_id, ' ') ORDER BY order_id LIMIT 1",
  'UPDATE submissions SET query_sequence = query_sequence + 1 ORDER BY account, query_sequence DESC LIMIT 1',
  'UPDATE submissions SET additional_fields = NULL WHERE additional_fields IS NOT NULL ORDER BY order_id LIMIT 1',
  'UPDATE execution_reports SET leaves_quantity = leaves_quantity - 0.000001 ORDER BY order_id, sequence LIMIT 1',
  'UPDATE execution_reports SET commission = 0.000001 ORDER BY order_id DESC, sequence DESC LIMIT 1',
  'UPDATE execution_reports SET reason = reason + 1 ORDER BY order_id DESC, sequence DESC LIMIT 1',
  'DELETE FROM execution_reports ORDER BY order_id, sequence DESC LIMIT 1',
  'DELETE FROM submissions ORDER BY account, query_sequence DESC LIMIT 1',
  'DELETE FROM live_orders ORDER BY order_id LIMIT 1',
  'INSERT INTO live_orders (order_id, account) SELECT order_id, account FROM terminal_submissions LIMIT 1',
  'INSERT INTO execution_reports (account, order_id, sequence, status, timestamp, query_sequence) SELECT account, order_id, MAX(sequence) + 1, 1, MAX(timestamp), MAX(query_sequence) + 1000 FROM execution_reports GROUP BY account, order_id LIMIT 1',
  'UPDATE account_sequences SET report_sequence = report_sequence + 1 ORDER BY account LIMIT 1',
  'UPDATE journal_positions SET sequence = sequence - 1 ORDER BY sequence DESC LIMIT 1',
  'UPDATE order_execution_inventory_entries SET cost_basis = cost_basis + 0.000001 ORDER BY account LIMIT 1',
  'DELETE FROM order_execution_inventory_entries ORDER BY account LIMIT 1',
  "INSERT INTO set_aside (journal, sequence, reason, bytes) VALUES ('shard-0', 1, 'damage', '')",
]

test('the clients’ books find every kind of damage in the rows of a store', async t => {
  const seed = seedOf('OES_STORE_SEED')
  t.diagnostic(`seed ${seed}`)
  const schema = newSchema()
  const [server] = await startMariaDbs(t, 1)
  const store = { name: 'the store', server: server!, schema, endpoint: server!.endpoint(schema) }
  const world = new StoresWorld([store], new Random(seed))
  await world.whole(seed, async () => {
    await world.start()
    await world.trade(400)
    await world.stopAndVerify()
    const ends = world.ends()
    const { books } = world.desk
    for (const damage of damages) {
      await server!.query(`USE ${schema}`)
      await server!.query('BEGIN')
      await server!.query(damage)
      await rejects(verifyRows(store, books, ends), { name: 'AssertionError' }, `not found: ${damage}`)
      await server!.query('ROLLBACK')
    }
    await verifyRows(store, books, ends)
  })
})
