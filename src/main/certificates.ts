// Key and certificates of the listener. They are read again when they have changed on the disk or when somebody says so;
// connections that are there keep theirs, new ones get the new. Files that cannot be used change nothing, and the log says
// why: it is better to go on with the old than to let nobody in.

import { constants } from 'node:crypto'
import fs from 'node:fs'
import tls from 'node:tls'
import type { Log } from '../base/log.ts'
import type { Config } from '../config/config.ts'

export type TlsConfig = Config['server']['tls'] & { readonly certificate: string; readonly key: string }

/** How often files are looked at. */
const LOOK_MS = 2_000

export class Certificates {
  readonly #config: TlsConfig
  readonly #log: Pick<Log, 'info' | 'error'>
  #options: tls.SecureContextOptions
  #state: string
  #onChange: (options: tls.SecureContextOptions) => void = () => undefined
  #looking: NodeJS.Timeout | undefined

  /** @throws an error that names the file, or says what is wrong with them. */
  constructor(config: TlsConfig, log: Pick<Log, 'info' | 'error'>) {
    this.#config = config
    this.#log = log
    this.#state = this.#look()
    this.#options = this.#read()
  }

  get options(): tls.SecureContextOptions {
    return this.#options
  }

  /** From now on changes are noticed, and told to `onChange`. */
  watch(onChange: (options: tls.SecureContextOptions) => void): void {
    this.#onChange = onChange
    this.#looking = setInterval(() => {
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
      this.#options = this.#read()
      this.#onChange(this.#options)
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
    return [certificate, key, clientCa].filter(file => file !== undefined)
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

  #read(): tls.SecureContextOptions {
    const { certificate, key, clientCa } = this.#config
    const options: tls.SecureContextOptions = {
      cert: read('certificate', certificate),
      key: read('key', key),
      minVersion: 'TLSv1.2',
      // No session is resumed: each client shows its certificate to those authorities that are trusted now.
      secureOptions: constants.SSL_OP_NO_TICKET,
      ...(clientCa === undefined ? {} : { ca: read('client_ca', clientCa) }),
    }
    try {
      tls.createSecureContext(options)
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error)
      throw new Error(`server.tls: ${this.#files.join(', ')} cannot be used together: ${why}`, { cause: error })
    }
    return options
  }
}

function read(name: string, file: string): Buffer {
  try {
    return fs.readFileSync(file)
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw new Error(`server.tls.${name}: ${why}`, { cause: error })
  }
}
