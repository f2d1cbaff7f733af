// The tables of a MySQL store. Names and columns are those of the embedded store (../schema.ts), where each table is
// told; here quantities, prices and money are exact decimals and times are UTC to the microsecond, so that a person with
// a MySQL client can read and sum them.
//
// Types are wide enough for everything a journal can hold: a refused order is a row too, with whatever type, currency or
// ticker its sender thought of. Texts compare byte by byte. What is no time (an order without expiry, an account without
// orders) is the beginning of 1970.
//
// Data definition is not part of a transaction here, so each step can be run again after it was interrupted half-way.
// Servers that start at once are kept apart by a named lock, those of a cluster by the order it gives to definitions.

import { type MysqlConnection, MysqlError, MysqlTrouble } from '../../base/mysql.ts'
import { StoreMismatch, StoreUnavailable } from '../order-store.ts'
import { SchemaTooNew } from '../schema.ts'

/** 10 digits and 6 decimals: the largest amount there is has 9,007,199,254.740991 units. */
const AMOUNT = 'DECIMAL(16, 6) NOT NULL'
const ZERO_AMOUNT = `${AMOUNT} DEFAULT 0`
const TIME = 'DATETIME(6) NOT NULL'
const NO_TIME = `${TIME} DEFAULT '1970-01-01 00:00:00'`

/** Version n of the schema is reached by the first n steps. Steps are only ever added at the end. */
const steps: readonly (readonly string[])[] = [
  [
    table(
      'submissions',
      `account BIGINT NOT NULL,
      order_id BIGINT NOT NULL,
      submission_account BIGINT NOT NULL,
      symbol VARCHAR(64) NOT NULL,
      venue VARCHAR(64) NOT NULL,
      currency BIGINT NOT NULL,
      type BIGINT NOT NULL,
      side BIGINT NOT NULL,
      destination VARCHAR(64) NOT NULL,
      quantity ${AMOUNT},
      price ${AMOUNT},
      time_in_force BIGINT NOT NULL,
      time_in_force_expiry ${NO_TIME},
      additional_fields BLOB NULL,
      shorting_flag TINYINT NOT NULL,
      timestamp ${TIME},
      query_sequence BIGINT NOT NULL,
      client_order_id VARCHAR(64) NULL,
      hold_price ${AMOUNT},
      PRIMARY KEY (order_id),
      KEY submissions_sequence_index (account, query_sequence)`,
    ),
    table(
      'execution_reports',
      `account BIGINT NOT NULL,
      order_id BIGINT NOT NULL,
      sequence BIGINT NOT NULL,
      status SMALLINT NOT NULL,
      last_quantity ${ZERO_AMOUNT},
      last_price ${ZERO_AMOUNT},
      cumulative_quantity ${ZERO_AMOUNT},
      leaves_quantity ${ZERO_AMOUNT},
      liquidity_flag VARCHAR(32) NOT NULL DEFAULT '',
      last_market VARCHAR(64) NOT NULL DEFAULT '',
      execution_fee ${ZERO_AMOUNT},
      processing_fee ${ZERO_AMOUNT},
      commission ${ZERO_AMOUNT},
      text VARCHAR(4096) NOT NULL DEFAULT '',
      timestamp ${TIME},
      query_sequence BIGINT NOT NULL,
      reason INT NOT NULL DEFAULT 0,
      params VARCHAR(4096) NOT NULL DEFAULT '',
      additional_tags BLOB NULL,
      operator BIGINT NOT NULL DEFAULT 0,
      PRIMARY KEY (order_id, sequence),
      KEY execution_reports_sequence_index (account, query_sequence, last_quantity)`,
    ),
    table(
      'live_orders',
      `order_id BIGINT NOT NULL,
      account BIGINT NOT NULL,
      PRIMARY KEY (order_id),
      KEY live_orders_account_index (account, order_id)`,
    ),
    `CREATE OR REPLACE SQL SECURITY INVOKER VIEW live_submissions AS
      SELECT * FROM submissions s WHERE EXISTS (SELECT 1 FROM live_orders l WHERE l.order_id = s.order_id)`,
    `CREATE OR REPLACE SQL SECURITY INVOKER VIEW terminal_submissions AS
      SELECT * FROM submissions s WHERE NOT EXISTS (SELECT 1 FROM live_orders l WHERE l.order_id = s.order_id)`,
    table(
      'order_execution_inventory_entries',
      `account BIGINT NOT NULL,
      symbol VARCHAR(64) NOT NULL,
      venue VARCHAR(64) NOT NULL,
      currency BIGINT NOT NULL,
      quantity ${AMOUNT},
      cost_basis ${AMOUNT},
      gross_profit_and_loss ${AMOUNT},
      fees ${AMOUNT},
      volume ${AMOUNT},
      transaction_count BIGINT NOT NULL,
      expenditure ${ZERO_AMOUNT},
      PRIMARY KEY (account, symbol, venue, currency)`,
    ),
    table(
      'order_execution_inventory_sequences',
      `account BIGINT NOT NULL,
      sequence BIGINT NOT NULL,
      report_sequence BIGINT NULL,
      timestamp ${NO_TIME},
      currency BIGINT NOT NULL DEFAULT 0,
      PRIMARY KEY (account)`,
    ),
    table(
      'order_execution_inventory_excluded_orders',
      'account BIGINT NOT NULL, id BIGINT NOT NULL, PRIMARY KEY (account, id)',
    ),
    table(
      'account_sequences',
      `account BIGINT NOT NULL,
      order_sequence BIGINT NOT NULL,
      report_sequence BIGINT NOT NULL,
      order_timestamp ${TIME},
      order_timestamp_slack BIGINT NOT NULL,
      report_timestamp ${TIME},
      report_timestamp_slack BIGINT NOT NULL,
      PRIMARY KEY (account)`,
    ),
    table('journal_positions', 'journal VARCHAR(64) NOT NULL, sequence BIGINT NOT NULL, PRIMARY KEY (journal)'),
    table(
      'set_aside',
      `journal VARCHAR(64) NOT NULL,
      sequence BIGINT NOT NULL,
      reason TEXT NOT NULL,
      bytes LONGBLOB NOT NULL,
      PRIMARY KEY (journal, sequence)`,
    ),
    table('store_owner', 'id TINYINT NOT NULL, installation VARCHAR(64) NOT NULL, PRIMARY KEY (id)'),
  ],
  // The columns by one statement, which is carried out whole or not at all; whoever finds the table has them.
  [
    `ALTER TABLE execution_reports
      ADD COLUMN client_order_id VARCHAR(64) NOT NULL DEFAULT '',
      ADD COLUMN quantity ${ZERO_AMOUNT},
      ADD COLUMN price ${ZERO_AMOUNT},
      ADD COLUMN shorting_flag TINYINT NOT NULL DEFAULT 0,
      ADD COLUMN hold_price ${ZERO_AMOUNT}`,
    table(
      'replace_client_order_ids',
      'order_id BIGINT NOT NULL, sequence BIGINT NOT NULL, PRIMARY KEY (order_id, sequence)',
    ),
  ],
]

