// Client of the service locator: logs in with name and password, keeps the session by which all other services know
// this process, finds services, and mirrors the directory. After a lost connection it logs in again, registers its
// services again, and brings the mirror up to date; listeners hear of differences only.

import { type Address, formatAddress, parseAddress } from '../../config/address.ts'
import type { Change } from '../changes/change-log.ts'
import { loadChanges } from '../changes/messages.ts'
import type { ConnectionLimits } from '../wire/connection.ts'
import { bytesAt, type Elements, flagAt, integerAt, listAt, rowsAt, textAt, unsignedAt } from '../wire/elements.ts'
import { loadPages } from '../wire/pages.ts'
import { PushGate } from '../wire/push-gate.ts'
import {
  type AvailabilityListener,
  type ClientTimes,
  ReconnectingClient,
  type Request,
} from '../wire/reconnecting-client.ts'
import { unlessRefused } from '../wire/service-error.ts'
import type { SessionTicket } from '../wire/session-proof.ts'
import { SERVICES_VERSION, WireKind } from '../wire/wire-kinds.ts'
import { DirectoryGraph, type Entry } from './directory-graph.ts'
import type { AccountTimes } from './directory-store.ts'
import {
  ADDRESSES_PROPERTY,
  entryFromWire,
  LocatorKind,
  propertiesToWire,
  type ServiceEntry,
  serviceFromWire,
} from './messages.ts'

export interface LocatorClientOptions {
  /** Where the locator listens, tried in order. */
  readonly addresses: readonly Address[]
  readonly name: string
  readonly password: string
  readonly onAvailability?: AvailabilityListener
  readonly limits?: Partial<ConnectionLimits>
  readonly times?: Partial<ClientTimes>
}

/** Told when a server of a watched service appears or goes. */
export type ServiceListener = (service: ServiceEntry, available: boolean) => void

/** Told when a followed entry is hung into a directory, or taken out. */
export type ParentListener = (parent: number, joined: boolean) => void

export class LocatorClient {
  readonly #client: ReconnectingClient
  readonly #options: LocatorClientOptions
  #account = -1
  #ticket: SessionTicket | undefined
  /** What this client registered, to be registered again: name and properties. */
  readonly #registrations: { name: string; properties: ReadonlyMap<string, string> }[] = []
  readonly #watched = new Map<string, { listeners: Set<ServiceListener>; services: Map<number, ServiceEntry> }>()
  readonly #followedParents = new Map<number, { listener: ParentListener; parents: Set<number> }>()
  readonly #gate = new PushGate((kind, message) => this.#pushed(kind, message))
  #directory: DirectoryGraph | undefined
  /** The first load of the mirror, shared by all who ask for it. */
  #directoryLoad: Promise<DirectoryGraph> | undefined

