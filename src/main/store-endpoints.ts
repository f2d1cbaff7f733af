// Where the stores are, from the configuration: MySQL servers, or one file in the data directory.

import fs from 'node:fs'
import path from 'node:path'
import { formatAddress } from '../config/address.ts'
import type { Config } from '../config/config.ts'
import type { StoreEndpoint } from '../stores/store-endpoint.ts'

/** A file that the configuration names cannot be read. */
export class TlsFileUnreadable extends Error {
  override name = 'TlsFileUnreadable'
  constructor(key: string, file: string, cause: unknown) {
    super(`data_store.${key} names ${file}, which cannot be read: give the path of a PEM file.`, { cause })
  }
}

/** The stores of `config`, in its order. `data` is the data directory. @throws TlsFileUnreadable */
export function storeEndpoints(config: Pick<Config, 'dataStore'>, data: string): StoreEndpoint[] {
  if (config.dataStore.length === 0) return [{ kind: 'embedded', name: 'embedded', file: path.join(data, 'store.db') }]
  return config.dataStore.map(store => {
    const { address, username, password, schema, connectMs, statementMs } = store
    return {
      kind: 'mysql',
      name: `${formatAddress(address)}/${schema}`,
      host: address.host,
      port: address.port,
      username,
      password,
      schema,
      tls:
        store.tls === 'off'
          ? undefined
          : {
              caFile: readable('tls_ca', store.tlsCa),
              certificateFile: readable('tls_certificate', store.tlsCertificate),
              keyFile: readable('tls_key', store.tlsKey),
              isVerified: store.tls === 'verified',
            },
      connectTimeoutMs: connectMs,
      statementTimeoutMs: statementMs,
    }
  })
}

/** The whole path of a file that is there; what is wrong with it is better told at the start than with each attempt. */
function readable(key: string, file: string | undefined): string | undefined {
  if (file === undefined) return undefined
  try {
    fs.accessSync(file, fs.constants.R_OK)
  } catch (error) {
    throw new TlsFileUnreadable(key, file, error)
  }
  return path.resolve(file)
}

/** The file that takes the place of MySQL servers none of which answers at the start. */
export function standInEndpoint(stores: readonly StoreEndpoint[], data: string): StoreEndpoint | undefined {
  if (stores.every(({ kind }) => kind === 'embedded')) return undefined
  return { kind: 'embedded', name: 'stand-in', file: path.join(data, 'stand-in.db') }
}
