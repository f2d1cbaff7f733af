// Opens a store for reading, whichever kind it is.

import { unreachable } from '../base/assert.ts'
import { EmbeddedReader } from './embedded-view.ts'
import { MysqlReader } from './mysql/mysql-view.ts'
import type { ReadableStore } from './readable-store.ts'
import type { StoreEndpoint } from './store-endpoint.ts'

export interface ReadableOptions {
  /** Memory for much reading at once, in bytes: recovery gives it. */
  readonly cacheBytes?: number
  /** How long the server of an endpoint may be silent; the endpoint's own limit where absent. */
  readonly statementTimeoutMs?: number
  readonly connectTimeoutMs?: number
}

/** @throws StoreUnavailable; a MySQL endpoint is not asked before the first view. */
export async function openReadable(endpoint: StoreEndpoint, options: ReadableOptions = {}): Promise<ReadableStore> {
  const { cacheBytes, ...limits } = options
  switch (endpoint.kind) {
    case 'embedded':
      return new EmbeddedReader({
        file: endpoint.file,
        name: endpoint.name,
        ...(cacheBytes === undefined ? {} : { cacheBytes }),
      })
    case 'mysql':
      return new MysqlReader({ ...endpoint, ...limits })
    default:
      return unreachable(endpoint)
  }
}
