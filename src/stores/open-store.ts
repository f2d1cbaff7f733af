// Opens a store for its writer, whichever kind it is, with its tables brought to the present version.

import { unreachable } from '../base/assert.ts'
import type { Log } from '../base/log.ts'
import type { Definitions } from '../domain/definitions.ts'
import { EmbeddedStore } from './embedded-store.ts'
import { MysqlStore } from './mysql/mysql-store.ts'
import type { OrderStore } from './order-store.ts'
import type { StoreEndpoint } from './store-endpoint.ts'

export interface OpenStoreOptions {
  readonly definitions: Definitions
  /** Is told what the settings of a server put at risk. */
  readonly log?: Pick<Log, 'warning'>
  /** Memory for pages of an embedded store, in bytes. */
  readonly cacheBytes?: number
}

/** @throws StoreUnavailable, StoreMismatch, SchemaTooNew */
export async function openStore(endpoint: StoreEndpoint, options: OpenStoreOptions): Promise<OrderStore> {
  switch (endpoint.kind) {
    case 'embedded':
      return EmbeddedStore.open({ file: endpoint.file, name: endpoint.name, ...options })
    case 'mysql':
      return await MysqlStore.open(endpoint, options)
    default:
      return unreachable(endpoint)
  }
}
