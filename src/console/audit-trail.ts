// Who did what at this console, when, and what came of it: a line of the log for each, which is there for ever, and the
// latest of them in memory, to be looked at.

import type { Log } from '../base/log.ts'
import type { AuditRow } from './messages.ts'

const ROWS_MAX = 1_000

export class AuditTrail {
  readonly #log: Pick<Log, 'info'>
  readonly #rows: AuditRow[] = []

  constructor(log: Pick<Log, 'info'>) {
    this.#log = log
  }

  note(entry: Omit<AuditRow, 'timeMs'>): void {
    this.#log.info('done at the console', { ...entry })
    this.#rows.push({ timeMs: Date.now(), ...entry })
    if (this.#rows.length > ROWS_MAX) this.#rows.shift()
  }

  /** The latest first; of one person where one is named. */
  rows(who?: string): AuditRow[] {
    return this.#rows.filter(row => who === undefined || row.who === who).reverse()
  }
}
