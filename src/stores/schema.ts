// The tables of the embedded store. They carry the names, columns and meaning that reports and audits of other tools
// expect; prices, quantities and money are whole micros, times µs since the epoch (UTC), enumerations their ordinals.
//
//   submissions         one row per order, refused ones too; never changed
//   execution_reports   one row per report; report 0 (PENDING_NEW) belongs to the submission itself
//   live_orders         orders without a terminal report, as two views and every recovery see them
//   replace_client_order_ids   which reports tell the client order id of a replace, so that recovery finds the few among all
//   order_execution_*   the inventory snapshot of each account, replaced as a whole
//   account_sequences   where the sequences of each account stand, so that recovery need not look through its history
//   journal_positions   how far each journal has been copied: changes in the transaction that copies
//   store_owner         the installation whose orders these are
//   set_aside           entries of a journal that no table could take, whole, with the reason
//
// Times have no index of their own. Within an account they rise with the sequence, except by the slack noted in
// account_sequences, so a search over the sequence index finds a time (see sequence-search.ts).

import type { Database } from '../base/sqlite.ts'
import { inTransaction } from '../base/sqlite.ts'

/** Version n of the schema is reached by the first n steps. Steps are only ever added at the end. */
const steps: readonly string[] = [
  `
  CREATE TABLE submissions (
    account INTEGER NOT NULL,
    order_id INTEGER PRIMARY KEY,
    submission_account INTEGER NOT NULL,
    symbol TEXT NOT NULL,
    venue TEXT NOT NULL,
    currency INTEGER NOT NULL,
    type INTEGER NOT NULL,
    side INTEGER NOT NULL,
    destination TEXT NOT NULL,
    quantity INTEGER NOT NULL,
    price INTEGER NOT NULL,
    time_in_force INTEGER NOT NULL,
    time_in_force_expiry INTEGER NOT NULL,
    additional_fields BLOB,
    shorting_flag INTEGER NOT NULL,
    timestamp INTEGER NOT NULL,
    query_sequence INTEGER NOT NULL,
    client_order_id TEXT,
    hold_price INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX submissions_sequence_index ON submissions (account, query_sequence);
  CREATE INDEX submissions_client_order_index ON submissions (order_id) WHERE client_order_id IS NOT NULL;

  CREATE TABLE execution_reports (
    account INTEGER NOT NULL,
    order_id INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    status INTEGER NOT NULL,
    last_quantity INTEGER NOT NULL DEFAULT 0,
    last_price INTEGER NOT NULL DEFAULT 0,
    cumulative_quantity INTEGER NOT NULL DEFAULT 0,
    leaves_quantity INTEGER NOT NULL DEFAULT 0,
    liquidity_flag TEXT NOT NULL DEFAULT '',
    last_market TEXT NOT NULL DEFAULT '',
    execution_fee INTEGER NOT NULL DEFAULT 0,
    processing_fee INTEGER NOT NULL DEFAULT 0,
    commission INTEGER NOT NULL DEFAULT 0,
    text TEXT NOT NULL DEFAULT '',
    timestamp INTEGER NOT NULL,
    query_sequence INTEGER NOT NULL,
    reason INTEGER NOT NULL DEFAULT 0,
    params TEXT NOT NULL DEFAULT '',
    additional_tags BLOB,
    operator INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (order_id, sequence)
  ) STRICT, WITHOUT ROWID;
  -- Not unique, since the store itself lets no sequence in twice; the quantity lets recovery pass by what is no fill.
  CREATE INDEX execution_reports_sequence_index ON execution_reports (account, query_sequence, last_quantity);

  CREATE TABLE live_orders (
    order_id INTEGER PRIMARY KEY,
    account INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX live_orders_account_index ON live_orders (account, order_id);
  CREATE VIEW live_submissions AS
    SELECT * FROM submissions WHERE order_id IN (SELECT order_id FROM live_orders);
  CREATE VIEW terminal_submissions AS
    SELECT * FROM submissions WHERE order_id NOT IN (SELECT order_id FROM live_orders);

  CREATE TABLE order_execution_inventory_entries (
    account INTEGER NOT NULL,
    symbol TEXT NOT NULL,
    venue TEXT NOT NULL,
    currency INTEGER NOT NULL,
    quantity INTEGER NOT NULL,
    cost_basis INTEGER NOT NULL,
    gross_profit_and_loss INTEGER NOT NULL,
    fees INTEGER NOT NULL,
    volume INTEGER NOT NULL,
    transaction_count INTEGER NOT NULL,
    expenditure INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (account, symbol, venue, currency)
  ) STRICT, WITHOUT ROWID;
  -- A snapshot with a report_sequence is exact: its entries hold every fill up to that report of the account. One
  -- without was made by other tools: it holds the orders up to "sequence" except the excluded ones, finished or not.
  CREATE TABLE order_execution_inventory_sequences (
    account INTEGER PRIMARY KEY,
    sequence INTEGER NOT NULL,
    report_sequence INTEGER,
    timestamp INTEGER NOT NULL DEFAULT 0,
    currency INTEGER NOT NULL DEFAULT 0
  ) STRICT;
  CREATE TABLE order_execution_inventory_excluded_orders (
    account INTEGER NOT NULL,
    id INTEGER NOT NULL,
    PRIMARY KEY (account, id)
  ) STRICT, WITHOUT ROWID;

  -- The last sequences of an account; the latest times and by how much any later time lies before an earlier one.
  CREATE TABLE account_sequences (
    account INTEGER PRIMARY KEY,
    order_sequence INTEGER NOT NULL,
    report_sequence INTEGER NOT NULL,
    order_timestamp INTEGER NOT NULL,
    order_timestamp_slack INTEGER NOT NULL,
    report_timestamp INTEGER NOT NULL,
    report_timestamp_slack INTEGER NOT NULL
  ) STRICT;

  CREATE TABLE journal_positions (
    journal TEXT PRIMARY KEY,
    sequence INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE set_aside (
    journal TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    reason TEXT NOT NULL,
    bytes BLOB NOT NULL,
    PRIMARY KEY (journal, sequence)
  ) STRICT, WITHOUT ROWID;
  `,
  `
  -- One row, once there is an owner.
  CREATE TABLE store_owner (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    installation TEXT NOT NULL
  ) STRICT;
  `,
  `
  -- Terms of a replace, in the reports that tell of one.
  ALTER TABLE execution_reports ADD COLUMN client_order_id TEXT NOT NULL DEFAULT '';
  ALTER TABLE execution_reports ADD COLUMN quantity INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE execution_reports ADD COLUMN price INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE execution_reports ADD COLUMN shorting_flag INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE execution_reports ADD COLUMN hold_price INTEGER NOT NULL DEFAULT 0;
  CREATE TABLE replace_client_order_ids (
    order_id INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    PRIMARY KEY (order_id, sequence)
  ) STRICT, WITHOUT ROWID;
  `,
]

export const SCHEMA_VERSION = steps.length

/** The file was written by a later version of the server, whose tables this one does not know. */
export class SchemaTooNew extends Error {
  override name = 'SchemaTooNew'
}

/** The version of the tables in `database`; 0 for an empty file. */
export function schemaVersion(database: Database): number {
  return Number(database.prepare('PRAGMA user_version').get()?.user_version)
}

/** Brings the tables to the present version, each step whole or not at all. @throws SchemaTooNew */
export function migrate(database: Database): void {
  const found = schemaVersion(database)
  if (found > SCHEMA_VERSION) {
    throw new SchemaTooNew(`the store has schema version ${found}; this server knows versions up to ${SCHEMA_VERSION}`)
  }
  for (let version = found; version < SCHEMA_VERSION; version++) {
    inTransaction(database, () => database.exec(`${steps[version]}; PRAGMA user_version = ${version + 1}`))
  }
}
