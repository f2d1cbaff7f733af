// What the risk server keeps on disk: for each account the inventory snapshot it goes on from, and how far its
// transition has come. A snapshot that is a little old costs nothing but time: what came after it is read from the
// server again.
//
//   inventory_entries     account, ticker, currency, quantity, cost_basis, gross_profit_and_loss, fees, volume
//                         (micros), transaction_count
//   inventory_sequences   account, sequence (of orders), report_sequence, excluded_orders (their ids, 8-byte doubles)
//   risk_transitions      account, state, expiry (µs since the epoch, 0 never), stage
//
// The rows of an account change in one transaction. The ids are one value, since an account may have a hundred thousand
// live orders, and writing them must not keep a quote waiting.

import type { TickerInventory } from '../accounting/bookkeeper.ts'
import { type Database, inTransaction, openDatabase, type Statement } from '../base/sqlite.ts'
import type { RiskStateType } from '../domain/risk-state.ts'
import type { AccountSnapshot, AccountTransition } from './account-risk.ts'
import { emptySnapshot } from './inventory-snapshot.ts'
import type { TransitionStage } from './risk-transition-model.ts'

export class RiskStore {
  readonly #database: Database
  readonly #statements: ReturnType<typeof statementsOf>

  /** Opens or makes the file. @throws an error that names it */
  constructor(path: string) {
    this.#database = openDatabase(path, 'normal')
    this.#database.exec(`
      CREATE TABLE IF NOT EXISTS inventory_entries (
        account INTEGER NOT NULL, ticker TEXT NOT NULL, currency INTEGER NOT NULL, quantity INTEGER NOT NULL,
        cost_basis INTEGER NOT NULL, gross_profit_and_loss INTEGER NOT NULL, fees INTEGER NOT NULL,
        volume INTEGER NOT NULL, transaction_count INTEGER NOT NULL, PRIMARY KEY (account, ticker)
      ) WITHOUT ROWID;
      CREATE TABLE IF NOT EXISTS inventory_sequences (
        account INTEGER PRIMARY KEY, sequence INTEGER NOT NULL, report_sequence INTEGER NOT NULL,
        excluded_orders BLOB NOT NULL
      );
      CREATE TABLE IF NOT EXISTS risk_transitions (
        account INTEGER PRIMARY KEY, state INTEGER NOT NULL, expiry INTEGER NOT NULL, stage INTEGER NOT NULL
      );
    `)
    this.#statements = statementsOf(this.#database)
  }

  close(): void {
    this.#database.close()
  }

  /** The snapshot of an account; an empty one where there is none. */
  snapshot(account: number): AccountSnapshot {
    const { sequenceOf, entriesOf } = this.#statements
    const row = sequenceOf.get(account)
    if (row === undefined) return { ...emptySnapshot, reportSequence: 0 }
    return {
      inventories: entriesOf.all(account).map(inventoryOfRow),
      sequence: Number(row.sequence),
      reportSequence: Number(row.report_sequence),
      excluded: idsOf(row.excluded_orders),
    }
  }

  transition(account: number): AccountTransition | undefined {
    const row = this.#statements.transitionOf.get(account)
    if (row === undefined) return undefined
    // Only what this class has written is ever read.
    const state = { type: Number(row.state) as RiskStateType, expiry: Number(row.expiry) }
    return { state, stage: Number(row.stage) as TransitionStage }
  }

  storeTransition(account: number, { state, stage }: AccountTransition): void {
    this.#statements.writeTransition.run(account, state.type, state.expiry, stage)
  }

  /** Stores snapshots, all of them or, where it throws, none. */
  storeSnapshots(snapshots: Iterable<readonly [number, AccountSnapshot]>): void {
    inTransaction(this.#database, () => {
      for (const [account, snapshot] of snapshots) this.#write(account, snapshot)
    })
  }

  /** Drops everything, so that every account is counted from its first order again. */
  clear(): void {
    inTransaction(this.#database, () => {
      this.#database.exec('DELETE FROM inventory_entries; DELETE FROM inventory_sequences')
    })
  }

  #write(account: number, { sequence, reportSequence, inventories, excluded }: AccountSnapshot): void {
    const { writeSequence, deleteEntries, writeEntry } = this.#statements
    writeSequence.run(account, sequence, reportSequence, new Uint8Array(Float64Array.from(excluded).buffer))
    deleteEntries.run(account)
    for (const { ticker, currency, quantity, costBasis, gross, fees, volume, transactions } of inventories) {
      writeEntry.run(account, ticker, currency, quantity, costBasis, gross, fees, volume, transactions)
    }
  }
}

function statementsOf(
  database: Database,
): Record<
  'sequenceOf' | 'entriesOf' | 'transitionOf' | 'writeTransition' | 'writeSequence' | 'deleteEntries' | 'writeEntry',
  Statement
> {
  return {
    sequenceOf: database.prepare('SELECT * FROM inventory_sequences WHERE account = ?'),
    entriesOf: database.prepare('SELECT * FROM inventory_entries WHERE account = ?'),
    transitionOf: database.prepare('SELECT * FROM risk_transitions WHERE account = ?'),
    writeTransition: database.prepare('INSERT OR REPLACE INTO risk_transitions VALUES (?, ?, ?, ?)'),
    writeSequence: database.prepare('INSERT OR REPLACE INTO inventory_sequences VALUES (?, ?, ?, ?)'),
    deleteEntries: database.prepare('DELETE FROM inventory_entries WHERE account = ?'),
    writeEntry: database.prepare('INSERT INTO inventory_entries VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)'),
  }
}

function inventoryOfRow(row: Record<string, unknown>): TickerInventory {
  return {
    ticker: String(row.ticker),
    currency: Number(row.currency),
    quantity: Number(row.quantity),
    costBasis: Number(row.cost_basis),
    gross: Number(row.gross_profit_and_loss),
    fees: Number(row.fees),
    volume: Number(row.volume),
    transactions: Number(row.transaction_count),
  }
}

function idsOf(value: unknown): number[] {
  // Copied, since a blob may begin anywhere in its buffer. Only what this class has written is ever read.
  return [...new Float64Array((value as Uint8Array).slice().buffer)]
}
