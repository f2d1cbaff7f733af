// The risk server as a client of an order execution server that speaks TLS alone, both in processes of their own.

import { equal, match, rejects } from 'node:assert/strict'
import fs from 'node:fs'
import { type TestContext, test } from 'node:test'
import { makeCertificate } from '../end-to-end/certificates.ts'
import { merged, ServerProcess, type Settings, temporaryFolder, testSettings } from '../fault/server-process.ts'
import { freePort } from '../stores/mysql/mariadb-server.ts'
import { RiskServerProcess } from './risk-server-process.ts'

async function started(t: TestContext, more: (folder: string) => Settings) {
  const folder = temporaryFolder()
  t.after(() => folder.remove())
  const authority = makeCertificate(folder.path, 'authority')
  const { certificate, key } = makeCertificate(folder.path, 'server', authority)
  const port = await freePort()
  const server = await ServerProcess.start(
    folder.path,
    merged(testSettings(folder.path), {
      platform: { port, market_data: { rate: 0 } },
      engine: { shards: 1 },
      server: { tls: { certificate, key, ...more(folder.path) } },
    }),
  )
  t.after(() => server.kill())
  const risk = async (tls: object) => {
    const made = await RiskServerProcess.startWith(
      folder.path,
      { host: '127.0.0.1', port },
      { order_execution_tls: tls },
    )
    t.after(() => made.kill())
    return made
  }
  return { folder: folder.path, ca: authority.certificate, risk }
}

test('the risk server connects by TLS where it is told to, and trusts whom it is told to', async t => {
  const { folder, ca, risk } = await started(t, () => ({}))
  for (const tls of [{ use: 'off' }, { use: 'on' }, { use: 'on', ca: makeCertificate(folder, 'other').certificate }]) {
    const stranger = await risk(tls)
    await stranger.logged(/no connection to the order execution server yet/)
    equal(stranger.log.includes('connected to the order execution server'), false)
    await stranger.kill()
  }
  for (const more of [{}, { server_name: 'localhost' }]) {
    const known = await risk({ use: 'on', ca, ...more })
    await known.logged(/connected to the order execution server/)
    equal(await known.stop(), 0)
  }
})

test('it shows a certificate of its own where the server wants one; that of another account ends it', async t => {
  let clients = ''
  const { folder, ca, risk } = await started(t, at => {
    clients = at
    const { certificate } = makeCertificate(at, 'clients')
    return { client_ca: certificate, client_certificates: 'required' }
  })
  const authority = { certificate: `${clients}/clients.pem`, key: `${clients}/clients.key` }
  const signed = (name: string) => {
    const { certificate, key } = makeCertificate(folder, name, { ...authority, pem: { certificate: '', key: '' } })
    return { certificate, key }
  }
  const own = signed('risk_service')
  const known = await risk({ use: 'on', ca, ...own })
  await known.logged(/connected to the order execution server/)
  equal(await known.stop(), 0)
  const nobody = await risk({ use: 'on', ca })
  await nobody.logged(/no connection to the order execution server yet/)
  await nobody.kill()
  const other = await risk({ use: 'on', ca, ...signed('alice') })
  equal(await other.ended, 70)
  match(other.log, /the risk server cannot go on[\s\S]*alice/)
  // A key that belongs to something else is told before anything is connected to.
  fs.copyFileSync(`${clients}/clients.key`, own.key)
  await rejects(
    risk({ use: 'on', ca, ...own }),
    /order_execution_tls: .*risk_service\.key is not the key that belongs to/,
  )
})
