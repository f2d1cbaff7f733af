// Risk parameters and states as the administration service keeps them. A row is written, together with the record of its
// change, before the book that everybody is told from; a missing row reads as the default.
//
//   risk_parameters   account, currency, buying_power, net_loss (micros), allowed_state, allowed_expiry, transition_time (µs)
//   risk_states       account, state, expiry (µs since the epoch, 0 never)

import { type Database, inTransaction, type Statement } from '../../base/sqlite.ts'
import type { RiskStateType } from '../../domain/risk-state.ts'
import { ChangeLog } from '../changes/change-log.ts'
import { type Page, pageOf } from '../wire/pages.ts'
import { ADMINISTRATION_SERVICE, riskParametersToWire, riskStateToWire } from './messages.ts'
import { RiskBook, type RiskParameters, type RiskState, sameRiskState } from './risk.ts'

/** Names of the changes in the log. */
const RISK_PARAMETERS = 'risk_parameters'
const RISK_STATE = 'risk_state'

export class RiskStore {
  readonly book = new RiskBook()
  readonly changes: ChangeLog
  readonly #database: Database
  readonly #writeParameters: Statement
  readonly #writeState: Statement

  /** @param nowUs µs since the epoch. */
  constructor(database: Database, nowUs: () => number) {
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
    this.changes = new ChangeLog(database, ADMINISTRATION_SERVICE, nowUs)
    this.#writeParameters = database.prepare('INSERT OR REPLACE INTO risk_parameters VALUES (?, ?, ?, ?, ?, ?, ?)')
    this.#writeState = database.prepare('INSERT OR REPLACE INTO risk_states VALUES (?, ?, ?)')
    for (const row of database.prepare('SELECT * FROM risk_parameters').iterate()) {
      this.book.storeParameters(Number(row.account), parametersOfRow(row))
    }
    for (const row of database.prepare('SELECT * FROM risk_states').iterate()) {
      this.book.storeState(Number(row.account), stateOfRow(row.state, row.expiry))
    }
  }

  /** True before anything was stored. */
  get empty(): boolean {
    return (
      this.#database.prepare('SELECT 1 FROM risk_parameters UNION ALL SELECT 1 FROM risk_states').get() === undefined
    )
  }

  /** Stores several figures as one transaction, for worlds that are made at once. */
  together(work: () => void): void {
    inTransaction(this.#database, work)
  }

  /**
   * @param by who wants it; nobody in a world that is being made.
   * @param also what belongs into the same transaction.
   */
  storeParameters(account: number, parameters: RiskParameters, by?: number, also?: () => void): void {
    const { currency, buyingPower, netLoss, allowedState, transitionTimeUs } = parameters
    const { type, expiry } = allowedState
    inTransaction(this.#database, () => {
      this.#writeParameters.run(account, currency, buyingPower, netLoss, type, expiry, transitionTimeUs)
      if (by !== undefined) {
        const [before, after] = [this.book.parameters(account), parameters].map(riskParametersToWire)
        this.changes.record({ by, what: RISK_PARAMETERS, subject: account, before: before!, after: after! })
      }
      also?.()
    })
    this.book.storeParameters(account, parameters)
  }

  /** @param by who wants it; nobody in a world that is being made. */
  storeState(account: number, state: RiskState, by?: number): void {
    const previous = this.book.state(account)
    // Whoever watches over risk tells the states of all accounts when it starts; most of them are known.
    if (by !== undefined && sameRiskState(previous, state)) return
    inTransaction(this.#database, () => {
      this.#writeState.run(account, state.type, state.expiry)
      if (by !== undefined) {
        const [before, after] = [previous, state].map(riskStateToWire)
        this.changes.record({ by, what: RISK_STATE, subject: account, before: before!, after: after! })
      }
    })
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
