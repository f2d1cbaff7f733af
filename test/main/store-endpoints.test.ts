import { deepEqual, throws } from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { parseConfig } from '../../src/config/config.ts'
import { standInEndpoint, storeEndpoints } from '../../src/main/store-endpoints.ts'
import { temporaryFolder } from '../stores/generated-history.ts'

test('without data_store orders are kept in a file of the data directory, and nothing stands in for that', () => {
  const stores = storeEndpoints(parseConfig('', 'config.yml'), '/data')
  deepEqual(stores, [{ kind: 'embedded', name: 'embedded', file: '/data/store.db' }])
  deepEqual(standInEndpoint(stores, '/data'), undefined)
})

test('each data store is named by host, port and schema, and has its own time limits and encryption', t => {
  const folder = temporaryFolder(t)
  const ca = path.join(folder, 'ca.pem')
  fs.writeFileSync(ca, '')
  const config = parseConfig(
    `
data_store:
  - {address: a:3306, username: u, password: p, schema: s}
  - {address: '[::1]:3307', tls: verified, tls_ca: ${ca}, connect_ms: 700, statement_ms: 9000}
`,
    'config.yml',
  )
  const stores = storeEndpoints(config, '/data')
  const common = { kind: 'mysql', username: 'u', password: 'p', schema: 's' }
  deepEqual(stores, [
    {
      ...common,
      name: 'a:3306/s',
      host: 'a',
      port: 3306,
      tls: undefined,
      connectTimeoutMs: 5_000,
      statementTimeoutMs: 30_000,
    },
    {
      ...common,
      name: '[::1]:3307/s',
      host: '::1',
      port: 3307,
      tls: { caFile: ca, certificateFile: undefined, keyFile: undefined, isVerified: true },
      connectTimeoutMs: 700,
      statementTimeoutMs: 9_000,
    },
  ])
  deepEqual(standInEndpoint(stores, '/data'), { kind: 'embedded', name: 'stand-in', file: '/data/stand-in.db' })
})

test('a certificate that cannot be read is told by its key', t => {
  const missing = path.join(temporaryFolder(t), 'missing.pem')
  const config = parseConfig(
    `data_store: {address: a:1, username: u, password: p, schema: s, tls: unverified, tls_ca: ${missing}}\n`,
    'config.yml',
  )
  throws(() => storeEndpoints(config, '/data'), {
    name: 'TlsFileUnreadable',
    message: `data_store.tls_ca names ${missing}, which cannot be read: give the path of a PEM file.`,
  })
})
