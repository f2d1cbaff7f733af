import { deepEqual } from 'node:assert/strict'
import { test } from 'node:test'
import { type Peg, PegKind, pegOf } from '../../src/destinations/peg.ts'
import { type Tag, TagKey, TagType } from '../../src/domain/tags.ts'

const instructions = (value: string): Tag => ({ key: TagKey.ExecInst, type: TagType.Text, value })

function read(...tags: Tag[]): Peg {
  const peg: Peg = { pegKind: PegKind.Market, pegDifference: 7 }
  pegOf(tags, peg)
  return peg
}

test('without tags a peg follows its own side at no distance', () => {
  deepEqual(read(), { pegKind: PegKind.Primary, pegDifference: 0 })
})

test('the first token that names a kind decides', () => {
  deepEqual(read(instructions('6  M P')), { pegKind: PegKind.Midpoint, pegDifference: 0 })
  deepEqual(read(instructions('P')), { pegKind: PegKind.Market, pegDifference: 0 })
  deepEqual(read(instructions('m p')), { pegKind: PegKind.Primary, pegDifference: 0 })
})

test('the first tag of a key counts, even where its type is of no use', () => {
  const asNumber: Tag = { key: TagKey.ExecInst, type: TagType.Integer, value: 1 }
  deepEqual(read(asNumber, instructions('M')), { pegKind: PegKind.Primary, pegDifference: 0 })
})

test('the distance is money or nothing', () => {
  const money: Tag = { key: TagKey.PegDifference, type: TagType.Money, value: -20_000 }
  const quantity: Tag = { key: TagKey.PegDifference, type: TagType.Quantity, value: 20_000 }
  deepEqual(read(money), { pegKind: PegKind.Primary, pegDifference: -20_000 })
  deepEqual(read(quantity), { pegKind: PegKind.Primary, pegDifference: 0 })
})
