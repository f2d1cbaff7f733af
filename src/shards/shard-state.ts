// Everything a shard knows, in one object: what a step reads and changes. Built empty; filled by restoring.

import { BuyingPowerModel, BuyingPowerPool } from '../accounting/buying-power.ts'
import type { Definitions } from '../domain/definitions.ts'
import type { HaltTable } from '../shared-memory/halt-table.ts'
import type { Lane } from '../shared-memory/lanes.ts'
import { AccountBook, type Holding } from './account-book.ts'
import { ClOrdIds } from './cl-ord-ids.ts'
import { Compliance, type ViolationListener } from './compliance.ts'
import { FirstUses } from './first-uses.ts'
import { Halts } from './halts.ts'
import { type Listing, Listings } from './listings.ts'
import type { MarketView } from './market-view.ts'
import { AwaitedEnds, OrderSweeps } from './order-sweeps.ts'
import { NO_SLOT, OrderTable } from './order-table.ts'
import { ParkedCommands } from './parked-commands.ts'
import { PooledAccounts } from './pooled-accounts.ts'
import { Replaces } from './replaces.ts'

/** A piece of the kill switch's sweep takes about as long as a block of other commands: it is in a hurry. */
const HALT_PIECE = { lookedMax: 4096, doneMax: 256 }
/** One of any other sweep is short, some tenths of a millisecond: who trades on should not notice. */
export const CANCEL_PIECE = { lookedMax: 1024, doneMax: 64 }
/** Orders that destinations which answer later are asked to replace at a time, usually. */
const REPLACES_USUAL = 4096

export interface ShardLimits {
  /** Live orders of the shard. */
  liveOrdersMax: number
  /** Client order ids remembered; more than `liveOrdersMax`. */
  clOrdIdsMax: number
  /** Tickers that may get a number. */
  listingsMax: number
  /** Positions (account and ticker) of the shard. */
  positionsMax: number
  /** How long an order waits for the market of a ticker it is the first to use, µs; 0 where main follows everything. */
  firstUseUs: number
  /** Commands of one account that may wait for something from outside: a verdict, the market of a ticker. */
  parkedCommandsMax: number
  /** Bytes of all commands that may. */
  parkedBytesMax: number
}

export class ShardState {
  readonly definitions: Definitions
  readonly limits: ShardLimits
  readonly view: MarketView
  /** Counters of this shard. */
  readonly lane: Lane
  readonly orders: OrderTable
  /** The kill switch's sweeps; and those of all others who cancel many orders. */
  readonly haltSweeps: OrderSweeps
  readonly cancelSweeps: OrderSweeps
  readonly awaitedEnds = new AwaitedEnds()
  readonly buyingPower: BuyingPowerPool
  readonly clOrdIds: ClOrdIds
  readonly listings: Listings
  readonly halts: Halts
  readonly compliance: Compliance
  readonly firstUses: FirstUses
  readonly parked: ParkedCommands
  readonly pooled = new PooledAccounts()
  readonly replaces = new Replaces()
  /** Price of the last trade, by number of the listing; 0 where none was heard of. */
  readonly lastPrints: Float64Array
  /** By row in the account table; accounts get their book with their first order. */
  readonly books: (AccountBook | undefined)[] = []
  /** What changed since the shared tables were last brought up to date. */
  readonly touchedBooks: AccountBook[] = []
  readonly touchedHoldings: Holding[] = []
  /** Listings numbered since main was last told. */
  newListings: Listing[] = []
  positions = 0
  /** The latest time that a command has brought, µs since the epoch. */
  timeUs = 0

  constructor(
    definitions: Definitions,
    limits: ShardLimits,
    view: MarketView,
    halts: HaltTable,
    lane: Lane,
    onViolation: ViolationListener,
    onFirstUse: (ticker: string) => void,
  ) {
    this.lane = lane
    this.definitions = definitions
    this.limits = limits
    this.view = view
    this.halts = new Halts(halts, definitions)
    this.orders = new OrderTable(limits.liveOrdersMax)
    this.haltSweeps = new OrderSweeps(this.orders, this.books, HALT_PIECE)
    this.cancelSweeps = new OrderSweeps(this.orders, this.books, CANCEL_PIECE)
    this.buyingPower = new BuyingPowerPool(limits.liveOrdersMax, REPLACES_USUAL)
    this.clOrdIds = new ClOrdIds(limits.clOrdIdsMax, orderId => this.orders.find(orderId) !== NO_SLOT)
    this.parked = new ParkedCommands(limits.parkedCommandsMax, limits.parkedBytesMax)
    this.compliance = new Compliance(this, onViolation)
    this.lastPrints = new Float64Array(limits.listingsMax)
    const onNumbered = (listing: Listing) => void this.newListings.push(listing)
    this.listings = new Listings(definitions, limits.listingsMax, onNumbered, limits.firstUseUs === 0)
    this.firstUses = new FirstUses(limits.firstUseUs, limits.listingsMax, onFirstUse)
  }

  /** The book of the account in `row`, opened if there is none yet. */
  book(row: number): AccountBook {
    let book = this.books[row]
    if (book === undefined) {
      const model = new BuyingPowerModel(this.buyingPower)
      book = new AccountBook(row, this.view.accountId(row), this.view.accountCurrency(row), model)
      this.books[row] = book
    }
    return book
  }

  touch(book: AccountBook): void {
    if (book.touched) return
    book.touched = true
    this.touchedBooks.push(book)
  }

  touchHolding(holding: Holding): void {
    if (holding.touched) return
    holding.touched = true
    this.touchedHoldings.push(holding)
  }
}
