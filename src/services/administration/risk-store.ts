// Risk parameters and states as the administration service keeps them. A row is written before the book that everybody
// is told from; a missing row reads as the default.
//
//   risk_parameters   account, currency, buying_power, net_loss (micros), allowed_state, allowed_expiry, transition_time (µs)
//   risk_states       account, state, expiry (µs since the epoch, 0 never)

import type { Database, Statement } from '../../base/sqlite.ts'
import type { RiskStateType } from '../../domain/risk-state.ts'
import { type Page, pageOf } from '../wire/pages.ts'
import { RiskBook, type RiskParameters, type RiskState } from './risk.ts'

export class RiskStore {
  readonly book = new RiskBook()
  readonly #database: Database
  readonly #writeParameters: Statement
  readonly #writeState: Statement

  constructor(database: Database) {
    this.#database = database
    database.exec(`
      CREATE TABLE IF NOT EXISTS risk_parameters (
        account INTEGER PRIMARY KEY, currency INTEGER NOT NULL, buying_power INTEGER NOT NULL, net_loss INTEGER NOT NULL,
        allowed_state INTEGER NOT NULL, allowed_expiry INTEGER NOT NULL, transition_time INTEGER NOT NULL
      );
      CREATE TABLE IF NOT EXISTS risk_states (
        account INTEGER PRIMARY KEY, state INTEGER NOT NULL, expiry INTEGER NOT NULL
      );
    `)
    this.#writeParameters = database.prepare('INSERT OR REPLACE INTO risk_parameters VALUES (?, ?, ?, ?, ?, ?, ?)')
    this.#writeState = database.prepare('INSERT OR REPLACE INTO risk_states VALUES (?, ?, ?)')
    for (const row of database.prepare('SELECT * FROM risk_parameters').iterate()) {
      this.book.storeParameters(Number(row.account), parametersOfRow(row))
    }
    for (const row of database.prepare('SELECT * FROM risk_states').iterate()) {
      this.book.storeState(Number(row.account), stateOfRow(row.state, row.expiry))
    }
  }

  storeParameters(account: number, parameters: RiskParameters): void {
    const { currency, buyingPower, netLoss, allowedState, transitionTimeUs } = parameters
    const { type, expiry } = allowedState
    this.#writeParameters.run(account, currency, buyingPower, netLoss, type, expiry, transitionTimeUs)
    this.book.storeParameters(account, parameters)
  }

  storeState(account: number, state: RiskState): void {
    this.#writeState.run(account, state.type, state.expiry)
    this.book.storeState(account, state)
  }

  /** Drops the rows of an account that is gone. */
  delete(account: number): void {
    this.#database.prepare('DELETE FROM risk_parameters WHERE account = ?').run(account)
    this.#database.prepare('DELETE FROM risk_states WHERE account = ?').run(account)
    this.book.forget(account)
  }

  parametersAfter(account: number, rowsMax: number): Page<readonly [number, RiskParameters]> {
    const rows = this.#database
      .prepare('SELECT * FROM risk_parameters WHERE account > ? ORDER BY account LIMIT ?')
      .all(account, rowsMax + 1)
      .map(row => [Number(row.account), parametersOfRow(row)] as const)
    return pageOf(rows, rowsMax)
  }

  statesAfter(account: number, rowsMax: number): Page<readonly [number, RiskState]> {
    const rows = this.#database
      .prepare('SELECT * FROM risk_states WHERE account > ? ORDER BY account LIMIT ?')
      .all(account, rowsMax + 1)
      .map(row => [Number(row.account), stateOfRow(row.state, row.expiry)] as const)
    return pageOf(rows, rowsMax)
  }
}

function stateOfRow(type: unknown, expiry: unknown): RiskState {
  // Only what the service has checked is ever written.
  return { type: Number(type) as RiskStateType, expiry: Number(expiry) }
}

function parametersOfRow(row: Record<string, unknown>): RiskParameters {
  return {
    currency: Number(row.currency),
    buyingPower: Number(row.buying_power),
    netLoss: Number(row.net_loss),
    allowedState: stateOfRow(row.allowed_state, row.allowed_expiry),
    transitionTimeUs: Number(row.transition_time),
  }
}
