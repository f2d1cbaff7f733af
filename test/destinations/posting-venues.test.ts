import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { postingVenuesOf } from '../../src/destinations/posting-venues.ts'
import { definitionsData, definitionsFromData } from '../../src/domain/definitions.ts'

const definitions = definitionsFromData(definitionsData)

test('a TSX ticker is posted where its destination stands', () => {
  deepEqual(Object.fromEntries(postingVenuesOf('XTSE')), {
    ALPHA: 'XATS',
    CHIX: 'CHIC',
    CSE2: 'CSE2',
    CX2: 'XCX2',
    LYNX: 'LYNX',
    MATNLP: 'MATN',
    MATNMF: 'MATN',
    NEOE: 'NEOE',
    OMEGA: 'OMGA',
    PURE: 'PURE',
    TSX: 'XTSE',
  })
})

test('the TSX destination posts a TSXV ticker at TSXV', () => {
  equal(postingVenuesOf('XTSX').get('TSX'), 'XTSX')
})

test('Australian tickers have two destinations', () => {
  deepEqual(Object.fromEntries(postingVenuesOf('XASX')), { ASXT: 'XASX', CXA: 'CHIA' })
})

test('every destination posts for exactly the venues it serves, at a venue that is defined', () => {
  const listings = definitions.venues.map(({ mic }) => mic)
  for (const { id, venues } of definitions.destinations) {
    deepEqual(
      listings.filter(mic => postingVenuesOf(mic).has(id)),
      venues.toSorted(),
      id,
    )
    for (const mic of venues) equal(definitions.venue(postingVenuesOf(mic).get(id)!)?.mic, postingVenuesOf(mic).get(id))
  }
})
