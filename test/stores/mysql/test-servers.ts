// The servers that tests of the MySQL store run against: one MariaDB that the test starts, and every server named by
// OES_TEST_MYSQL=host:port,… (user root, password from OES_TEST_MYSQL_PASSWORD or none). Those are not to be restarted.

import { MysqlConnection } from '../../../src/base/mysql.ts'
import type { MysqlEndpoint } from '../../../src/stores/store-endpoint.ts'
import { type MariaDb, newSchema } from './mariadb-server.ts'

export interface TestServer {
  readonly name: string
  newSchema(): string
  endpoint(schema: string): MysqlEndpoint
  /** A connection of one who may do everything, in no schema. */
  connect(): Promise<MysqlConnection>
}

export function ownServer(server: MariaDb): TestServer {
  return {
    name: 'MariaDB',
    newSchema,
    endpoint: schema => server.endpoint(schema),
    connect: () => server.connect(),
  }
}

export function givenServers(): TestServer[] {
  const addresses = (process.env.OES_TEST_MYSQL ?? '').split(',').filter(address => address !== '')
  const password = process.env.OES_TEST_MYSQL_PASSWORD ?? ''
  return addresses.map((address): TestServer => {
    const [host = '127.0.0.1', port = '3306'] = address.split(':')
    const endpoint = (schema: string): MysqlEndpoint => ({
      kind: 'mysql',
      name: `${address}/${schema}`,
      host,
      port: Number(port),
      username: 'root',
      password,
      schema,
      tls: undefined,
      connectTimeoutMs: 10_000,
      statementTimeoutMs: 60_000,
    })
    return {
      name: address,
      newSchema,
      endpoint,
      connect: () => MysqlConnection.open({ ...endpoint(''), schema: undefined }),
    }
  })
}
