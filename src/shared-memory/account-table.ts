// One row per account in use: what the account may do, and how it stands. The two halves have different writers and lie
// in different regions; both are read by main (metrics, console, risk monitor) and by the account's shard.
//
//   terms      written by main: from administration
//   standing   written by the account's shard, each row in blocks of its own, since its neighbours have other shards

import type { Money } from '../domain/money.ts'
import { BLOCK_BYTES, wholeBlocks } from './blocks.ts'
import { SeqlockRows, seqlockBytes } from './seqlock.ts'

export interface AccountTerms {
  accountId: number
  /** Currency of the limit and of the used buying power. */
  currency: number
  /** Micros of the account's currency. */
  buyingPowerLimit: Money
  /** Ordinal of the risk state. */
  riskState: number
  /** Microseconds since the epoch; 0 where the state does not end by itself. */
  riskStateExpiry: number
}

export interface AccountStanding {
  /** Micros of the account's currency, as are the two results. */
  usedBuyingPower: Money
  /** Realized result before fees, all currencies converted. */
  gross: Money
  fees: Money
  openOrders: number
  lastReportSequence: number
  lastOrderSequence: number
  /** First row of the account's list in the position table of its shard; −1 where it has none. */
  firstPositionRow: number
}

const TERMS_FIELDS = 5
const STANDING_FIELDS = 7

export class AccountTable {
  readonly #terms: SeqlockRows
  readonly #standing: SeqlockRows

  constructor(memory: SharedArrayBuffer, rowsMax: number) {
    this.#terms = new SeqlockRows(memory, 0, rowsMax, TERMS_FIELDS)
    this.#standing = new SeqlockRows(memory, standingOffset(rowsMax), rowsMax, STANDING_FIELDS, BLOCK_BYTES)
  }

  /** Main: a row for one more account, −1 where the table is full. No shard writes the row until main names it. */
  add(terms: Readonly<AccountTerms>): number {
    const row = this.rowsUsed()
    if (row === this.#terms.rowsMax) return -1
    this.writeStanding(row, newAccountStanding())
    this.#fillTerms(terms)
    return this.#terms.add()
  }

  rowsUsed(): number {
    return this.#terms.rowsUsed()
  }

  /** Main. */
  writeTerms(row: number, terms: Readonly<AccountTerms>): void {
    this.#fillTerms(terms)
    this.#terms.write(row)
  }

  readTerms(row: number, into: AccountTerms): void {
    this.#terms.read(row)
    const { values } = this.#terms
    into.accountId = values[0]!
    into.currency = values[1]!
    into.buyingPowerLimit = values[2]!
    into.riskState = values[3]!
    into.riskStateExpiry = values[4]!
  }

  /** The account's shard. */
  writeStanding(row: number, standing: Readonly<AccountStanding>): void {
    const { values } = this.#standing
    values[0] = standing.usedBuyingPower
    values[1] = standing.gross
    values[2] = standing.fees
    values[3] = standing.openOrders
    values[4] = standing.lastReportSequence
    values[5] = standing.lastOrderSequence
    values[6] = standing.firstPositionRow
    this.#standing.write(row)
  }

  readStanding(row: number, into: AccountStanding): void {
    this.#standing.read(row)
    const { values } = this.#standing
    into.usedBuyingPower = values[0]!
    into.gross = values[1]!
    into.fees = values[2]!
    into.openOrders = values[3]!
    into.lastReportSequence = values[4]!
    into.lastOrderSequence = values[5]!
    into.firstPositionRow = values[6]!
  }

  #fillTerms(terms: Readonly<AccountTerms>): void {
    const { values } = this.#terms
    values[0] = terms.accountId
    values[1] = terms.currency
    values[2] = terms.buyingPowerLimit
    values[3] = terms.riskState
    values[4] = terms.riskStateExpiry
  }
}

/** An object to read terms into. */
export function newAccountTerms(): AccountTerms {
  return { accountId: 0, currency: 0, buyingPowerLimit: 0, riskState: 0, riskStateExpiry: 0 }
}

/** The standing of an account that has not traded yet. */
export function newAccountStanding(): AccountStanding {
  return {
    usedBuyingPower: 0,
    gross: 0,
    fees: 0,
    openOrders: 0,
    lastReportSequence: 0,
    lastOrderSequence: 0,
    firstPositionRow: -1,
  }
}

/** Bytes of memory for `rowsMax` accounts. */
export function accountTableBytes(rowsMax: number): number {
  return standingOffset(rowsMax) + seqlockBytes(rowsMax, STANDING_FIELDS, BLOCK_BYTES)
}

function standingOffset(rowsMax: number): number {
  return wholeBlocks(seqlockBytes(rowsMax, TERMS_FIELDS))
}
