// Where a store is: plain data, so that it can be handed from thread to thread. A store is either a file of this machine
// or a schema of a MySQL server.

import type { TlsSettings } from '../base/mysql.ts'

export interface EmbeddedEndpoint {
  readonly kind: 'embedded'
  /** What the log and the metrics call it. */
  readonly name: string
  readonly file: string
}

export interface MysqlEndpoint {
  readonly kind: 'mysql'
  /** What the log and the metrics call it: host:port/schema. */
  readonly name: string
  readonly host: string
  readonly port: number
  readonly username: string
  readonly password: string
  readonly schema: string
  /** Undefined where the connection is not encrypted. */
  readonly tls: TlsSettings | undefined
  /** How long the whole opening of a connection may take. */
  readonly connectTimeoutMs: number
  /** How long a server may be silent while it owes an answer, before the connection is given up. */
  readonly statementTimeoutMs: number
}

export type StoreEndpoint = EmbeddedEndpoint | MysqlEndpoint
