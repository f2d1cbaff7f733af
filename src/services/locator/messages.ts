// Messages of the service locator, kinds 100 to 199, and the rows inside them.
//
//   entry    [id, type (0 account, 1 directory), name]
//   service  [service id, name, account id, [[property, value], …]]

import type { Value } from '../../protocol/msgpack.ts'
import { type Elements, memberAt, rowsAt, textAt, unsignedAt } from '../wire/elements.ts'
import { type Entry, EntryType } from './directory-graph.ts'

/** Its name; everybody has to know where it is, so it is not registered anywhere. */
export const SERVICE_LOCATOR = 'service_locator'

/**
 * Elements after `[kind, requestId` of the request → after `[71, requestId` of the answer; who may ask. Administrators may
 * do everything, services read everything; READ, MOVE and ADMINISTRATE are permissions over an entry, see permissions.ts.
 */
export const LocatorKind = {
  /** session id, challenge, proof → account id. Services. */
  CheckSession: 100,
  /** name, password, where the login comes from (may be left out) → account id. Services. */
  Authenticate: 101,
  /** service name, [[property, value], …] → service id. Services. Gone with the connection. */
  Register: 102,
  /** service id → nothing. The connection that registered it. */
  Unregister: 103,
  /** service name → [service, …] in random order. Anyone. */
  Locate: 104,
  /** service name → [service, …], then ServiceAvailability pushes. Anyone. */
  WatchService: 105,
  /** service name → nothing. Anyone. */
  UnwatchService: 106,
  /** → nothing, then pushes of every change of the directory. Services. */
  FollowDirectory: 107,
  /** after id (−1 = from the start), count → [entry, …], more (0/1), ascending. Services. */
  LoadEntries: 108,
  /** after parent, after child (−1, −1 = from the start), count → [[parent, child], …], more (0/1), ascending. Services. */
  LoadAssociations: 109,
  /** account name → entry. Anyone. */
  FindAccount: 110,
  /** id → entry. READ. */
  LoadEntry: 111,
  /** id → [entry, …]. READ. */
  LoadParents: 112,
  /** id → [entry, …]. READ. */
  LoadChildren: 113,
  /** account id → registered, last login (µs since the epoch, 0 never). READ. */
  LoadAccountTimes: 114,
  /** path, as `trading_groups/north/traders` → entry. READ. */
  LoadEntryAt: 115,
  /** id → [parent id, …], then Associated and Detached pushes of this child. READ. */
  FollowParents: 116,
  /** id → nothing. Anyone. */
  UnfollowParents: 117,
  /** → session id, session key: a session for a connection that has proved another one. Anyone. */
  OpenSession: 118,
  /** name, password, parent id → account id. ADMINISTRATE on the parent. */
  MakeAccount: 120,
  /** name, parent id → directory id. ADMINISTRATE on the parent. */
  MakeDirectory: 121,
  /** id → nothing; children without another parent go with it. ADMINISTRATE. */
  Delete: 122,
  /** parent id, child id → nothing. MOVE on both. */
  Associate: 123,
  /** parent id, child id → nothing; the last parent cannot be taken away. MOVE on the parent. */
  Detach: 124,
  /** id, name → nothing. ADMINISTRATE. */
  Rename: 125,
  /** account id, password → nothing. ADMINISTRATE, or oneself. */
  StorePassword: 126,
  /** account id, entry id, permissions (bits) → nothing. ADMINISTRATE on the entry. */
  StorePermissions: 127,
  /** account id, entry id → permissions (bits). Services, oneself, ADMINISTRATE on both. */
  LoadPermissions: 128,
  /** See changes/messages.ts. Administrators. */
  LoadChanges: 129,

  /** service, available (0/1). */
  ServiceAvailability: 150,
  /** entry; new or with a new name. */
  EntryStored: 151,
  /** entry. */
  EntryDeleted: 152,
  /** parent id, child id. */
  Associated: 153,
  /** parent id, child id. */
  Detached: 154,
} as const

export function entryToWire(entry: Entry): Value[] {
  return [entry.id, entry.type, entry.name]
}

export function entryFromWire(row: Elements): Entry {
  return { id: unsignedAt(row, 0), type: memberAt(row, 1, EntryType), name: textAt(row, 2) }
}

/** A service that can be located. */
export interface ServiceEntry {
  readonly id: number
  readonly name: string
  /** Account that registered it. */
  readonly account: number
  readonly properties: ReadonlyMap<string, string>
}

/** Property that names where a service listens: `host:port`, several separated by commas, tried in order. */
export const ADDRESSES_PROPERTY = 'addresses'

export function serviceToWire(service: ServiceEntry): Value[] {
  return [service.id, service.name, service.account, propertiesToWire(service.properties)]
}

export function serviceFromWire(row: Elements): ServiceEntry {
  return {
    id: unsignedAt(row, 0),
    name: textAt(row, 1),
    account: unsignedAt(row, 2),
    properties: propertiesFromWire(row, 3),
  }
}

export function propertiesToWire(properties: ReadonlyMap<string, string>): Value[] {
  return [...properties]
}

export function propertiesFromWire(row: Elements, index: number): ReadonlyMap<string, string> {
  return new Map(rowsAt(row, index).map(property => [textAt(property, 0), textAt(property, 1)]))
}
