import { deepEqual } from 'node:assert/strict'
import { test } from 'node:test'
import { type Column, tableLines } from '../../src/cli/table.ts'

interface Row {
  name: string
  quantity: number
}

const columns: Column<Row>[] = [
  { title: 'QUANTITY', align: 'right', cell: row => String(row.quantity) },
  { title: 'NAME', cell: row => row.name, paint: (padded, row) => (row.quantity < 0 ? `<${padded}>` : padded) },
  { title: 'N', cell: row => row.name.slice(0, 1) },
]

test('columns are as wide as their widest cell, numbers stand to the right, lines end in no spaces', () => {
  const rows = [
    { name: 'gold', quantity: 5 },
    { name: 'orange', quantity: 123_456_789 },
    { name: '', quantity: -1 },
    { name: 'tin', quantity: -2 },
  ]
  deepEqual(
    tableLines(columns, rows, title => `*${title}`),
    ['* QUANTITY  *NAME    *N', '        5  gold    g', '123456789  orange  o', '       -1', '       -2  <tin   >  t'],
  )
})

test('without rows there are the titles', () => {
  deepEqual(tableLines(columns, []), ['QUANTITY  NAME  N'])
})

test('texts of other people cannot steer the terminal', () => {
  deepEqual(tableLines([{ title: 'T', cell: (row: string) => row }], ['a\u001b[31mb\n\u0007c']), [
    'T',
    'a\u{fffd}[31mb\u{fffd}\u{fffd}c',
  ])
})
