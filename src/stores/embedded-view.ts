// Views of the embedded store: read transactions of a connection of its own, beside the one writer. Statements are
// answered at once; they are prepared once for each text.

import { type Database, openDatabaseToRead, type Statement, sqliteErrorCode } from '../base/sqlite.ts'
import { StoreUnavailable } from './order-store.ts'
import {
  type Dialect,
  type HeldView,
  inViewOf,
  type ReadableStore,
  type Row,
  type SequenceRange,
  type StoreValue,
  type StoreView,
} from './readable-store.ts'

export interface EmbeddedReaderOptions {
  readonly file: string
  readonly name?: string
  /** Memory for pages of the file, in bytes. Where it is given, the file is mapped into memory as well. */
  readonly cacheBytes?: number
}

/** Statements kept, since filters of queries come again. */
const PREPARED_MAX = 128
const MAP_BYTES_MAX = 2 ** 33

/** Amounts and times are kept as they are asked for. */
export const embeddedDialect: Dialect = {
  amount: expression => expression,
  time: expression => expression,
  timeLiteral: us => (Number.isSafeInteger(us) ? String(us) : undefined),
  list: values => ({ sql: '(SELECT value FROM json_each(?))', parameters: [JSON.stringify(values)] }),
  behind: (columns, values) => `(${columns.join(', ')}) > (${values.join(', ')})`,
  join: 'CROSS JOIN',
  searchPlaces: 1,
}

export class EmbeddedReader implements ReadableStore {
  readonly name: string
  readonly #database: Database
  readonly #prepared = new Map<string, Statement>()
  readonly #view: HeldView

  /** Opens an existing file. @throws StoreUnavailable */
  constructor(options: EmbeddedReaderOptions) {
    this.name = options.name ?? 'embedded'
    try {
      this.#database = openDatabaseToRead(options.file)
      if (options.cacheBytes !== undefined) {
        this.#database.exec(`PRAGMA cache_size = -${options.cacheBytes >> 10}; PRAGMA mmap_size = ${MAP_BYTES_MAX}`)
      }
    } catch (error) {
      throw unavailable(error)
    }
    this.#view = {
      dialect: embeddedDialect,
      rows: async (sql, parameters = []) => this.#rows(sql, parameters),
      rowsInRanges: async (select, table, ranges) => this.#rowsInRanges(select, table, ranges),
      close: async () => this.#exec('COMMIT'),
    }
  }

  async view(): Promise<HeldView> {
    this.#exec('BEGIN')
    return this.#view
  }

  inView<Result>(work: (view: StoreView) => Promise<Result>): Promise<Result> {
    return inViewOf(this, work)
  }

  async close(): Promise<void> {
    this.#prepared.clear()
    this.#database.close()
  }

  #exec(sql: string): void {
    try {
      this.#database.exec(sql)
    } catch (error) {
      throw unavailable(error)
    }
  }

  #rows(sql: string, parameters: readonly StoreValue[]): readonly Row[] {
    try {
      return this.#statement(sql).all(...parameters) as unknown as Row[] // lists, because of setReturnArrays
    } catch (error) {
      throw unavailable(error)
    }
  }

  #rowsInRanges(select: string, table: string, ranges: readonly SequenceRange[]): readonly Row[] {
    const sql = `${select} ${table}.account = ? AND ${table}.query_sequence BETWEEN ? AND ? ORDER BY ${table}.query_sequence`
    const lists = ranges.map(({ account, first, last }) => this.#rows(sql, [account, first, last]))
    return lists.length === 1 ? lists[0]! : lists.flat()
  }

  #statement(sql: string): Statement {
    let statement = this.#prepared.get(sql)
    if (statement === undefined) {
      if (this.#prepared.size >= PREPARED_MAX) this.#prepared.clear()
      statement = this.#database.prepare(sql)
      statement.setReturnArrays(true)
      this.#prepared.set(sql, statement)
    }
    return statement
  }
}

/** A failure of the database as what it is to readers; defects of our own stay what they are. */
function unavailable(error: unknown): unknown {
  const code = sqliteErrorCode(error)
  // 1 is SQL that SQLite does not understand.
  if (code === undefined || code === 1) return error
  return new StoreUnavailable(error instanceof Error ? error.message : String(error), { cause: error })
}
