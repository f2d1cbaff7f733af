// What the main thread knows of the world: accounts, roles, groups, risk parameters and states, compliance rules, and the
// definitions, mirrored from the services and kept up to date. Every look-up is answered from memory; changes are told as
// they arrive. While a service is away the last known state holds, and `availabilityChanged` says so. A world of which a
// part was never received is none: it does not open.

import { type Definitions, definitionsFromData } from '../../domain/definitions.ts'
import { AdministrationClient } from '../administration/client.ts'
import type { Membership, Memberships, TradingGroup } from '../administration/memberships.ts'
import type { RiskBook, RiskParameters, RiskState } from '../administration/risk.ts'
import { ComplianceClient } from '../compliance/client.ts'
import type { RuleBook, StoredRule } from '../compliance/rule-book.ts'
import { loadDefinitionsData } from '../definitions/client.ts'
import type { LocatorClient } from '../locator/client.ts'
import { type DirectoryGraph, EntryType } from '../locator/directory-graph.ts'
import type { AvailabilityListener } from '../wire/reconnecting-client.ts'
import type { ServiceError } from '../wire/service-error.ts'

/** Told of changes, after the look-ups show them. */
export interface WorldListener {
  accountAdded?(account: number, name: string): void
  /** The account has another name. */
  accountRenamed?(account: number, name: string): void
  accountRemoved?(account: number): void
  riskParametersChanged?(account: number, parameters: RiskParameters): void
  riskStateChanged?(account: number, state: RiskState): void
  groupStored?(group: number, name: string): void
  groupDeleted?(group: number): void
  /** An account got or lost a role: trader or manager of a group, administrator, service. */
  membershipChanged?(membership: Membership, joined: boolean): void
  /** A rule entry was stored, or is gone: then its state is Deleted. */
  ruleChanged?(rule: StoredRule): void
  /** An account or directory lies elsewhere, or is called otherwise: whose rules it meets may be others, for all below it too. */
  directoryMoved?(entry: number): void
  /** Violations of rules that could not be recorded. */
  violationsLost?(count: number, reason: ServiceError): void
  availabilityChanged?: AvailabilityListener
}

export class WorldFeed {
  readonly definitions: Definitions
  /** The definitions as plain data, for other threads. */
  readonly definitionsData: unknown
  readonly #administration: AdministrationClient
  readonly #compliance: ComplianceClient
  readonly #directory: DirectoryGraph
  readonly #memberships: Memberships
  readonly #risk: RiskBook
  readonly #rules: RuleBook

  private constructor(parts: {
    definitionsData: unknown
    administration: AdministrationClient
    compliance: ComplianceClient
    directory: DirectoryGraph
    memberships: Memberships
    risk: RiskBook
    rules: RuleBook
  }) {
    this.definitionsData = parts.definitionsData
    this.definitions = definitionsFromData(parts.definitionsData)
    this.#administration = parts.administration
    this.#compliance = parts.compliance
    this.#directory = parts.directory
    this.#memberships = parts.memberships
    this.#risk = parts.risk
    this.#rules = parts.rules
  }

  /**
   * Loads the whole world through `locator`, whose account has to be a service. The listener hears only of what
   * changes afterwards.
   * @throws ServiceError SERVICE_UNAVAILABLE, NOT_PERMITTED; InvalidData
   */
  static async open(locator: LocatorClient, listener: WorldListener = {}): Promise<WorldFeed> {
    const { availabilityChanged } = listener
    const definitionsData = await loadDefinitionsData(locator)
    const options = availabilityChanged === undefined ? {} : { onAvailability: availabilityChanged }
    const administration = await AdministrationClient.open(locator, options)
    let compliance: ComplianceClient | undefined
    try {
      compliance = await ComplianceClient.open(locator, {
        ...options,
        onViolationsLost: (count, reason) => listener.violationsLost?.(count, reason),
      })
      const [directory, memberships, risk, rules] = await Promise.all([
        locator.followDirectory(),
        administration.followMemberships(),
        administration.followRisk(),
        compliance.followRules(),
      ])
      const parts = { definitionsData, administration, compliance, directory, memberships, risk, rules }
      const world = new WorldFeed(parts)
      world.#listen(listener)
      return world
    } catch (error) {
      administration.close()
      compliance?.close()
      throw error
    }
  }

