// Client of the risk service: accounts with their states, portfolios, snapshots, resets, and a mirror of inventories
// that follows what changes. After a lost connection the mirror is loaded again, and its listener hears of differences
// only.

import type { TickerInventory } from '../accounting/bookkeeper.ts'
import { isEmpty } from '../accounting/inventory.ts'
import type { LocatorClient } from '../services/locator/client.ts'
import { locatedClient } from '../services/locator/located-client.ts'
import { type Elements, integerAt, listAt, rowsAt, unsignedAt } from '../services/wire/elements.ts'
import { loadPages } from '../services/wire/pages.ts'
import type { ReconnectingClient, Request } from '../services/wire/reconnecting-client.ts'
import type { AccountSnapshot } from './account-risk.ts'
import {
  type AccountStanding,
  inventoryFromWire,
  type PortfolioRow,
  RISK_SERVICE,
  RiskKind,
  standingFromWire,
} from './messages.ts'

/** Told of an inventory that is another one now; an empty one is none any more. */
export type InventoryListener = (account: number, inventory: TickerInventory) => void

interface MirroredInventory {
  readonly account: number
  readonly inventory: TickerInventory
}

export class RiskClient {
  readonly #client: ReconnectingClient
  /** By account and ticker. */
  #mirror = new Map<string, MirroredInventory>()
  #listener: InventoryListener | undefined
  /** What a new connection has told so far; compared with the mirror when it is complete. */
  #fresh: Map<string, MirroredInventory> | undefined

  private constructor(locator: LocatorClient) {
    this.#client = locatedClient(locator, RISK_SERVICE, {
      renew: request => this.#renew(request),
      onPush: (kind, message) => this.#pushed(kind, message),
    })
  }

  /** Finds the service and connects to it. @throws ServiceError SERVICE_UNAVAILABLE */
  static async open(locator: LocatorClient): Promise<RiskClient> {
    const client = new RiskClient(locator)
    await client.#client.open()
    return client
  }

  close(): void {
    this.#client.close()
  }

  /** The accounts that the session may see, by id. */
  async loadAccounts(): Promise<AccountStanding[]> {
    const accounts: AccountStanding[] = []
    await loadPages((kind, elements) => this.#client.request(kind, elements), RiskKind.LoadAccounts, {
      after: [-1],
      keyOf: row => row.slice(0, 1),
      take: row => accounts.push(standingFromWire(row)),
    })
    return accounts
  }

  /** @throws ServiceError NOT_PERMITTED, UNKNOWN_ACCOUNT, BUSY where the account is not watched yet */
  async loadPortfolio(account: number): Promise<PortfolioRow[]> {
    const answer = await this.#client.request(RiskKind.LoadPortfolio, [account])
    return rowsAt(answer, 2).map(row => ({
      inventory: inventoryFromWire(listAt(row, 0)),
      unrealized: integerAt(row, 1),
    }))
  }

  /** @throws ServiceError NOT_PERMITTED, UNKNOWN_ACCOUNT, BUSY where the account is not watched yet */
  async loadSnapshot(account: number): Promise<AccountSnapshot> {
    const answer = await this.#client.request(RiskKind.LoadSnapshot, [account])
    return {
      sequence: integerAt(answer, 2),
      reportSequence: integerAt(answer, 3),
      inventories: rowsAt(answer, 4).map(inventoryFromWire),
      excluded: integersAt(answer, 5),
    }
  }

  /**
   * Begins the results of everything in any of the scopes (`*`, a country, a venue, a ticker) again at zero.
   * @returns accounts that could not be reset, because they are not watched now.
   * @throws ServiceError NOT_PERMITTED, UNKNOWN_TICKER
   */
  async reset(scopes: readonly string[]): Promise<number[]> {
    return integersAt(await this.#client.request(RiskKind.Reset, [[...scopes]]), 2)
  }

  /** Follows all inventories that the session may see; `listener` hears how they stand before this resolves. */
  async followInventories(listener: InventoryListener): Promise<void> {
    this.#listener = listener
    await this.#client.request(RiskKind.FollowInventories)
  }

  async #renew(request: Request): Promise<void> {
    if (this.#listener === undefined) return
    const fresh = new Map<string, MirroredInventory>()
    this.#fresh = fresh
    try {
      await request(RiskKind.FollowInventories, [])
    } finally {
      this.#fresh = undefined
    }
    for (const [key, { account, inventory }] of this.#mirror) {
      if (!fresh.has(key)) this.#take(account, emptied(inventory))
    }
    for (const { account, inventory } of fresh.values()) this.#take(account, inventory)
  }

  #pushed(kind: number, message: Elements): void {
    if (kind !== RiskKind.InventoriesChanged) return
    for (const row of rowsAt(message, 2)) {
      const account = unsignedAt(row, 0)
      const inventory = inventoryFromWire(listAt(row, 1))
      if (this.#fresh === undefined) this.#take(account, inventory)
      else this.#fresh.set(keyOf(account, inventory), { account, inventory })
    }
  }

  #take(account: number, inventory: TickerInventory): void {
    const key = keyOf(account, inventory)
    const known = this.#mirror.get(key)?.inventory
    if (known === undefined ? isEmpty(inventory) : areEqual(known, inventory)) return
    if (isEmpty(inventory)) this.#mirror.delete(key)
    else this.#mirror.set(key, { account, inventory })
    this.#listener?.(account, inventory)
  }
}

function keyOf(account: number, { ticker }: TickerInventory): string {
  return `${account} ${ticker}`
}

function integersAt(message: Elements, index: number): number[] {
  const list = listAt(message, index)
  return list.map((_, position) => integerAt(list, position))
}

function emptied({ ticker, currency }: TickerInventory): TickerInventory {
  return { ticker, currency, quantity: 0, costBasis: 0, gross: 0, fees: 0, volume: 0, transactions: 0 }
}

function areEqual(a: TickerInventory, b: TickerInventory): boolean {
  return (Object.keys(a) as (keyof TickerInventory)[]).every(key => a[key] === b[key])
}
