// The accounts of the world as rows of the shared table: main writes what administration says about each, and answers
// the sessions' questions about who may do what.

import { assert } from '../base/assert.ts'
import { Reason } from '../domain/reasons.ts'
import type { LocatorClient } from '../services/locator/client.ts'
import { ServiceError } from '../services/wire/service-error.ts'
import type { WorldFeed, WorldListener } from '../services/world/world-feed.ts'
import type { AccountTable, AccountTerms } from '../shared-memory/account-table.ts'
import { type Directory, LoginsSuspended } from './directory.ts'

/** No row. */
const NO_ROW = -1

export class Accounts implements Directory {
  version = 1
  readonly #table: AccountTable
  readonly #locator: LocatorClient
  #world: WorldFeed | undefined
  readonly #rows = new Map<number, number>()
  readonly #ids: number[] = []
  /** The risk state of each row, and how many accounts there are in each. */
  readonly #riskStates: number[] = []
  readonly riskStates = new Map<number, number>()
  readonly #onChange: (groups: boolean) => void

  /** @param onChange told when roles, groups or accounts changed; whether memberships did. */
  constructor(table: AccountTable, locator: LocatorClient, onChange: (membershipsChanged: boolean) => void) {
    this.#table = table
    this.#locator = locator
    this.#onChange = onChange
  }

  /** What the feed tells, to be passed when it is opened. */
  readonly listener: WorldListener = {
    accountAdded: account => {
      this.#add(account)
      this.#changed(false)
    },
    accountRemoved: () => this.#changed(true),
    riskParametersChanged: account => this.#writeTerms(account),
    riskStateChanged: account => this.#writeTerms(account),
    membershipChanged: () => this.#changed(true),
    groupDeleted: () => this.#changed(true),
  }

  /** Takes in all accounts of the world. @throws AssertionFailed where the table is too small for them. */
  load(world: WorldFeed): void {
    this.#world = world
    for (const [account] of world.accounts()) this.#add(account)
  }

  get size(): number {
    return this.#ids.length
  }

  rowOf(account: number): number {
    return this.#rows.get(account) ?? NO_ROW
  }

  accountOf(row: number): number {
    return this.#ids[row]
  }

  nameOf(account: number): string {
    return this.#world?.accountName(account) ?? ''
  }

  findAccount(name: string): number | undefined {
    return this.#world?.accountId(name)
  }

  findGroup(name: string): number | undefined {
    return this.#world?.groupNamed(name)?.id
  }

  groupName(group: number): string | undefined {
    return this.#world?.groups.get(group)?.name
  }

  isAdministrator(account: number): boolean {
    return this.#world?.isAdministrator(account) ?? false
  }

  isObserver(account: number): boolean {
    return this.#world?.isObserver(account) ?? false
  }

  permitted(account: number, other: number): boolean {
    return this.#world?.maySee(account, other) ?? false
  }

  mayFollow(account: number, group: number): boolean {
    return this.#world?.groupsSeenBy(account).some(({ id }) => id === group) ?? false
  }

  traders(group: number): Iterable<number> {
    return this.#world?.groups.get(group)?.traders ?? []
  }

  permittedAccounts(account: number, after: number, max: number): readonly number[] {
    const world = this.#world
    if (world === undefined) return []
    const all =
      world.isAdministrator(account) || world.observers.has(account)
        ? [...this.#rows.keys()]
        : [account, ...world.groupsSeenBy(account).flatMap(({ traders }) => [...traders])]
    return [...new Set(all)]
      .filter(id => id > after)
      .sort((a, b) => a - b)
      .slice(0, max)
  }

  async authenticate(name: string, password: string, from: string): Promise<number | undefined> {
    try {
      return await this.#locator.authenticate(name, password, from)
    } catch (error) {
      if (!(error instanceof ServiceError)) throw error
      if (error.code === Reason.LoginFailed) return undefined
      if (error.code === Reason.LoginsSuspended) throw new LoginsSuspended(Number(error.params[0]))
      throw error
    }
  }

  #add(account: number): void {
    if (this.#rows.has(account)) return
    const terms = this.#terms(account)
    const row = this.#table.add(terms)
    assert(row >= 0, 'more accounts than engine.accounts_max allows')
    assert(row === this.#ids.length)
    this.#ids.push(account)
    this.#rows.set(account, row)
    this.#noteRiskState(row, terms.riskState)
  }

  #writeTerms(account: number): void {
    const row = this.#rows.get(account)
    if (row === undefined) return
    const terms = this.#terms(account)
    this.#table.writeTerms(row, terms)
    this.#noteRiskState(row, terms.riskState)
  }

  #noteRiskState(row: number, state: number): void {
    const { riskStates } = this
    const before = this.#riskStates[row]
    if (before !== undefined) riskStates.set(before, riskStates.get(before)! - 1)
    this.#riskStates[row] = state
    riskStates.set(state, (riskStates.get(state) ?? 0) + 1)
  }

  #terms(account: number): AccountTerms {
    const world = this.#world
    assert(world !== undefined, 'accounts are asked for before the world is there')
    const { currency, buyingPower } = world.riskParameters(account)
    const { type, expiry } = world.riskState(account)
    return { accountId: account, currency, buyingPowerLimit: buyingPower, riskState: type, riskStateExpiry: expiry }
  }

  #changed(membershipsChanged: boolean): void {
    this.version += 1
    this.#onChange(membershipsChanged)
  }
}
