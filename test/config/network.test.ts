import { deepEqual, equal, throws } from 'node:assert/strict'
import { test } from 'node:test'
import { ConfigInvalid, parseConfig } from '../../src/config/config.ts'
import { formatNetwork, Networks, parseNetwork } from '../../src/config/network.ts'

test('a network is an address and the bits that count, an address alone one host', () => {
  for (const [text, written] of [
    ['10.1.0.0/16', '10.1.0.0/16'],
    ['10.1.2.3', '10.1.2.3/32'],
    ['0.0.0.0/0', '0.0.0.0/0'],
    ['2001:db8::/32', '2001:db8::/32'],
    ['::1', '::1/128'],
  ] as const) {
    equal(formatNetwork(parseNetwork(text)!), written)
  }
  for (const text of [
    '',
    '10.1.0.0/33',
    '10.1/16',
    '::/129',
    'localhost',
    '10.1.0.0/',
    '/8',
    '1.2.3.4/-1',
    'fe80::1%eth0',
  ]) {
    equal(parseNetwork(text), undefined, text)
  }
})

test('hosts are admitted by the networks of their family, IPv4 also in its IPv6 form', () => {
  const networks = new Networks(['10.1.0.0/16', '192.168.1.7', '2001:db8::/32'].map(text => parseNetwork(text)!))
  const hosts = [
    '10.1.255.255',
    '::ffff:10.1.0.1',
    '192.168.1.7',
    '2001:db8:1::1',
    '10.2.0.1',
    '192.168.1.8',
    '2001:db9::',
    '::1',
    '',
  ]
  deepEqual(
    hosts.map(host => networks.admits(host)),
    [true, true, true, true, false, false, false, false, false],
  )
  equal(new Networks([]).admits('anywhere'), true)
})

test('keys of TLS that need another are told', () => {
  for (const [tls, told] of [
    ['{certificate: c.pem}', /server\.tls\.certificate needs key/],
    ['{key: k.pem}', /server\.tls\.key needs certificate/],
    ['{client_ca: a.pem}', /server\.tls\.client_ca is of no use without certificate/],
    ['{client_certificates: required}', /server\.tls\.client_certificates cannot be required without client_ca/],
  ] as const) {
    throws(
      () => parseConfig(`server: {tls: ${tls}}`, 'config.yml'),
      (error: unknown) => error instanceof ConfigInvalid && told.test(error.message),
    )
  }
})
