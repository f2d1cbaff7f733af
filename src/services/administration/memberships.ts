// Who has which role where: administrators, services, observers, and the managers and traders of trading groups. The
// administration service keeps one from the directory, every client that follows memberships keeps a mirror. Changes
// are idempotent, and listeners hear only of what really changed.

import { assert } from '../../base/assert.ts'

/** Roles of an account; the numbers are bits, those of the wire. */
export const Role = { Trader: 1, Manager: 2, Service: 4, Administrator: 8, Observer: 16 } as const
export type Role = (typeof Role)[keyof typeof Role]

/** Stands for the group where a role belongs to none: services, administrators, and who observes everybody. */
export const NO_GROUP = 0

export interface TradingGroup {
  readonly id: number
  readonly name: string
  readonly managers: ReadonlySet<number>
  readonly traders: ReadonlySet<number>
  /** They see what the traders do, and do nothing themselves. */
  readonly observers: ReadonlySet<number>
}

/** One account's role in one group, or in NO_GROUP. */
export interface Membership {
  readonly group: number
  readonly role: Role
  readonly account: number
}

export interface MembershipListener {
  /** A group is new or has another name. */
  groupStored?(id: number, name: string): void
  /** A group is gone; its members left before. */
  groupDeleted?(id: number): void
  membershipChanged?(membership: Membership, joined: boolean): void
}

interface MutableGroup {
  readonly id: number
  name: string
  readonly managers: Set<number>
  readonly traders: Set<number>
  readonly observers: Set<number>
}

const NO_GROUPS: readonly TradingGroup[] = []

export class Memberships {
  readonly #administrators = new Set<number>()
  readonly #services = new Set<number>()
  readonly #observers = new Set<number>()
  readonly #groups = new Map<number, MutableGroup>()
  /** Groups by the account that manages them. */
  readonly #managed = new Map<number, MutableGroup[]>()
  /** Groups by the account that observes them. */
  readonly #observed = new Map<number, MutableGroup[]>()
  /** Groups by the account that trades in them, in the order of joining. */
  readonly #traded = new Map<number, MutableGroup[]>()
  readonly #listeners = new Set<MembershipListener>()

  listen(listener: MembershipListener): void {
    this.#listeners.add(listener)
  }

  get administrators(): ReadonlySet<number> {
    return this.#administrators
  }

  get services(): ReadonlySet<number> {
    return this.#services
  }

  /** Who observes everybody. */
  get observers(): ReadonlySet<number> {
    return this.#observers
  }

  get groups(): ReadonlyMap<number, TradingGroup> {
    return this.#groups
  }

  isAdministrator(account: number): boolean {
    return this.#administrators.has(account)
  }

  isService(account: number): boolean {
    return this.#services.has(account)
  }

  /** Whether the account observes somebody, and so may do nothing but read, whatever other roles it has. */
  isObserver(account: number): boolean {
    return this.#observers.has(account) || this.#observed.has(account)
  }

