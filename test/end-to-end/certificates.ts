// Authorities and certificates for tests of TLS, made by openssl in a folder.

import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'

export interface Certificate {
  /** Paths of PEM files. */
  readonly certificate: string
  readonly key: string
  /** Their texts. */
  readonly pem: { readonly certificate: string; readonly key: string }
}

/** An authority that signs itself, or what it signs: for the name, and for this machine as a server. */
export function makeCertificate(folder: string, name: string, authority?: Certificate): Certificate {
  const [certificate, key] = [path.join(folder, `${name}.pem`), path.join(folder, `${name}.key`)]
  const signer = authority === undefined ? [] : ['-CA', authority.certificate, '-CAkey', authority.key]
  execFileSync(
    'openssl',
    [
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'],
      ...['-keyout', key, '-out', certificate, '-subj', `/CN=${name}`],
      ...['-addext', 'subjectAltName=IP:127.0.0.1,DNS:localhost'],
      ...signer,
    ],
    { stdio: 'pipe' },
  )
  const pem = { certificate: fs.readFileSync(certificate, 'utf8'), key: fs.readFileSync(key, 'utf8') }
  return { certificate, key, pem }
}
