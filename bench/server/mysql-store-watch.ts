// How far a MySQL store of a running server is, seen from outside over a connection of its own.

import { MysqlConnection } from '../../src/base/mysql.ts'
import type { MysqlEndpoint } from '../../src/stores/store-endpoint.ts'
import { caughtUp, type StoreProgress } from './store-watch.ts'

export class MysqlStoreWatch implements StoreProgress {
  readonly #connection: MysqlConnection

  static async open(endpoint: MysqlEndpoint): Promise<MysqlStoreWatch> {
    return new MysqlStoreWatch(await MysqlConnection.open({ ...endpoint, statementTimeoutMs: 600_000 }))
  }

  private constructor(connection: MysqlConnection) {
    this.#connection = connection
  }

  async reports(): Promise<number> {
    return this.#number('SELECT SUM(report_sequence) AS number FROM account_sequences')
  }

  caughtUp(reports: number): Promise<number> {
    return caughtUp(this, reports)
  }

  /** The store's own count of its rows; the acceptance of an order is a report too. Walks the tables. */
  async rows(): Promise<{ orders: number; reports: number; live: number }> {
    return {
      orders: await this.#number('SELECT COUNT(*) AS number FROM submissions'),
      reports: await this.#number('SELECT COUNT(*) AS number FROM execution_reports'),
      live: await this.#number('SELECT COUNT(*) AS number FROM live_orders'),
    }
  }

  close(): Promise<void> {
    return this.#connection.close()
  }

  async #number(sql: string): Promise<number> {
    const [row] = await this.#connection.query(sql)
    return Number(row?.number ?? 0)
  }
}
