// Rows of one shape on their way into INSERT statements of many rows. A statement is sent when it has reached its size;
// that is far below what the server takes in one packet, and a single row beyond that is refused here.

import { unreachable } from '../../base/assert.ts'
import { type Column, ColumnKind, type ColumnValue, type RowShape, type RowTarget } from '../row-shapes.ts'
import { SqlText } from './sql-text.ts'

/** Statements grow up to this size, or a little less: from here on more rows in one hardly make them cheaper. */
export const STATEMENT_BYTES = 128 << 10

const OPEN = 0x28
const CLOSE = 0x29
const COMMA = 0x2c

/** A row that no packet of the server has room for. */
export class RowTooLarge extends Error {
  override name = 'RowTooLarge'
}

export interface RowStatementsOptions {
  readonly shape: RowShape
  /** What follows the last row. */
  readonly tail?: string
  /** Most bytes of one statement. */
  readonly bytesMax: number
  readonly send: (sql: string) => void
}

export class RowStatements implements RowTarget {
  /** The caller fills in the values of one row, and then calls `added`. */
  readonly values: ColumnValue[]
  readonly next = 0
  readonly #columns: readonly Column[]
  readonly #head: string
  readonly #tail: string
  readonly #bytesMax: number
  #bytesWanted: number
  readonly #send: (sql: string) => void
  readonly #text = new SqlText()
  #rows = 0

  constructor({ shape, tail = '', bytesMax, send }: RowStatementsOptions) {
    this.values = shape.columns.map(() => null)
    this.#columns = shape.columns
    this.#head = `INSERT INTO ${shape.table} (${shape.columns.map(({ name }) => name).join(', ')}) VALUES `
    this.#tail = tail
    this.#bytesMax = bytesMax - tail.length
    this.#bytesWanted = Math.min(STATEMENT_BYTES, this.#bytesMax)
    this.#send = send
  }

  /** From now on statements grow up to about so many bytes, whatever `STATEMENT_BYTES` says; one row they have at least. */
  aimAt(bytes: number): void {
    this.#bytesWanted = Math.min(bytes, this.#bytesMax)
  }

  /** @throws RowTooLarge */
  added(): void {
    const text = this.#text
    if (this.#rows === 0) text.plain(this.#head)
    else text.mark(COMMA)
    const start = text.length
    this.#writeRow()
    if (text.length > this.#bytesMax) this.#moveOn(start)
    this.#rows += 1
    if (text.length >= this.#bytesWanted) this.flush()
  }

  /** Sends what waits. */
  flush(): void {
    if (this.#rows === 0) return
    this.#rows = 0
    this.#text.plain(this.#tail)
    this.#send(this.#text.take())
  }

  /** Drops what waits. */
  clear(): void {
    this.#rows = 0
    this.#text.clear()
  }

  /** The row written last, from `start` on, does not fit beside the others: it begins a statement of its own. */
  #moveOn(start: number): void {
    const text = this.#text
    if (this.#rows > 0) {
      text.cut(start - 1)
      this.flush()
      text.plain(this.#head)
      this.#writeRow()
    }
    if (text.length <= this.#bytesMax) return
    const { length } = text
    this.clear()
    throw new RowTooLarge(`a row of ${length} bytes is larger than the server takes (${this.#bytesMax})`)
  }

  #writeRow(): void {
    const text = this.#text
    const columns = this.#columns
    text.mark(OPEN)
    for (let i = 0; i < columns.length; i++) {
      if (i > 0) text.mark(COMMA)
      const { kind } = columns[i]!
      const value = this.values[i]!
      // The shape says which kind of value its column has.
      switch (kind) {
        case ColumnKind.Integer:
          text.integer(value as number)
          break
        case ColumnKind.Amount:
          text.amount(value as number)
          break
        case ColumnKind.Time:
          text.time(value as number)
          break
        case ColumnKind.Text:
          text.text(value as string | null)
          break
        case ColumnKind.Bytes:
          text.binary(value as Uint8Array | null)
          break
        default:
          unreachable(kind)
      }
    }
    text.mark(CLOSE)
  }
}
