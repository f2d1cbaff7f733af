import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { RowStatements, RowTooLarge, STATEMENT_BYTES } from '../../../src/stores/mysql/row-statements.ts'
import { ColumnKind, putRow, type RowShape } from '../../../src/stores/row-shapes.ts'

const shape: RowShape = {
  table: 'things',
  columns: [
    { name: 'id', kind: ColumnKind.Integer },
    { name: 'name', kind: ColumnKind.Text },
  ],
}
const HEAD = 'INSERT INTO things (id, name) VALUES '

/** Rows that are written, and the statements they come in. */
function statements(bytesMax: number, tail = '') {
  const sent: string[] = []
  const rows = new RowStatements({ shape, tail, bytesMax, send: sql => sent.push(sql) })
  return { rows, sent }
}

test('rows go into statements in order, none larger than allowed, and what follows them is at the end of each', () => {
  fc.assert(
    fc.property(
      fc.array(fc.nat(60), { maxLength: 60 }),
      fc.integer({ min: 140, max: 400 }),
      fc.constantFrom('', ' ON DUPLICATE KEY UPDATE id = id'),
      (lengths, bytesMax, tail) => {
        const { rows, sent } = statements(bytesMax, tail)
        const texts = lengths.map((length, id) => `(${id},'${'x'.repeat(length)}')`)
        for (const [id, length] of lengths.entries()) putRow(rows, [id, 'x'.repeat(length)])
        rows.flush()
        rows.flush()
        const inner = sent.map(sql => {
          assert.ok(sql.length <= bytesMax && sql.startsWith(HEAD) && sql.endsWith(tail), sql)
          return sql.slice(HEAD.length, sql.length - tail.length)
        })
        assert.equal(inner.join(','), texts.join(','))
      },
    ),
  )
})

test('a row that no statement has room for is refused, and those before it are sent', () => {
  const { rows, sent } = statements(100)
  putRow(rows, [1, 'a'])
  assert.throws(() => putRow(rows, [2, 'x'.repeat(100)]), RowTooLarge)
  putRow(rows, [3, 'c'])
  rows.flush()
  assert.deepEqual(sent, [`${HEAD}(1,'a')`, `${HEAD}(3,'c')`])
})

test('rows that are dropped are not sent', () => {
  const { rows, sent } = statements(1_000)
  putRow(rows, [1, 'a'])
  rows.clear()
  putRow(rows, [2, null])
  rows.flush()
  assert.deepEqual(sent, [`${HEAD}(2,NULL)`])
})

test('a statement is sent once it has its size', () => {
  const { rows, sent } = statements(1 << 24)
  for (let id = 0; sent.length === 0; id++) putRow(rows, [id, 'x'.repeat(100)])
  assert.ok(sent[0]!.length >= STATEMENT_BYTES && sent[0]!.length < STATEMENT_BYTES + 200)
})
