import { deepEqual, equal, ok, throws } from 'node:assert/strict'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { ConfigInvalid } from '../../src/config/config.ts'
import { loadRiskConfig, parseRiskConfig } from '../../src/config/risk-config.ts'
import { riskTemplate } from '../../src/config/template.ts'

test('without a file everything has its default, for services on loopback', () => {
  deepEqual(loadRiskConfig(undefined), {
    server: { service: 'risk_service', interface: { host: '127.0.0.1', port: 20_600 }, addresses: [] },
    serviceLocator: {
      address: { host: '127.0.0.1', port: 20_000 },
      username: 'risk_service',
      password: 'risk_service',
    },
    orderExecutionService: 'order_execution_service',
    orderExecutionTls: { use: 'off', ca: undefined, certificate: undefined, key: undefined, serverName: undefined },
    dataFile: 'risk.db',
    log: {
      level: 'info',
      file: undefined,
      format: 'auto',
      fileBytesMax: 256 << 20,
      fileHoursMax: 24,
      keepFiles: 100,
    },
  })
})

test('the default file is the one that the schema writes, and is read as the defaults', () => {
  equal(fs.readFileSync('risk.default.yml', 'utf8'), riskTemplate())
  for (const line of riskTemplate().split('\n')) ok(line.length <= 120, line)
  const text = riskTemplate()
    .replaceAll('$local_interface', '127.0.0.1')
    .replaceAll('$service_locator_address', '127.0.0.1:20000')
    .replaceAll('$admin_password', 'risk_service')
  deepEqual(parseRiskConfig(text, 'risk.default.yml'), loadRiskConfig(undefined))
})

test('what is wrong is told with its place', () => {
  throws(
    () => parseRiskConfig('server:\n  port: 1\nlog: {level: loud}\n', 'risk.yml'),
    (error: unknown) => {
      ok(error instanceof ConfigInvalid)
      equal(
        error.message,
        'risk.yml:2:3: server.port is not a key of server, which are service, interface, addresses\n' +
          'risk.yml:3:14: log.level must be one of debug, info, warning, error, not "loud"',
      )
      return true
    },
  )
})

test('certificates that cannot be used are told with their place', t => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'oes-risk-config-'))
  t.after(() => fs.rmSync(folder, { recursive: true }))
  const pem = path.join(folder, 'a.pem')
  fs.writeFileSync(pem, '-----BEGIN CERTIFICATE-----\n')
  const message = (tls: string) => {
    try {
      parseRiskConfig(`order_execution_tls:\n${tls}`, 'risk.yml')
      return ''
    } catch (error) {
      ok(error instanceof ConfigInvalid)
      return error.message
    }
  }
  equal(message(`  use: on\n  ca: ${pem}\n  certificate: ${pem}\n  key: ${pem}\n  server_name: oes\n`), '')
  equal(
    message(`  ca: ${pem}\n  server_name: oes\n`),
    'risk.yml:2:3: order_execution_tls.ca is of no use where use is off: make that on\n' +
      'risk.yml:3:3: order_execution_tls.server_name is of no use where use is off: make that on',
  )
  equal(
    message(`  use: on\n  certificate: ${pem}\n`),
    'risk.yml:3:3: order_execution_tls.certificate needs key, the key that belongs to it',
  )
  equal(
    message(`  use: on\n  key: ${pem}\n`),
    'risk.yml:3:3: order_execution_tls.key needs certificate, to which it belongs',
  )
  equal(
    message(`  use: on\n  ca: ${folder}/none.pem\n`),
    `risk.yml:3:7: order_execution_tls.ca names ${folder}/none.pem, which cannot be read: ` +
      `ENOENT: no such file or directory, open '${folder}/none.pem'`,
  )
})
