// Certificates and key of a client as files, for programs that run for long: they are read again before each connection, so
// that new ones need no restart. Files that cannot be used change nothing; those read before still hold.

import { createPrivateKey, X509Certificate } from 'node:crypto'
import fs from 'node:fs'
import type { TlsOptions } from './connect-options.ts'

/** Paths of PEM files, and the name that the server's certificate has to have. */
export interface TlsPaths {
  readonly ca?: string | undefined
  readonly certificate?: string | undefined
  readonly key?: string | undefined
  readonly serverName?: string | undefined
}

export class TlsFiles {
  readonly #paths: TlsPaths
  readonly #onFault: (error: Error) => void
  #options: TlsOptions

  /**
   * @param onFault told when files cannot be used later on.
   * @throws an error that names the file, or says what is wrong between them.
   */
  constructor(paths: TlsPaths, onFault: (error: Error) => void) {
    this.#paths = paths
    this.#onFault = onFault
    this.#options = read(paths)
  }

  /** What is in the files now. Never throws. */
  current(): TlsOptions {
    try {
      this.#options = read(this.#paths)
    } catch (error) {
      this.#onFault(error instanceof Error ? error : new Error(String(error)))
    }
    return this.#options
  }
}

function read({ ca, certificate, key, serverName }: TlsPaths): TlsOptions {
  const own = certificate === undefined ? undefined : certificateIn(certificate)
  if (ca !== undefined) certificateIn(ca)
  const keyText = key === undefined ? undefined : textOf(key)
  if (keyText !== undefined && own?.certificate.checkPrivateKey(keyIn(key!, keyText)) === false) {
    throw new Error(`${key} is not the key that belongs to ${certificate}`)
  }
  return {
    ...(ca === undefined ? {} : { ca: textOf(ca) }),
    ...(own === undefined ? {} : { certificate: own.text }),
    ...(keyText === undefined ? {} : { key: keyText }),
    ...(serverName === undefined ? {} : { serverName }),
  }
}

function textOf(file: string): string {
  try {
    return fs.readFileSync(file, 'utf8')
  } catch (error) {
    throw new Error(`${file} cannot be read: ${whyOf(error)}`, { cause: error })
  }
}

function certificateIn(file: string): { text: string; certificate: X509Certificate } {
  const text = textOf(file)
  try {
    return { text, certificate: new X509Certificate(text) }
  } catch (error) {
    throw new Error(`${file} holds no certificate: ${whyOf(error)}`, { cause: error })
  }
}

function keyIn(file: string, text: string) {
  try {
    return createPrivateKey(text)
  } catch (error) {
    throw new Error(`${file} holds no key that can be used: ${whyOf(error)}`, { cause: error })
  }
}

function whyOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