  /** Groups whose traders the account may follow: those it manages or observes. */
  groupsSeenBy(account: number): readonly TradingGroup[] {
    if (this.#observers.has(account)) return [...this.#groups.values()]
    const observed = this.#observed.get(account)
    const managed = this.groupsManagedBy(account)
    return observed === undefined ? managed : [...new Set([...managed, ...observed])]
  }

  /** Whether a session of one account may see another's orders: whoever may act for it, and who observes it. */
  maySee(sessionAccount: number, account: number): boolean {
    if (this.permitted(sessionAccount, account) || this.#observers.has(sessionAccount)) return true
    return this.#observed.get(sessionAccount)?.some(group => group.traders.has(account)) ?? false
  }

  /** Groups that the account manages: all of them for an administrator. */
  groupsManagedBy(account: number): readonly TradingGroup[] {
    if (this.isAdministrator(account)) return [...this.#groups.values()]
    return this.#managed.get(account) ?? NO_GROUPS
  }

  /** The first group in which the account is a trader. */
  parentGroup(account: number): TradingGroup | undefined {
    return this.#traded.get(account)?.[0]
  }

  /** Whether a session of one account may act for another: administrators for all, managers for their traders. */
  permitted(sessionAccount: number, account: number): boolean {
    if (sessionAccount === account || this.isAdministrator(sessionAccount)) return true
    const managed = this.#managed.get(sessionAccount)
    return managed?.some(group => group.traders.has(account)) ?? false
  }

  /** Whether the account is in a group that the other manages, as trader or as fellow manager. */
  manages(manager: number, account: number): boolean {
    return this.groupsManagedBy(manager).some(group => group.traders.has(account) || group.managers.has(account))
  }

  storeGroup(id: number, name: string): void {
    const group = this.#groups.get(id)
    if (group === undefined)
      this.#groups.set(id, { id, name, managers: new Set(), traders: new Set(), observers: new Set() })
    else if (group.name === name) return
    else group.name = name
    for (const listener of this.#listeners) listener.groupStored?.(id, name)
  }

  deleteGroup(id: number): void {
    const group = this.#groups.get(id)
    if (group === undefined) return
    for (const account of [...group.traders]) this.change({ group: id, role: Role.Trader, account }, false)
    for (const account of [...group.observers]) this.change({ group: id, role: Role.Observer, account }, false)
    for (const account of [...group.managers]) this.change({ group: id, role: Role.Manager, account }, false)
    this.#groups.delete(id)
    for (const listener of this.#listeners) listener.groupDeleted?.(id)
  }

  /** Lets an account join or leave. A group nobody has stored yet is not joined: its members are told after it. */
  change(membership: Membership, joined: boolean): void {
    const { group: groupId, role, account } = membership
    const members = this.#members(groupId, role)
    if (members === undefined || members.has(account) === joined) return
    if (joined) members.add(account)
    else members.delete(account)
    if (groupId !== NO_GROUP) {
      const group = this.#groups.get(groupId)
      assert(group !== undefined)
      const index = role === Role.Manager ? this.#managed : role === Role.Observer ? this.#observed : this.#traded
      const others = (index.get(account) ?? []).filter(other => other !== group)
      if (joined) others.push(group)
      if (others.length === 0) index.delete(account)
      else index.set(account, others)
    }
    for (const listener of this.#listeners) listener.membershipChanged?.(membership, joined)
  }

  /** All memberships by group, role and account, ascending, after the given one. */
  after(key: Membership | undefined, rowsMax: number): Membership[] {
    const rows: Membership[] = []
    for (const group of [NO_GROUP, ...[...this.#groups.keys()].sort((a, b) => a - b)]) {
      if (key !== undefined && group < key.group) continue
      for (const role of [Role.Trader, Role.Manager, Role.Service, Role.Administrator, Role.Observer]) {
        const sameGroup = key !== undefined && group === key.group
        if (sameGroup && role < key.role) continue
        const from = sameGroup && role === key.role ? key.account : -1
        for (const account of [...(this.#members(group, role) ?? [])].filter(id => id > from).sort((a, b) => a - b)) {
          if (rows.length === rowsMax) return rows
          rows.push({ group, role, account })
        }
      }
    }
    return rows
  }

  /** Becomes equal to `fresh`, so that listeners hear of the differences and of nothing else. */
  becomeEqualTo(fresh: Memberships): void {
    for (const membership of this.after(undefined, Number.POSITIVE_INFINITY)) {
      if (!fresh.has(membership)) this.change(membership, false)
    }
    for (const id of [...this.#groups.keys()]) if (!fresh.groups.has(id)) this.deleteGroup(id)
    for (const { id, name } of fresh.groups.values()) this.storeGroup(id, name)
    for (const membership of fresh.after(undefined, Number.POSITIVE_INFINITY)) this.change(membership, true)
  }

  has({ group, role, account }: Membership): boolean {
    return this.#members(group, role)?.has(account) ?? false
  }

  #members(group: number, role: Role): Set<number> | undefined {
    switch (role) {
      case Role.Trader:
        return this.#groups.get(group)?.traders
      case Role.Manager:
        return this.#groups.get(group)?.managers
      case Role.Service:
        return group === NO_GROUP ? this.#services : undefined
      case Role.Administrator:
        return group === NO_GROUP ? this.#administrators : undefined
      case Role.Observer:
        return group === NO_GROUP ? this.#observers : this.#groups.get(group)?.observers
    }
  }
}