export const MYSQL_SCHEMA_VERSION = steps.length

/** How long another server may take to bring the tables up to date. */
const LOCK_SECONDS = 60

function table(name: string, columns: string): string {
  return `CREATE TABLE IF NOT EXISTS ${name} (${columns}) ENGINE = InnoDB ROW_FORMAT = DYNAMIC`
}

/** Makes the schema where it is not there yet. Needs the right to, only then. @throws MysqlError */
export async function createSchema(connection: MysqlConnection, schema: string): Promise<void> {
  const found = await connection.query('SELECT schema_name FROM information_schema.schemata WHERE schema_name = ?', [
    schema,
  ])
  const name = `\`${schema.replaceAll('`', '``')}\``
  if (found.length === 0) {
    const collation = await exactCollation(connection)
    const sql = `CREATE DATABASE IF NOT EXISTS ${name} CHARACTER SET utf8mb4 COLLATE ${collation}`
    await inTurn(() => connection.run(sql))
  }
  await connection.run(`USE ${name}`)
}

/**
 * Brings the tables of the connection's schema to the present version.
 * @throws SchemaTooNew
 * @throws StoreMismatch where tables of these names are there that no server of ours made.
 * @throws StoreUnavailable where another server holds the lock for too long.
 * @throws MysqlError
 */
export async function migrateMysql(connection: MysqlConnection, schema: string): Promise<void> {
  if ((await mysqlSchemaVersion(connection)) === MYSQL_SCHEMA_VERSION) return
  await inTurn(() => migrateAlone(connection, schema))
}

/**
 * A node of a cluster may lag behind what the cluster has committed. From now on the connection reads nothing older than
 * that. @throws MysqlError
 */
