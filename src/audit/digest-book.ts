// The sums of digests by account, day, and part of the account's numbering, for several sources. A sum does not depend on
// the order in which rows come, and two sums of the same part can be added. What there is too much of for memory lies in
// a temporary file.

import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { type Database, inTransaction, openDatabase } from '../base/sqlite.ts'
import type { Row } from '../stores/readable-store.ts'
import { type RowTable, rowDigest, submissionTable } from './table-rows.ts'

/** Sums of one source in memory; some hundred bytes each. */
const SUMS_MAX = 32_768
const WORDS = 4
const DAY_US = 86_400_000_000

/** One account on one day (UTC) within one part of its numbering, as one source has it. */
export interface DigestSum {
  readonly source: number
  readonly account: number
  /** Days since the epoch. */
  readonly day: number
  readonly part: number
  orders: number
  reports: number
  readonly words: Uint32Array
}

export class DigestBook {
  readonly #folder = fs.mkdtempSync(path.join(os.tmpdir(), 'oes-digests-'))
  readonly #database: Database
  readonly #upsert: ReturnType<Database['prepare']>

  constructor() {
    this.#database = openDatabase(path.join(this.#folder, 'digests.db'), 'normal')
    this.#database.exec(`
      PRAGMA synchronous = OFF;
      CREATE TABLE sums (account INTEGER, day INTEGER, part INTEGER, source INTEGER, orders INTEGER, reports INTEGER,
        w0 INTEGER, w1 INTEGER, w2 INTEGER, w3 INTEGER, PRIMARY KEY (account, day, part, source)) WITHOUT ROWID`)
    const words = ['w0', 'w1', 'w2', 'w3'].map(word => `${word} = (${word} + excluded.${word}) & 4294967295`)
    this.#upsert = this.#database.prepare(
      'INSERT INTO sums VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET ' +
        `orders = orders + excluded.orders, reports = reports + excluded.reports, ${words.join(', ')}`,
    )
  }

  /** A page for what one source has. */
  page(source: number): DigestPage {
    return new DigestPage(source, sums => {
      inTransaction(this.#database, () => {
        for (const { account, day, part, orders, reports, words } of sums) {
          this.#upsert.run(account, day, part, source, orders, reports, ...words)
        }
      })
    })
  }

  /** All sums, those of one account, day and part together. */
  *all(): Generator<DigestSum> {
    const rows = this.#database.prepare('SELECT * FROM sums ORDER BY account, day, part, source').iterate()
    for (const { source, account, day, part, orders, reports, w0, w1, w2, w3 } of rows) {
      yield {
        source: Number(source),
        account: Number(account),
        day: Number(day),
        part: Number(part),
        orders: Number(orders),
        reports: Number(reports),
        words: Uint32Array.of(Number(w0), Number(w1), Number(w2), Number(w3)),
      }
    }
  }

  close(): void {
    this.#database.close()
    fs.rmSync(this.#folder, { recursive: true, force: true })
  }
}

export class DigestPage {
  readonly #source: number
  readonly #write: (sums: Iterable<DigestSum>) => void
  readonly #sums = new Map<string, DigestSum>()

  constructor(source: number, write: (sums: Iterable<DigestSum>) => void) {
    this.#source = source
    this.#write = write
  }

  /** Adds a row, which belongs to this part of its account's numbering. */
  add(table: RowTable, row: Row, part: number): void {
    const account = row[table.account] as number
    const day = dayOf(row[table.timestamp] as number | null)
    const key = `${account} ${day} ${part}`
    let sum = this.#sums.get(key)
    if (sum === undefined) {
      if (this.#sums.size >= SUMS_MAX) this.finish()
      const words = new Uint32Array(WORDS)
      sum = { source: this.#source, account, day, part, orders: 0, reports: 0, words }
      this.#sums.set(key, sum)
    }
    if (table === submissionTable) sum.orders += 1
    else sum.reports += 1
    const digest = rowDigest(table, row)
    for (let word = 0; word < WORDS; word++) sum.words[word] += digest.readUInt32LE(4 * word)
  }

  /** Puts down what is in memory. */
  finish(): void {
    this.#write(this.#sums.values())
    this.#sums.clear()
  }
}

/** Day of a time in µs; −1 for none. */
export function dayOf(timestamp: number | null): number {
  return timestamp === null ? -1 : Math.floor(timestamp / DAY_US)
}

/** The first µs of a day. */
export function startOfDay(day: number): number {
  return day * DAY_US
}

export function dayText(day: number): string {
  return day < 0 ? 'without time' : new Date(startOfDay(day) / 1000).toISOString().slice(0, 10)
}

/** A sum as people compare it. */
export function digestText(words: Uint32Array): string {
  return [...words].map(word => word.toString(16).padStart(8, '0')).join('')
}
