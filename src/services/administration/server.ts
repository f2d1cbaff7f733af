// The administration service: who administrates, who manages and trades in which group, what each account may risk and
// in which state it is. Roles come from the locator's directory, which it mirrors through a locator client like any
// other service; risk parameters and states are its own.

import { Reason } from '../../domain/reasons.ts'
import type { Value } from '../../protocol/msgpack.ts'
import { type DirectoryGraph, EntryType } from '../locator/directory-graph.ts'
import { type Elements, integerAt, unsignedAt } from '../wire/elements.ts'
import { pageOf, pageRowsAt, pageToWire } from '../wire/pages.ts'
import { requireAdministrator, requireReader, requireService } from '../wire/permission.ts'
import { ServiceError } from '../wire/service-error.ts'
import type { Handler, Service, ServiceSession } from '../wire/service-host.ts'
import { membershipsOf } from './directory-memberships.ts'
import type { Memberships, TradingGroup } from './memberships.ts'
import {
  ADMINISTRATION_SERVICE,
  AdministrationKind,
  membershipFromWire,
  membershipToWire,
  riskParametersFromWire,
  riskParametersToWire,
  riskStateFromWire,
  riskStateToWire,
} from './messages.ts'
import type { RiskStore } from './risk-store.ts'

const NOTHING: readonly Value[] = []

export class AdministrationServer implements Service {
  readonly name = ADMINISTRATION_SERVICE
  readonly handlers: ReadonlyMap<number, Handler>
  readonly #graph: DirectoryGraph
  readonly #memberships: Memberships
  readonly #store: RiskStore
  readonly #membershipFollowers = new Set<ServiceSession>()
  readonly #riskFollowers = new Set<ServiceSession>()
  /** Accounts that a session follows one by one. */
  readonly #accountFollowers = new Map<ServiceSession, Set<number>>()

