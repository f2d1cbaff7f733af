// How far the embedded store of a running server is, seen from outside: its file is read beside its writer. Counted in
// reports, as a client counts them: every order accepted is one, so is each that follows.

import fs from 'node:fs'
import { type Database, openDatabaseToRead, type Statement } from '../../src/base/sqlite.ts'

const LOOK_MS = 20

/** How far a store is. */
export interface StoreProgress {
  /** Reports that the store has. */
  reports(): number | Promise<number>
  /** Waits until the store has so many reports. @returns the milliseconds that took */
  caughtUp(reports: number): Promise<number>
}

export class StoreWatch implements StoreProgress {
  readonly #database: Database
  readonly #reports: Statement

  constructor(file: string) {
    this.#database = openDatabaseToRead(file)
    this.#reports = this.#database.prepare('SELECT total(report_sequence) AS reports FROM account_sequences')
  }

  reports(): number {
    return Number(this.#reports.get()?.reports)
  }

  caughtUp(reports: number): Promise<number> {
    return caughtUp(this, reports)
  }

  /** The store's own count of its rows; the acceptance of an order is a report too. Walks the tables. */
  rows(): { orders: number; reports: number } {
    const row = this.#database
      .prepare(
        'SELECT (SELECT count(*) FROM submissions) AS orders, (SELECT count(*) FROM execution_reports) AS reports',
      )
      .get()
    return { orders: Number(row?.orders), reports: Number(row?.reports) }
  }

  close(): void {
    this.#database.close()
  }
}

/** Waits until the store has so many reports; rejects where it gets none for `stalledMsMax`. */
export async function caughtUp(
  store: Pick<StoreProgress, 'reports'>,
  reports: number,
  stalledMsMax = 20_000,
): Promise<number> {
  const beginMs = performance.now()
  let stored = await store.reports()
  let progressMs = beginMs
  while (stored < reports) {
    await new Promise(resolve => setTimeout(resolve, LOOK_MS))
    const now = performance.now()
    const seen = await store.reports()
    if (seen > stored) progressMs = now
    else if (now - progressMs > stalledMsMax) throw new Error(`the store stays at ${seen} of ${reports} reports`)
    stored = seen
  }
  return performance.now() - beginMs
}

/** Bytes of a database with the files beside it. */
export function storeBytes(file: string): number {
  return ['', '-wal'].reduce((sum, ending) => {
    const stat = fs.statSync(file + ending, { throwIfNoEntry: false })
    return sum + (stat?.size ?? 0)
  }, 0)
}
