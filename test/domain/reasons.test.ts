import { deepEqual, equal, match } from 'node:assert/strict'
import { test } from 'node:test'
import { Reason, reasonName, reasons, reasonText } from '../../src/domain/reasons.ts'

test('numbers and names of reasons are unique, and listed in the order of their numbers', () => {
  const codes = reasons.map(reason => reason.code)
  deepEqual(
    codes,
    Object.values(Reason).toSorted((a, b) => a - b),
  )
  equal(new Set(codes).size, reasons.length)
  equal(new Set(reasons.map(reason => reason.name)).size, reasons.length)
})

test('a name is the member in capitals, a text is a sentence', () => {
  for (const [member, code] of Object.entries(Reason)) {
    equal(reasonName(code), member.replace(/(?<=[a-z])(?=[A-Z])/g, '_').toUpperCase())
  }
  for (const { code, text } of reasons) if (code !== Reason.None) match(text, /^([A-Z{].*\.|\{0\})$/)
})

test('parameters are put into the text, missing ones show', () => {
  equal(reasonText(Reason.BoardLot, [100]), 'The quantity has to be a multiple of 100.')
  equal(reasonText(Reason.IllegalUpdate, ['NEW']), 'From NEW an order cannot go to ?.')
  equal(reasonText(Reason.ComplianceRefused, ['{1} $& {0}']), '{1} $& {0}')
})

test('a number nobody has defined is told as such', () => {
  deepEqual([reasonName(12345), reasonText(12345)], ['REASON_12345', ''])
})
