// Key and certificates of the listener, and the certificate by which the console comes to it. They are read again when
// they have changed on the disk or when somebody says so; connections that are there keep theirs, new ones get the new.
// Files that cannot be used change nothing, and the log says why: it is better to go on with the old than to let nobody
// in.

import { constants, X509Certificate } from 'node:crypto'
import fs from 'node:fs'
import tls from 'node:tls'
import type { Log } from '../base/log.ts'
import type { Config } from '../config/config.ts'

export type TlsConfig = Config['server']['tls'] & { readonly certificate: string; readonly key: string }

/** Paths of the console's own certificate and key; the key is elsewhere where another process serves the page. */
export interface ConsoleFiles {
  readonly clientCertificate?: string | undefined
  readonly clientKey?: string | undefined
}

/** A certificate, those between it and its authority behind it, and its key: texts in PEM form. */
export interface PemPair {
  readonly certificate: string
  readonly key: string
}

interface Read {
  readonly options: tls.SecureContextOptions
  readonly own: PemPair
  /** What the console shows; undefined where it has nothing to show. */
  readonly console: PemPair | undefined
  /** The console's certificate in binary form. */
  readonly consoleRaw: Buffer | undefined
}

/** How often files are looked at. */
const LOOK_MS = 2_000

export class Certificates {
  readonly #config: TlsConfig
  readonly #consoleFiles: ConsoleFiles
  readonly #log: Pick<Log, 'info' | 'error'>
  #read: Read
  #state: string
  readonly #onChange: ((options: tls.SecureContextOptions) => void)[] = []
  #looking: NodeJS.Timeout | undefined

  /** @throws an error that names the file, or says what is wrong with them. */
  constructor(config: TlsConfig, consoleFiles: ConsoleFiles, log: Pick<Log, 'info' | 'error'>) {
    this.#config = config
    this.#consoleFiles = consoleFiles
    this.#log = log
    this.#state = this.#look()
    this.#read = this.#readAll()
  }

  get options(): tls.SecureContextOptions {
    return this.#read.options
  }

  /** What the listener shows. */
  get own(): PemPair {
    return this.#read.own
  }

  /** What the console shows to the listener; undefined where it has nothing to show. */
  get console(): PemPair | undefined {
    return this.#read.console
  }

  /** Whether a client's certificate, in binary form, is the very one of the console. */
  isOfConsole(certificate: Buffer): boolean {
    return this.#read.consoleRaw?.equals(certificate) === true
  }

  /** From now on changes are noticed, and told to `onChange`, as to others before. */
  watch(onChange: (options: tls.SecureContextOptions) => void): void {
    this.#onChange.push(onChange)
    this.#looking ??= setInterval(() => {
      const state = this.#look()
      if (state === this.#state) return
      this.#state = state
      this.reload()
    }, LOOK_MS)
    this.#looking.unref()
  }

  /** Reads them now. */
  reload(): void {
    try {
      this.#read = this.#readAll()
      for (const onChange of this.#onChange) onChange(this.#read.options)
      this.#log.info('certificates are read', { certificate: this.#config.certificate })
    } catch (error) {
      this.#log.error('certificates cannot be used; those read before still hold', { error })
    }
  }

  close(): void {
    clearInterval(this.#looking)
  }

  get #files(): string[] {
    const { certificate, key, clientCa } = this.#config
    const { clientCertificate, clientKey } = this.#consoleFiles
    return [certificate, key, clientCa, clientCertificate, clientKey].filter(file => file !== undefined)
  }

  /** Changes whenever one of the files does. */
  #look(): string {
    return this.#files
      .map(file => {
        const stats = fs.statSync(file, { throwIfNoEntry: false })
        return stats === undefined ? '-' : `${stats.ino} ${stats.size} ${stats.mtimeMs}`
      })
      .join()
  }

  #readAll(): Read {
    const { certificate, key, clientCa } = this.#config
    const own = { certificate: read('server.tls.certificate', certificate), key: read('server.tls.key', key) }
    const options: tls.SecureContextOptions = {
      cert: own.certificate,
      key: own.key,
      minVersion: 'TLSv1.2',
      // No session is resumed: each client shows its certificate to those authorities that are trusted now.
      secureOptions: constants.SSL_OP_NO_TICKET,
      ...(clientCa === undefined ? {} : { ca: read('server.tls.client_ca', clientCa) }),
    }
    const files = [certificate, key, clientCa].filter(file => file !== undefined)
    usable('server.tls', files, () => tls.createSecureContext(options))
    return { options, own, ...this.#readConsole() }
  }

  #readConsole(): Pick<Read, 'console' | 'consoleRaw'> {
    const { clientCertificate, clientKey } = this.#consoleFiles
    if (clientCertificate === undefined) return { console: undefined, consoleRaw: undefined }
    const certificate = read('console.client_certificate', clientCertificate)
    const consoleRaw = usable('console', [clientCertificate], () => new X509Certificate(certificate).raw)
    if (clientKey === undefined) return { console: undefined, consoleRaw }
    const key = read('console.client_key', clientKey)
    usable('console', [clientCertificate, clientKey], () => tls.createSecureContext({ cert: certificate, key }))
    return { console: { certificate, key }, consoleRaw }
  }
}

function usable<Result>(section: string, files: readonly string[], make: () => Result): Result {
  try {
    return make()
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw new Error(`${section}: ${files.join(', ')} cannot be used together: ${why}`, { cause: error })
  }
}

function read(key: string, file: string): string {
  try {
    return fs.readFileSync(file, 'utf8')
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw new Error(`${key}: ${why}`, { cause: error })
  }
}
