// Derives memberships from the directory:
//
//   *  ─ administrators ─ accounts
//      ─ services ─ accounts
//      ─ observers ─ accounts
//      ─ trading_groups ─ group ─ managers ─ accounts
//                               ├ traders ─ accounts
//                               └ observers ─ accounts
//
// Accounts move often and are followed one by one; where a directory moves, the group or role it touches is read anew.

import {
  type DirectoryGraph,
  EntryType,
  GroupDirectory,
  OBSERVERS,
  ROOT,
  WellKnown,
} from '../locator/directory-graph.ts'
import { type Membership, Memberships, NO_GROUP, Role } from './memberships.ts'

/** Memberships that follow `graph` from now on. */
export function membershipsOf(graph: DirectoryGraph): Memberships {
  const memberships = new Memberships()

  const isAccount = (id: number): boolean => graph.entry(id)?.type === EntryType.Account

  const isGroup = (id: number): boolean => {
    const groups = graph.directoryNamed(ROOT.id, WellKnown.TradingGroups)
    return groups !== undefined && graph.hasChild(groups.id, id) && !isAccount(id)
  }

  /** The roles that every account in `directory` has. */
  const rolesGivenBy = (directory: number): Omit<Membership, 'account'>[] => {
    const parents = graph.parents(directory)
    switch (graph.entry(directory)?.name) {
      case WellKnown.Administrators:
        return parents.includes(ROOT.id) ? [{ group: NO_GROUP, role: Role.Administrator }] : []
      case WellKnown.Services:
        return parents.includes(ROOT.id) ? [{ group: NO_GROUP, role: Role.Service }] : []
      case GroupDirectory.Managers:
        return parents.filter(isGroup).map(group => ({ group, role: Role.Manager }))
      case GroupDirectory.Traders:
        return parents.filter(isGroup).map(group => ({ group, role: Role.Trader }))
      case OBSERVERS:
        return parents.flatMap(parent =>
          parent === ROOT.id
            ? [{ group: NO_GROUP, role: Role.Observer }]
            : isGroup(parent)
              ? [{ group: parent, role: Role.Observer }]
              : [],
        )
      default:
        return []
    }
  }

  /** Makes the accounts of the directory `name` below `parent` the only ones of that role. */
  const refreshRole = (group: number, role: Role, parent: number, name: string, present: ReadonlySet<number>): void => {
    const directory = graph.directoryNamed(parent, name)
    const wanted = directory === undefined ? new Set<number>() : graph.children(directory.id)
    for (const account of [...present]) {
      if (!wanted.has(account)) memberships.change({ group, role, account }, false)
    }
    for (const account of wanted) if (isAccount(account)) memberships.change({ group, role, account }, true)
  }

  const refreshGroup = (id: number): void => {
    if (!isGroup(id)) {
      memberships.deleteGroup(id)
      return
    }
    memberships.storeGroup(id, graph.entry(id)!.name)
    const group = memberships.groups.get(id)!
    refreshRole(id, Role.Trader, id, GroupDirectory.Traders, group.traders)
    refreshRole(id, Role.Manager, id, GroupDirectory.Managers, group.managers)
    refreshRole(id, Role.Observer, id, OBSERVERS, group.observers)
  }

  const refreshAll = (): void => {
    refreshRole(NO_GROUP, Role.Service, ROOT.id, WellKnown.Services, memberships.services)
    refreshRole(NO_GROUP, Role.Administrator, ROOT.id, WellKnown.Administrators, memberships.administrators)
    refreshRole(NO_GROUP, Role.Observer, ROOT.id, OBSERVERS, memberships.observers)
    const groups = graph.directoryNamed(ROOT.id, WellKnown.TradingGroups)
    const present = groups === undefined ? [] : graph.children(groups.id)
    for (const id of new Set([...memberships.groups.keys(), ...present])) refreshGroup(id)
  }

  const moved = (parent: number, child: number, joined: boolean): void => {
    if (isAccount(child)) {
      for (const given of rolesGivenBy(parent)) memberships.change({ ...given, account: child }, joined)
    } else if (parent === ROOT.id) {
      refreshAll()
    } else {
      refreshGroup(parent)
      refreshGroup(child)
    }
  }

  refreshAll()
  graph.listen({
    associated: (parent, child) => moved(parent, child, true),
    detached: (parent, child) => moved(parent, child, false),
    entryStored: entry => {
      if (entry.type === EntryType.Account) return
      // A directory with another name: as a group it is called so, as a part of one it may mean another role.
      for (const id of [entry.id, ...graph.parents(entry.id)]) refreshGroup(id)
    },
  })
  return memberships
}