  /** The client behind the feed, for single questions and for storing risk states. */
  get administration(): AdministrationClient {
    return this.#administration
  }

  /** The client behind the rules, for reporting violations and rules that have shut themselves. */
  get compliance(): ComplianceClient {
    return this.#compliance
  }

  /** All rule entries. */
  get rules(): Pick<RuleBook, 'rule' | 'rules' | 'rulesOf'> {
    return this.#rules
  }

  /** Accounts and directories as they hang together. */
  get directory(): Pick<DirectoryGraph, 'entry' | 'parents' | 'children'> {
    return this.#directory
  }

  /** Ends the feed; the locator client is its owner's. */
  close(): void {
    this.#administration.close()
    this.#compliance.close()
  }

  /** Ids and names of all accounts. */
  *accounts(): IterableIterator<readonly [number, string]> {
    for (const entry of this.#directory.entries()) if (entry.type === EntryType.Account) yield [entry.id, entry.name]
  }

  accountId(name: string): number | undefined {
    return this.#directory.accountNamed(name)?.id
  }

  accountName(account: number): string | undefined {
    const entry = this.#directory.entry(account)
    return entry?.type === EntryType.Account ? entry.name : undefined
  }

  isAccount(account: number): boolean {
    return this.#directory.entry(account)?.type === EntryType.Account
  }

  isAdministrator(account: number): boolean {
    return this.#memberships.isAdministrator(account)
  }

  /** Whether a session of one account may act for another: administrators for all, managers for their traders. */
  permitted(sessionAccount: number, account: number): boolean {
    return this.#memberships.permitted(sessionAccount, account)
  }

  /** Whether a session of one account may see another's orders. */
  maySee(sessionAccount: number, account: number): boolean {
    return this.#memberships.maySee(sessionAccount, account)
  }

  /** Whether the account may do nothing but read. */
  isObserver(account: number): boolean {
    return this.#memberships.isObserver(account)
  }

  /** Groups whose traders the account may follow. */
  groupsSeenBy(account: number): readonly TradingGroup[] {
    return this.#memberships.groupsSeenBy(account)
  }

  /** Who observes everybody. */
  get observers(): ReadonlySet<number> {
    return this.#memberships.observers
  }

  /** All groups for administrators. */
  groupsManagedBy(account: number): readonly TradingGroup[] {
    return this.#memberships.groupsManagedBy(account)
  }

  get groups(): ReadonlyMap<number, TradingGroup> {
    return this.#memberships.groups
  }

  groupNamed(name: string): TradingGroup | undefined {
    for (const group of this.groups.values()) if (group.name === name) return group
    return undefined
  }

  riskParameters(account: number): RiskParameters {
    return this.#risk.parameters(account)
  }

  riskState(account: number): RiskState {
    return this.#risk.state(account)
  }

  #listen(listener: WorldListener): void {
    const known = new Set<number>()
    for (const [account] of this.accounts()) known.add(account)
    this.#directory.listen({
      entryStored: ({ id, type, name }) => {
        if (type !== EntryType.Account) return listener.directoryMoved?.(id)
        if (known.has(id)) return listener.accountRenamed?.(id, name)
        known.add(id)
        listener.accountAdded?.(id, name)
      },
      entryDeleted: ({ id }) => {
        if (known.delete(id)) listener.accountRemoved?.(id)
      },
      associated: (_, child) => listener.directoryMoved?.(child),
      detached: (_, child) => listener.directoryMoved?.(child),
    })
    this.#memberships.listen(listener)
    this.#risk.listen(listener)
    this.#rules.listen({ ruleChanged: rule => listener.ruleChanged?.(rule) })
  }
}
