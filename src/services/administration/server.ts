// The administration service: who administrates, who manages and trades in which group, what each account may risk and
// in which state it is. Roles come from the locator's directory, which it mirrors through a locator client like any
// other service; risk parameters and states are its own.

import { Reason } from '../../domain/reasons.ts'
import type { Value } from '../../protocol/msgpack.ts'
import { changesHandler } from '../changes/messages.ts'
import { type DirectoryGraph, EntryType } from '../locator/directory-graph.ts'
import { type Elements, integerAt, textAt, unsignedAt } from '../wire/elements.ts'
import { pageOf, pageRowsAt, pageToWire } from '../wire/pages.ts'
import { requireAdministrator, requireService } from '../wire/permission.ts'
import { ServiceError } from '../wire/service-error.ts'
import type { Handler, Service, ServiceSession } from '../wire/service-host.ts'
import type { Memberships, TradingGroup } from './memberships.ts'
import {
  ADMINISTRATION_SERVICE,
  AdministrationKind,
  membershipFromWire,
  membershipToWire,
  modificationToWire,
  riskParametersFromWire,
  riskParametersToWire,
  riskStateFromWire,
  riskStateToWire,
} from './messages.ts'
import { isClosed, type Modification, ModificationStatus, Standing, statusGivenBy, statusOf } from './modification.ts'
import type { ModificationStore } from './modification-store.ts'
import type { RiskStore } from './risk-store.ts'

const NOTHING: readonly Value[] = []

/** Requests of one page; the comment of each may be as long as texts may be. */
const PAGE_MODIFICATIONS_MAX = 100

export class AdministrationServer implements Service {
  readonly name = ADMINISTRATION_SERVICE
  readonly handlers: ReadonlyMap<number, Handler>
  readonly #graph: DirectoryGraph
  readonly #memberships: Memberships
  readonly #store: RiskStore
  readonly #modifications: ModificationStore
  readonly #nowUs: () => number
  readonly #membershipFollowers = new Set<ServiceSession>()
  readonly #riskFollowers = new Set<ServiceSession>()
  /** Accounts that a session follows one by one. */
  readonly #accountFollowers = new Map<ServiceSession, Set<number>>()

