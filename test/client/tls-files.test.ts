import { deepEqual, equal, match, throws } from 'node:assert/strict'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { type TestContext, test } from 'node:test'
import { TlsFiles } from '../../src/client/index.ts'
import { makeCertificate } from '../end-to-end/certificates.ts'

function folderOf(t: TestContext): string {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'oes-tls-files-'))
  t.after(() => fs.rmSync(folder, { recursive: true }))
  return folder
}

test('files are read anew each time, and those that cannot be used change nothing', t => {
  const folder = folderOf(t)
  const authority = makeCertificate(folder, 'authority')
  const own = makeCertificate(folder, 'own', authority)
  fs.mkdirSync(`${folder}/next`)
  const next = makeCertificate(`${folder}/next`, 'own', authority)
  const faults: string[] = []
  const files = new TlsFiles(
    { ca: authority.certificate, certificate: own.certificate, key: own.key, serverName: 'oes' },
    error => faults.push(error.message),
  )
  const expected = (pem: typeof own.pem) => ({ ca: authority.pem.certificate, ...pem, serverName: 'oes' })
  deepEqual(files.current(), expected(own.pem))
  // Half of an exchange: the certificate is there, its key not yet.
  fs.writeFileSync(own.certificate, next.pem.certificate)
  deepEqual(files.current(), expected(own.pem))
  fs.writeFileSync(own.key, next.pem.key)
  deepEqual(files.current(), expected(next.pem))
  fs.rmSync(authority.certificate)
  deepEqual(files.current(), expected(next.pem))
  equal(faults.length, 2)
  match(faults[0]!, /own\.key is not the key that belongs to .*own\.pem$/)
  match(faults[1]!, /authority\.pem cannot be read: ENOENT/)
})

test('files that cannot be used from the beginning are told by name', t => {
  const folder = folderOf(t)
  const { certificate, key } = makeCertificate(folder, 'own')
  const junk = path.join(folder, 'junk.pem')
  fs.writeFileSync(junk, 'junk')
  const made = (paths: object) => () => new TlsFiles(paths, () => undefined)
  throws(made({ ca: junk }), /junk\.pem holds no certificate: /)
  throws(made({ certificate, key: junk }), /junk\.pem holds no key that can be used: /)
  throws(made({ certificate: `${folder}/none.pem`, key }), /none\.pem cannot be read: ENOENT/)
  deepEqual(made({})().current(), {})
})
