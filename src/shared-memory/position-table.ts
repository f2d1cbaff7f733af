// The positions of all accounts of one shard: one row per account, ticker and currency. Written by the shard, read by
// main. The rows of an account form a list, so that they can be walked without asking the shard: its head is in the
// account table, each row names the next. Rows are put in front, filled before the head names them, and never taken out
// (a flat position stays as a row of zeros), so a reader may walk at any moment and meets whole rows only.

import type { Money, Quantity } from '../domain/money.ts'
import { SeqlockRows, seqlockBytes } from './seqlock.ts'

export interface Position {
  accountRow: number
  tickerIndex: number
  currency: number
  /** Micros, negative when short. */
  quantity: Quantity
  /** Micros of `currency`, signed like the quantity. */
  costBasis: Money
  /** What open orders may still buy and sell, in micros. */
  pendingBuy: Quantity
  pendingSell: Quantity
  /** Realized result before fees. */
  gross: Money
  fees: Money
  /** Next row of the same account; −1 at the end. */
  nextRow: number
}

const FIELDS = 10

export class PositionTable {
  readonly #rows: SeqlockRows

  constructor(memory: SharedArrayBuffer, rowsMax: number) {
    this.#rows = new SeqlockRows(memory, 0, rowsMax, FIELDS)
  }

  /**
   * Shard: a row for one more position, −1 where the table is full. `position.nextRow` is the present head of the
   * account's list; the caller makes the new row the head in the account table.
   */
  add(position: Readonly<Position>): number {
    this.#fill(position)
    return this.#rows.add()
  }

  rowsUsed(): number {
    return this.#rows.rowsUsed()
  }

  /** Shard. */
  write(row: number, position: Readonly<Position>): void {
    this.#fill(position)
    this.#rows.write(row)
  }

  read(row: number, into: Position): void {
    this.#rows.read(row)
    const { values } = this.#rows
    into.accountRow = values[0]!
    into.tickerIndex = values[1]!
    into.currency = values[2]!
    into.quantity = values[3]!
    into.costBasis = values[4]!
    into.pendingBuy = values[5]!
    into.pendingSell = values[6]!
    into.gross = values[7]!
    into.fees = values[8]!
    into.nextRow = values[9]!
  }

  #fill(position: Readonly<Position>): void {
    const { values } = this.#rows
    values[0] = position.accountRow
    values[1] = position.tickerIndex
    values[2] = position.currency
    values[3] = position.quantity
    values[4] = position.costBasis
    values[5] = position.pendingBuy
    values[6] = position.pendingSell
    values[7] = position.gross
    values[8] = position.fees
    values[9] = position.nextRow
  }
}

/** An object to read positions into. */
export function newPosition(): Position {
  return {
    accountRow: 0,
    tickerIndex: 0,
    currency: 0,
    quantity: 0,
    costBasis: 0,
    pendingBuy: 0,
    pendingSell: 0,
    gross: 0,
    fees: 0,
    nextRow: -1,
  }
}

/** Bytes of memory for `rowsMax` positions. */
export function positionTableBytes(rowsMax: number): number {
  return seqlockBytes(rowsMax, FIELDS)
}
