import { equal } from 'node:assert/strict'
import { test } from 'node:test'
import { nearest } from '../../src/config/nearest.ts'

const NAMES = ['shards', 'spin_us', 'accounts_max', 'tickers_max', 'tls', 'tls_ca']

test('the nearest name is found over slips, capitals and hyphens, and a stranger has none', () => {
  const cases: [given: string, known: string | undefined][] = [
    ['shard', 'shards'],
    ['shrads', 'shards'],
    ['shardss', 'shards'],
    ['Shards', 'shards'],
    ['spin-us', 'spin_us'],
    ['ticker_max', 'tickers_max'],
    ['acounts_mx', 'accounts_max'],
    ['tsl', 'tls'],
    ['tls', 'tls'],
    ['tls_cA', 'tls_ca'],
    ['colour', undefined],
    ['x', undefined],
    ['', undefined],
  ]
  for (const [given, known] of cases) equal(nearest(given, NAMES), known, given)
})
