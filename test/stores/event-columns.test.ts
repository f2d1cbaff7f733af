import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readTicker } from '../../src/domain/tickers.ts'
import { Kind } from '../../src/protocol/kinds.ts'
import { unpack } from '../../src/protocol/msgpack.ts'
import { MalformedEvent, type OrderEvent } from '../../src/protocol/order-events.ts'
import { EventColumns } from '../../src/stores/event-columns.ts'
import { definitions, generateHistory, Random } from './generated-history.ts'

/** The columns of an event as the plain decoder understands it. */
function expected(event: OrderEvent): Record<string, unknown> {
  if (event.kind === Kind.InventorySnapshot) {
    return { kind: event.kind, account: event.account, reportSequence: event.reportSequence }
  }
  const { tags = null } = event
  if (event.kind === Kind.ExecutionReport) {
    const { params, terms, ...rest } = event
    return {
      ...rest,
      tags: tags && Buffer.from(tags),
      params: params.length === 0 ? '' : JSON.stringify(params),
      replaceClOrdId: terms?.clOrdId ?? '',
      replaceQuantity: terms?.quantity ?? 0,
      replacePrice: terms?.price ?? 0,
      replaceShortFlag: terms?.shortFlag === true ? 1 : 0,
      replaceHoldPrice: terms?.holdPrice ?? 0,
    }
  }
  const { ticker, clOrdId, shortFlag, requestId: _, ...rest } = event
  return {
    ...rest,
    ...readTicker(ticker, definitions),
    clOrdId: clOrdId || null,
    shortFlag: shortFlag ? 1 : 0,
    tags: tags && Buffer.from(tags),
  }
}

test('events are read into columns as the plain decoder reads them', () => {
  const columns = new EventColumns(definitions)
  for (const { body, event } of generateHistory(new Random(1), { accounts: [5, 6], events: 2000, snapshots: true })) {
    const padded = Buffer.concat([Buffer.from('before'), body, Buffer.from('behind')])
    columns.read(padded, 6, 6 + body.length)
    for (const [column, value] of Object.entries(expected(event))) {
      const actual = columns[column as keyof EventColumns]
      assert.deepEqual(actual instanceof Uint8Array ? Buffer.from(actual) : actual, value, column)
    }
  }
})

test('an event that is cut anywhere is malformed', () => {
  const columns = new EventColumns(definitions)
  for (const { body } of generateHistory(new Random(2), { accounts: [5], events: 40 })) {
    for (let end = 0; end < body.length; end++) {
      assert.throws(() => columns.read(body, 0, end), MalformedEvent)
    }
  }
})

test('the parameters of a reason are kept as JSON that reads back to the same list', () => {
  const columns = new EventColumns(definitions)
  for (const { body, event } of generateHistory(new Random(3), { accounts: [5], events: 300 })) {
    if (event.kind !== Kind.ExecutionReport || event.params.length === 0) continue
    columns.read(body, 0, body.length)
    assert.deepEqual(JSON.parse(columns.params), event.params)
    assert.ok(unpack(body) !== undefined)
  }
})
