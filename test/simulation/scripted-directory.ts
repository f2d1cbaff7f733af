// Who is who, from a script: accounts, administrators and groups that a test changes as it goes. Everybody's password is
// the name.

import type { Directory } from '../../src/main/directory.ts'

export interface ScriptedGroup {
  readonly id: number
  readonly name: string
  readonly managers: Set<string>
  readonly traders: Set<string>
  readonly observers: Set<string>
}

export class ScriptedDirectory implements Directory {
  version = 1
  readonly #names: string[] = []
  readonly #administrators = new Set<string>()
  readonly #groups: ScriptedGroup[] = []
  /** Who observes everybody. */
  readonly observers = new Set<string>()
  /** Answers of `authenticate` wait while this is set. */
  loginsHeld: (() => void)[] | undefined
  /** The locator is away. */
  isAway = false

  /** Ids are FIRST_ACCOUNT and up, in the order of the names; rows count from 0. */
  constructor(accounts: readonly string[], administrators: readonly string[] = []) {
    this.#names.push(...accounts)
    for (const name of administrators) this.#administrators.add(name)
  }

  get accounts(): readonly string[] {
    return this.#names
  }

  addGroup(name: string, managers: readonly string[], traders: readonly string[]): number {
    const id = FIRST_GROUP + this.#groups.length
    this.#groups.push({ id, name, managers: new Set(managers), traders: new Set(traders), observers: new Set() })
    this.version += 1
    return id
  }

  group(name: string): ScriptedGroup {
    const group = this.#groups.find(group => group.name === name)
    if (group === undefined) throw new Error(`there is no group ${name}`)
    return group
  }

  /** Changes a group or the administrators; what sessions remember is void. */
  change(change: (administrators: Set<string>) => void): void {
    change(this.#administrators)
    this.version += 1
  }

  id(name: string): number {
    const row = this.#names.indexOf(name)
    if (row < 0) throw new Error(`there is no account ${name}`)
    return FIRST_ACCOUNT + row
  }

  rowOf(account: number): number {
    return this.#names[account - FIRST_ACCOUNT] === undefined ? -1 : account - FIRST_ACCOUNT
  }

  accountOf(row: number): number {
    return FIRST_ACCOUNT + row
  }

  nameOf(account: number): string {
    return this.#names[account - FIRST_ACCOUNT] ?? ''
  }

  findAccount(name: string): number | undefined {
    return this.#names.includes(name) ? this.id(name) : undefined
  }

  findGroup(name: string): number | undefined {
    return this.#groups.find(group => group.name === name)?.id
  }

  groupName(group: number): string | undefined {
    return this.#groups.find(({ id }) => id === group)?.name
  }

  isAdministrator(account: number): boolean {
    return this.#administrators.has(this.nameOf(account))
  }

  isObserver(account: number): boolean {
    const name = this.nameOf(account)
    return this.observers.has(name) || this.#groups.some(({ observers }) => observers.has(name))
  }

  permitted(account: number, other: number): boolean {
    if (this.isAdministrator(account) || account === other || this.observers.has(this.nameOf(account))) return true
    const [name, otherName] = [this.nameOf(account), this.nameOf(other)]
    return this.#groups.some(
      ({ managers, observers, traders }) => (managers.has(name) || observers.has(name)) && traders.has(otherName),
    )
  }

  mayFollow(account: number, group: number): boolean {
    const name = this.nameOf(account)
    if (this.isAdministrator(account) || this.observers.has(name)) return this.groupName(group) !== undefined
    return this.#groups.some(
      ({ id, managers, observers }) => id === group && (managers.has(name) || observers.has(name)),
    )
  }

  *traders(group: number): Iterable<number> {
    for (const { id, traders } of this.#groups) if (id === group) for (const name of traders) yield this.id(name)
  }

  permittedAccounts(account: number, after: number, max: number): readonly number[] {
    return this.#names
      .map(name => this.id(name))
      .filter(id => id > after && this.permitted(account, id))
      .slice(0, max)
  }

  async authenticate(name: string, password: string): Promise<number | undefined> {
    const held = this.loginsHeld
    if (held !== undefined) await new Promise<void>(resolve => held.push(resolve))
    if (this.isAway) throw new Error('the locator is away')
    return name === password ? this.findAccount(name) : undefined
  }
}

const FIRST_ACCOUNT = 101
const FIRST_GROUP = 900