  /** @param graph the directory, kept up to date by its owner. */
  constructor(graph: DirectoryGraph, store: RiskStore) {
    this.#graph = graph
    this.#memberships = membershipsOf(graph)
    this.#store = store
    graph.listen({
      entryDeleted: entry => {
        if (entry.type === EntryType.Account) store.delete(entry.id)
      },
    })
    const tellMembers = (kind: number, elements: readonly Value[]) => {
      for (const session of this.#membershipFollowers) session.push(kind, elements)
    }
    this.#memberships.listen({
      groupStored: (id, name) => tellMembers(AdministrationKind.GroupStored, [[id, name]]),
      groupDeleted: id => tellMembers(AdministrationKind.GroupDeleted, [id]),
      membershipChanged: (membership, joined) =>
        tellMembers(AdministrationKind.MembershipChanged, [...membershipToWire(membership), joined ? 1 : 0]),
    })
    store.book.listen({
      riskParametersChanged: (account, parameters) =>
        this.#tellRisk(account, AdministrationKind.RiskParametersChanged, riskParametersToWire(parameters)),
      riskStateChanged: (account, state) =>
        this.#tellRisk(account, AdministrationKind.RiskStateChanged, riskStateToWire(state)),
    })
    this.handlers = new Map<number, Handler>([
      [
        AdministrationKind.CheckAdministrator,
        (_, message) => [this.#memberships.isAdministrator(unsignedAt(message, 2)) ? 1 : 0],
      ],
      [AdministrationKind.LoadManagedGroups, (session, message) => this.#loadManagedGroups(session, message)],
      [AdministrationKind.LoadGroup, (session, message) => this.#loadGroup(session, message)],
      [AdministrationKind.LoadParentGroup, (session, message) => this.#loadParentGroup(session, message)],
      [AdministrationKind.FollowMemberships, session => this.#followMemberships(session)],
      [AdministrationKind.LoadMemberships, (session, message) => this.#loadMemberships(session, message)],
      [AdministrationKind.FollowRisk, session => this.#followRisk(session)],
      [AdministrationKind.LoadRiskParameters, (session, message) => this.#loadRiskParameters(session, message)],
      [AdministrationKind.LoadRiskStates, (session, message) => this.#loadRiskStates(session, message)],
      [AdministrationKind.FollowAccountRisk, (session, message) => this.#followAccountRisk(session, message)],
      [AdministrationKind.UnfollowAccountRisk, (session, message) => this.#unfollowAccountRisk(session, message)],
      [AdministrationKind.StoreRiskParameters, (session, message) => this.#storeRiskParameters(session, message)],
      [AdministrationKind.StoreRiskState, (session, message) => this.#storeRiskState(session, message)],
    ])
  }

  sessionClosed(session: ServiceSession): void {
    this.#membershipFollowers.delete(session)
    this.#riskFollowers.delete(session)
    this.#accountFollowers.delete(session)
  }

  /** Who may read about an account: services, administrators, itself, and whoever manages a group it is in. */
  #requireReader(session: ServiceSession, account: number): void {
    if (!this.#memberships.manages(session.account, account)) {
      requireReader(this.#memberships, session.account, account)
    }
  }

  #account(message: Elements, index: number): number {
    const account = unsignedAt(message, index)
    if (this.#graph.entry(account)?.type !== EntryType.Account) throw new ServiceError(Reason.UnknownAccount)
    return account
  }

  #loadManagedGroups(session: ServiceSession, message: Elements): readonly Value[] {
    const account = this.#account(message, 2)
    this.#requireReader(session, account)
    return [this.#memberships.groupsManagedBy(account).map(groupToWire)]
  }

  #loadGroup(session: ServiceSession, message: Elements): readonly Value[] {
    const id = unsignedAt(message, 2)
    const group = this.#memberships.groups.get(id)
    if (!group?.managers.has(session.account)) requireService(this.#memberships, session.account)
    if (group === undefined) throw new ServiceError(Reason.UnknownGroup, [id])
    return [groupToWire(group), [...group.managers], [...group.traders]]
  }

  #loadParentGroup(session: ServiceSession, message: Elements): readonly Value[] {
    const account = this.#account(message, 2)
    this.#requireReader(session, account)
    const group = this.#memberships.parentGroup(account)
    return group === undefined ? NOTHING : [groupToWire(group)]
  }

  #followMemberships(session: ServiceSession): readonly Value[] {
    requireService(this.#memberships, session.account)
    this.#membershipFollowers.add(session)
    return [Array.from(this.#memberships.groups.values(), groupToWire)]
  }

  #loadMemberships(session: ServiceSession, message: Elements): readonly Value[] {
    requireService(this.#memberships, session.account)
    const rowsMax = pageRowsAt(message, 5)
    const after = integerAt(message, 2) < 0 ? undefined : membershipFromWire(message, 2)
    return pageToWire(pageOf(this.#memberships.after(after, rowsMax + 1), rowsMax), membershipToWire)
  }

  #followRisk(session: ServiceSession): readonly Value[] {
    requireService(this.#memberships, session.account)
    this.#riskFollowers.add(session)
    return NOTHING
  }

  #loadRiskParameters(session: ServiceSession, message: Elements): readonly Value[] {
    requireService(this.#memberships, session.account)
    const page = this.#store.parametersAfter(integerAt(message, 2), pageRowsAt(message, 3))
    return pageToWire(page, ([account, parameters]) => [account, ...riskParametersToWire(parameters)])
  }

  #loadRiskStates(session: ServiceSession, message: Elements): readonly Value[] {
    requireService(this.#memberships, session.account)
    const page = this.#store.statesAfter(integerAt(message, 2), pageRowsAt(message, 3))
    return pageToWire(page, ([account, state]) => [account, ...riskStateToWire(state)])
  }

  #followAccountRisk(session: ServiceSession, message: Elements): readonly Value[] {
    const account = this.#account(message, 2)
    this.#requireReader(session, account)
    const accounts = this.#accountFollowers.get(session) ?? new Set()
    this.#accountFollowers.set(session, accounts.add(account))
    const { book } = this.#store
    return [...riskParametersToWire(book.parameters(account)), ...riskStateToWire(book.state(account))]
  }

  #unfollowAccountRisk(session: ServiceSession, message: Elements): readonly Value[] {
    this.#accountFollowers.get(session)?.delete(unsignedAt(message, 2))
    return NOTHING
  }

  #storeRiskParameters(session: ServiceSession, message: Elements): readonly Value[] {
    requireAdministrator(this.#memberships, session.account)
    this.#store.storeParameters(this.#account(message, 2), riskParametersFromWire(message, 3))
    return NOTHING
  }

  #storeRiskState(session: ServiceSession, message: Elements): readonly Value[] {
    requireAdministrator(this.#memberships, session.account)
    this.#store.storeState(this.#account(message, 2), riskStateFromWire(message, 3))
    return NOTHING
  }

  /** A session that follows all accounts and this one too is told once. */
  #tellRisk(account: number, kind: number, elements: readonly Value[]): void {
    for (const session of this.#riskFollowers) session.push(kind, [account, ...elements])
    for (const [session, accounts] of this.#accountFollowers) {
      if (accounts.has(account) && !this.#riskFollowers.has(session)) session.push(kind, [account, ...elements])
    }
  }
}

function groupToWire(group: TradingGroup): Value[] {
  return [group.id, group.name]
}