  /**
   * @param parts.graph the directory, kept up to date by its owner.
   * @param parts.memberships the roles that follow from it.
   * @param parts.nowUs µs since the epoch.
   */
  constructor(parts: {
    graph: DirectoryGraph
    memberships: Memberships
    store: RiskStore
    modifications: ModificationStore
    nowUs: () => number
  }) {
    const { graph, store } = parts
    this.#graph = graph
    this.#memberships = parts.memberships
    this.#store = store
    this.#modifications = parts.modifications
    this.#nowUs = parts.nowUs
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
      membershipChanged: (membership, joined) => {
        tellMembers(AdministrationKind.MembershipChanged, [...membershipToWire(membership), joined ? 1 : 0])
        if (!joined) this.#sendAwayWhoMayNot()
      },
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
      [AdministrationKind.SubmitModification, (session, message) => this.#submitModification(session, message)],
      [AdministrationKind.ApproveModification, (session, message) => this.#approveModification(session, message)],
      [AdministrationKind.RejectModification, (session, message) => this.#rejectModification(session, message)],
      [AdministrationKind.LoadModification, (session, message) => this.#loadModification(session, message)],
      [AdministrationKind.LoadModifications, (session, message) => this.#loadModifications(session, message)],
      [AdministrationKind.LoadChanges, changesHandler(store.changes, this.#memberships)],
    ])
  }

  sessionClosed(session: ServiceSession): void {
    this.#membershipFollowers.delete(session)
    this.#riskFollowers.delete(session)
    this.#accountFollowers.delete(session)
  }

  /** Grants the requests whose date has come. */
  grantDue(): void {
    for (const due of this.#modifications.due(this.#nowUs())) {
      const { account } = due.updates.at(-1)!
      const isThere = this.#graph.entry(due.account)?.type === EntryType.Account
      this.#bring(due, isThere ? ModificationStatus.Granted : ModificationStatus.Rejected, account, due.effective)
    }
  }

  /** Whether somebody may read about an account: services, administrators, itself, and whoever manages a group it is in. */
  #mayRead(asking: number, account: number): boolean {
    const memberships = this.#memberships
    return asking === account || memberships.manages(asking, account) || memberships.isService(asking)
  }

  #requireReader(session: ServiceSession, account: number): void {
    if (!this.#mayRead(session.account, account)) requireAdministrator(this.#memberships, session.account)
  }

  /** Somebody has left a role or a group: what he followed by it is not his any more. */
  #sendAwayWhoMayNot(): void {
    const memberships = this.#memberships
    for (const session of [...this.#membershipFollowers, ...this.#riskFollowers]) {
      const { account } = session
      if (!memberships.isService(account) && !memberships.isAdministrator(account)) session.sendAway()
    }
    for (const [session, accounts] of this.#accountFollowers) {
      const { account } = session
      const lost = [...accounts].some(other => !this.#mayRead(account, other))
      if (lost && !memberships.isAdministrator(account)) session.sendAway()
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
    this.#store.storeParameters(this.#account(message, 2), riskParametersFromWire(message, 3), session.account)
    return NOTHING
  }

  #storeRiskState(session: ServiceSession, message: Elements): readonly Value[] {
    requireAdministrator(this.#memberships, session.account)
    this.#store.storeState(this.#account(message, 2), riskStateFromWire(message, 3), session.account)
    return NOTHING
  }

  #submitModification(session: ServiceSession, message: Elements): readonly Value[] {
    const account = this.#account(message, 2)
    const standing = this.#standing(session.account, account)
    const nowUs = this.#nowUs()
    const effective = integerAt(message, 3, 0, 0) || nowUs
    const parameters = riskParametersFromWire(message, 5)
    const request = { account, submitter: session.account, timestamp: nowUs, effective, parameters }
    const status = statusGivenBy(standing, effective, nowUs)
    const add = () => this.#modifications.add({ ...request, comment: textAt(message, 4, '') }, status)
    const modification = this.#applied(status, request, session.account, add)
    return [modification.id, status]
  }

  #approveModification(session: ServiceSession, message: Elements): readonly Value[] {
    const modification = this.#openModification(message)
    const standing = this.#standing(session.account, modification.account)
    const effective = integerAt(message, 3, modification.effective, 0)
    const status = statusGivenBy(standing, effective, this.#nowUs())
    if (status < statusOf(modification)) throw new ServiceError(Reason.NotPermitted)
    this.#bring(modification, status, session.account, effective)
    return [status]
  }

  #rejectModification(session: ServiceSession, message: Elements): readonly Value[] {
    const modification = this.#openModification(message)
    this.#standing(session.account, modification.account)
    this.#bring(modification, ModificationStatus.Rejected, session.account, modification.effective)
    return NOTHING
  }

  #bring(modification: Modification, status: ModificationStatus, account: number, effective: number): void {
    const update = { status, account, timestamp: this.#nowUs() }
    this.#applied(status, modification, account, () => this.#modifications.update(modification, update, effective))
  }

  /** Writes a request or its update, together with the parameters where it is granted, and tells who follows. */
  #applied(
    status: ModificationStatus,
    { account, parameters }: Pick<Modification, 'account' | 'parameters'>,
    by: number,
    write: () => Modification,
  ): Modification {
    let modification: Modification | undefined
    if (status === ModificationStatus.Granted) {
      this.#store.storeParameters(account, parameters, by, () => {
        modification = write()
      })
    }
    modification ??= write()
    for (const [session, accounts] of this.#accountFollowers) {
      if (accounts.has(account)) session.push(AdministrationKind.ModificationChanged, modificationToWire(modification))
    }
    return modification
  }

  #loadModification(session: ServiceSession, message: Elements): readonly Value[] {
    const modification = this.#modifications.load(integerAt(message, 2, undefined, 0))
    this.#requireReader(session, modification.account)
    return modificationToWire(modification)
  }

  #loadModifications(session: ServiceSession, message: Elements): readonly Value[] {
    const account = this.#account(message, 2)
    this.#requireReader(session, account)
    const rowsMax = Math.min(PAGE_MODIFICATIONS_MAX, pageRowsAt(message, 4))
    const page = this.#modifications.after(account, integerAt(message, 3, 0, 0), rowsMax)
    return pageToWire(page, modificationToWire)
  }

  #openModification(message: Elements): Modification {
    const modification = this.#modifications.load(integerAt(message, 2, undefined, 0))
    if (isClosed(statusOf(modification))) throw new ServiceError(Reason.ModificationClosed, [modification.id])
    return modification
  }

  /** What one account is to another. @throws ServiceError NOT_PERMITTED where it is nothing to it. */
  #standing(account: number, other: number): Standing {
    if (this.#memberships.isAdministrator(account)) return Standing.Administrator
    if (this.#memberships.manages(account, other)) return Standing.Manager
    if (account === other) return Standing.Trader
    throw new ServiceError(Reason.NotPermitted)
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