export async function readLatest(connection: MysqlConnection): Promise<void> {
  const [row] = await connection.query("SHOW VARIABLES LIKE 'wsrep_on'")
  if (row?.Value === 'ON') await connection.run('SET SESSION wsrep_sync_wait = 1')
}

let lastTurn: Promise<unknown> = Promise.resolve()

/**
 * Definitions are changed over one connection after the other: a Galera cluster whose nodes are told the same at once may
 * come to a standstill for good, with views waiting for each other.
 */
function inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
  const turn = lastTurn.then(work)
  lastTurn = turn.catch(() => undefined) // whoever had that turn is told
  return turn
}

async function migrateAlone(connection: MysqlConnection, schema: string): Promise<void> {
  if ((await mysqlSchemaVersion(connection)) === MYSQL_SCHEMA_VERSION) return
  // Names of locks are shared by all schemas of a server, and short.
  const lock = `oes ${schema}`.slice(0, 60)
  const [answer] = await connection.query(`SELECT GET_LOCK(?, ${LOCK_SECONDS}) AS taken`, [lock])
  if (answer?.taken !== 1) {
    throw new StoreUnavailable(`another server has been changing the tables of ${schema} for too long`, {
      state: 'busy',
    })
  }
  try {
    await migrateLocked(connection, schema)
  } finally {
    // A connection that was lost has let go of it by itself.
    if (connection.isOpen) await connection.query('SELECT RELEASE_LOCK(?)', [lock])
  }
}

async function migrateLocked(connection: MysqlConnection, schema: string): Promise<void> {
  const collation = await exactCollation(connection)
  // Statements without a character set of their own follow that of the schema.
  const tableOptions = ` DEFAULT CHARACTER SET utf8mb4 COLLATE ${collation}`
  const found = await mysqlSchemaVersion(connection)
  if (found === undefined) {
    const [foreign] = await connection.query(
      "SELECT table_name AS name FROM information_schema.tables WHERE table_schema = ? AND table_name = 'submissions'",
      [schema],
    )
    if (foreign !== undefined) {
      throw new StoreMismatch(
        `the schema ${schema} has a table "submissions" that this server did not make: give it a schema of its own`,
      )
    }
    await connection.run(
      `${table('schema_version', 'id TINYINT NOT NULL, version INT NOT NULL, PRIMARY KEY (id)')}${tableOptions}`,
    )
  }
  const version = found ?? 0
  if (version > MYSQL_SCHEMA_VERSION) {
    throw new SchemaTooNew(
      `the store has schema version ${version}; this server knows versions up to ${MYSQL_SCHEMA_VERSION}`,
    )
  }
  for (let next = version; next < MYSQL_SCHEMA_VERSION; next++) {
    for (const statement of steps[next]!) {
      await runStep(connection, statement.startsWith('CREATE TABLE') ? `${statement}${tableOptions}` : statement)
    }
    await connection.run(
      'INSERT INTO schema_version VALUES (1, ?) ON DUPLICATE KEY UPDATE version = GREATEST(version, ?)',
      [next + 1, next + 1],
    )
    // The definitions commit by themselves, this row does not.
    await connection.run('COMMIT')
  }
}

/** A step that was interrupted behind its statement finds the columns there. @throws MysqlError */
async function runStep(connection: MysqlConnection, statement: string): Promise<void> {
  try {
    await connection.run(statement)
  } catch (error) {
    const isThere = error instanceof MysqlError && error.number === DUPLICATE_COLUMN
    if (!isThere || !statement.startsWith('ALTER TABLE')) throw error
  }
}

const DUPLICATE_COLUMN = 1060

/** The version of the tables in the connection's schema; undefined where there are none of ours. @throws MysqlError */
export async function mysqlSchemaVersion(connection: MysqlConnection): Promise<number | undefined> {
  try {
    const [row] = await connection.query('SELECT version FROM schema_version WHERE id = 1')
    return row === undefined ? 0 : Number(row.version)
  } catch (error) {
    if (error instanceof MysqlError && error.trouble === MysqlTrouble.Mismatch && error.number === NO_SUCH_TABLE) {
      return undefined
    }
    throw error
  }
}

const NO_SUCH_TABLE = 1146

/** Texts are compared byte by byte, blanks at the end included. MySQL and MariaDB have different names for that. */
async function exactCollation(connection: MysqlConnection): Promise<string> {
  const [row] = await connection.query('SELECT VERSION() AS version')
  return String(row?.version).includes('MariaDB') ? 'utf8mb4_nopad_bin' : 'utf8mb4_0900_bin'
}