  private constructor(options: LocatorClientOptions) {
    this.#options = options
    this.#client = new ReconnectingClient({
      service: 'service_locator',
      addresses: () => Promise.resolve(options.addresses),
      greet: request => this.#login(request),
      renew: request => this.#gate.during(() => this.#renew(request)),
      onPush: (kind, message) => this.#gate.push(kind, message),
      onAvailability: options.onAvailability,
      limits: options.limits,
      times: options.times,
    })
  }

  /** Connects and logs in. @throws ServiceError SERVICE_UNAVAILABLE, LOGIN_FAILED */
  static async open(options: LocatorClientOptions): Promise<LocatorClient> {
    const client = new LocatorClient(options)
    await client.#client.open()
    return client
  }

  /** The account this process is logged in as. */
  get account(): number {
    return this.#account
  }

  get available(): boolean {
    return this.#client.available
  }

  /** Limits and times that clients found through this one take over. */
  get limits(): Partial<ConnectionLimits> | undefined {
    return this.#options.limits
  }

  get times(): Partial<ClientTimes> | undefined {
    return this.#options.times
  }

  /** The session that proves this process to other services; undefined while the locator is away. */
  get ticket(): SessionTicket | undefined {
    return this.#client.available ? this.#ticket : undefined
  }

  close(): void {
    this.#client.close()
  }

  /**
   * The account that name and password belong to. Services only.
   * @param from where whoever logs in comes from, his host perhaps: failures there suspend nobody elsewhere.
   * @throws ServiceError LOGIN_FAILED, LOGINS_SUSPENDED
   */
  async authenticate(name: string, password: string, from = ''): Promise<number> {
    return unsignedAt(await this.#client.request(LocatorKind.Authenticate, [name, password, from]), 2)
  }

  /** The account whose session gave this proof. Services only. @throws ServiceError LOGIN_FAILED */
  async checkSession(sessionId: string, challenge: Uint8Array, proof: Uint8Array): Promise<number> {
    return unsignedAt(await this.#client.request(LocatorKind.CheckSession, [sessionId, challenge, proof]), 2)
  }

  /** Makes a service findable until this client closes. Services only. */
  async register(name: string, addresses: readonly Address[]): Promise<void> {
    const properties = new Map([[ADDRESSES_PROPERTY, addresses.map(formatAddress).join(',')]])
    await this.#client.request(LocatorKind.Register, [name, propertiesToWire(properties)])
    this.#registrations.push({ name, properties })
  }

  /** Servers of that name, in random order. */
  async locate(name: string): Promise<ServiceEntry[]> {
    return rowsAt(await this.#client.request(LocatorKind.Locate, [name]), 2).map(serviceFromWire)
  }

  /** Follows the servers of that name; `listener` hears of those that are there first. */
  async watchService(name: string, listener: ServiceListener): Promise<void> {
    const watched = this.#watched.get(name)
    if (watched === undefined) {
      this.#watched.set(name, { listeners: new Set([listener]), services: new Map() })
      await this.#gate.during(() => this.#watch(this.#request, name))
    } else {
      watched.listeners.add(listener)
      for (const service of watched.services.values()) listener(service, true)
    }
  }

  async unwatchService(name: string, listener: ServiceListener): Promise<void> {
    const watched = this.#watched.get(name)
    if (!watched?.listeners.delete(listener) || watched.listeners.size > 0) return
    this.#watched.delete(name)
    // A locator that is away forgets by itself who watched.
    if (this.available) await this.#client.request(LocatorKind.UnwatchService, [name])
  }

  /** A mirror of the whole directory that follows every change; listen on it. Services only. */
  async followDirectory(): Promise<DirectoryGraph> {
    this.#directoryLoad ??= this.#gate.during(async () => {
      this.#directory = await this.#loadDirectory(this.#request)
      return this.#directory
    })
    try {
      return await this.#directoryLoad
    } catch (error) {
      this.#directoryLoad = undefined
      throw error
    }
  }

  /** @throws ServiceError UNKNOWN_ACCOUNT */
  async findAccount(name: string): Promise<Entry> {
    return entryFromWire((await this.#client.request(LocatorKind.FindAccount, [name])).slice(2))
  }

  /** @throws ServiceError UNKNOWN_ENTRY, NOT_PERMITTED */
  async loadEntry(id: number): Promise<Entry> {
    return entryFromWire((await this.#client.request(LocatorKind.LoadEntry, [id])).slice(2))
  }

  async loadParents(id: number): Promise<Entry[]> {
    return rowsAt(await this.#client.request(LocatorKind.LoadParents, [id]), 2).map(entryFromWire)
  }

  async loadChildren(id: number): Promise<Entry[]> {
    return rowsAt(await this.#client.request(LocatorKind.LoadChildren, [id]), 2).map(entryFromWire)
  }

  /** The entry at a path, as `trading_groups/north/traders`. @throws ServiceError UNKNOWN_ENTRY, NOT_PERMITTED */
  async loadEntryAt(path: string): Promise<Entry> {
    return entryFromWire((await this.#client.request(LocatorKind.LoadEntryAt, [path])).slice(2))
  }

  /** Follows the parents of an entry; `listener` hears of those it has first. @throws ServiceError UNKNOWN_ENTRY, NOT_PERMITTED */
  async followParents(id: number, listener: ParentListener): Promise<void> {
    await this.#gate.during(async () => {
      const parents = await this.#loadFollowedParents(this.#request, id)
      this.#followedParents.set(id, { listener, parents: new Set(parents) })
      for (const parent of parents) listener(parent, true)
    })
  }

  async unfollowParents(id: number): Promise<void> {
    this.#followedParents.delete(id)
    await this.#client.request(LocatorKind.UnfollowParents, [id])
  }

  async loadAccountTimes(account: number): Promise<AccountTimes> {
    const answer = await this.#client.request(LocatorKind.LoadAccountTimes, [account])
    return { registered: integerAt(answer, 2), lastLogin: integerAt(answer, 3) }
  }

  /** Administrators, and whoever has the permission; so below. @returns the id of the new account. */
  async makeAccount(name: string, password: string, parent: number): Promise<number> {
    return unsignedAt(await this.#client.request(LocatorKind.MakeAccount, [name, password, parent]), 2)
  }

  async makeDirectory(name: string, parent: number): Promise<number> {
    return unsignedAt(await this.#client.request(LocatorKind.MakeDirectory, [name, parent]), 2)
  }

  async delete(id: number): Promise<void> {
    await this.#client.request(LocatorKind.Delete, [id])
  }

  async associate(parent: number, child: number): Promise<void> {
    await this.#client.request(LocatorKind.Associate, [parent, child])
  }

  async detach(parent: number, child: number): Promise<void> {
    await this.#client.request(LocatorKind.Detach, [parent, child])
  }

  async rename(id: number, name: string): Promise<void> {
    await this.#client.request(LocatorKind.Rename, [id, name])
  }

  async storePassword(account: number, password: string): Promise<void> {
    await this.#client.request(LocatorKind.StorePassword, [account, password])
  }

  /** Gives an account exactly these permissions (bits) over an entry and what lies below it. */
  async storePermissions(account: number, entry: number, permissions: number): Promise<void> {
    await this.#client.request(LocatorKind.StorePermissions, [account, entry, permissions])
  }

  /** What an account was given over an entry, as bits; its roles are not among them. */
  async loadPermissions(account: number, entry: number): Promise<number> {
    return unsignedAt(await this.#client.request(LocatorKind.LoadPermissions, [account, entry]), 2)
  }

  /** Records of the changes of one entry, or of all. Administrators only. */
  loadChanges(entry?: number): Promise<Change[]> {
    return loadChanges(this.#request, LocatorKind.LoadChanges, entry)
  }

  readonly #request: Request = (kind, elements) => this.#client.request(kind, elements)

  async #login(request: Request): Promise<void> {
    const { name, password } = this.#options
    const answer = await request(WireKind.Login, [name, password, SERVICES_VERSION])
    this.#account = unsignedAt(answer, 2)
    this.#ticket = { id: textAt(answer, 3), key: Uint8Array.from(bytesAt(answer, 4)) }
  }

  async #renew(request: Request): Promise<void> {
    for (const { name, properties } of this.#registrations) {
      await request(LocatorKind.Register, [name, propertiesToWire(properties)])
    }
    for (const name of this.#watched.keys()) await this.#watch(request, name)
    for (const [id, { parents }] of this.#followedParents) {
      const now = new Set(await unlessRefused(this.#loadFollowedParents(request, id)))
      for (const parent of [...parents]) if (!now.has(parent)) this.#parentMoved(parent, id, false)
      for (const parent of now) this.#parentMoved(parent, id, true)
    }
    if (this.#directory !== undefined) reconcile(this.#directory, await this.#loadDirectory(request))
  }

  async #watch(request: Request, name: string): Promise<void> {
    const found = rowsAt(await request(LocatorKind.WatchService, [name]), 2).map(serviceFromWire)
    const watched = this.#watched.get(name)
    if (watched === undefined) return
    const ids = new Set(found.map(service => service.id))
    for (const service of [...watched.services.values()]) {
      if (!ids.has(service.id)) this.#availability(service, false)
    }
    for (const service of found) this.#availability(service, true)
  }

  async #loadFollowedParents(request: Request, id: number): Promise<number[]> {
    const parents = listAt(await request(LocatorKind.FollowParents, [id]), 2)
    return parents.map((_, index) => unsignedAt(parents, index))
  }

  #parentMoved(parent: number, child: number, joined: boolean): void {
    const followed = this.#followedParents.get(child)
    if (followed === undefined || followed.parents.has(parent) === joined) return
    if (joined) followed.parents.add(parent)
    else followed.parents.delete(parent)
    followed.listener(parent, joined)
  }

  #availability(service: ServiceEntry, available: boolean): void {
    const watched = this.#watched.get(service.name)
    if (watched === undefined || watched.services.has(service.id) === available) return
    if (available) watched.services.set(service.id, service)
    else watched.services.delete(service.id)
    for (const listener of watched.listeners) listener(service, available)
  }

  async #loadDirectory(request: Request): Promise<DirectoryGraph> {
    const graph = new DirectoryGraph()
    await request(LocatorKind.FollowDirectory, [])
    await loadPages(request, LocatorKind.LoadEntries, {
      after: [-1],
      keyOf: row => row.slice(0, 1),
      take: row => graph.storeEntry(entryFromWire(row)),
    })
    await loadPages(request, LocatorKind.LoadAssociations, {
      after: [-1, -1],
      keyOf: row => row.slice(0, 2),
      take: row => graph.associate(unsignedAt(row, 0), unsignedAt(row, 1)),
    })
    return graph
  }

  #pushed(kind: number, message: Elements): void {
    const graph = this.#directory
    switch (kind) {
      case LocatorKind.ServiceAvailability:
        this.#availability(serviceFromWire(listAt(message, 2)), flagAt(message, 3))
        break
      case LocatorKind.EntryStored:
        graph?.storeEntry(entryFromWire(message.slice(2)))
        break
      case LocatorKind.EntryDeleted:
        graph?.deleteEntry(unsignedAt(message, 2))
        break
      case LocatorKind.Associated:
        graph?.associate(unsignedAt(message, 2), unsignedAt(message, 3))
        this.#parentMoved(unsignedAt(message, 2), unsignedAt(message, 3), true)
        break
      case LocatorKind.Detached:
        graph?.detach(unsignedAt(message, 2), unsignedAt(message, 3))
        this.#parentMoved(unsignedAt(message, 2), unsignedAt(message, 3), false)
        break
      // Pushes of a newer locator that this client does not know are none of its business.
    }
  }
}

/** Changes `mirror` into `fresh`, so that its listeners hear of the differences and of nothing else. */
function reconcile(mirror: DirectoryGraph, fresh: DirectoryGraph): void {
  for (const entry of [...mirror.entries()]) {
    if (fresh.entry(entry.id) === undefined) {
      mirror.deleteEntry(entry.id)
      continue
    }
    for (const child of [...mirror.children(entry.id)]) {
      if (!fresh.hasChild(entry.id, child)) mirror.detach(entry.id, child)
    }
  }
  for (const entry of fresh.entries()) mirror.storeEntry(entry)
  for (const entry of fresh.entries()) {
    for (const child of fresh.children(entry.id)) mirror.associate(entry.id, child)
  }
}

/** Addresses that servers of a service were registered with, in the order to try them. */
export function addressesOf(services: readonly ServiceEntry[]): Address[] {
  const texts = services.flatMap(service => (service.properties.get(ADDRESSES_PROPERTY) ?? '').split(','))
  return texts.map(parseAddress).filter(address => address !== undefined)
}
