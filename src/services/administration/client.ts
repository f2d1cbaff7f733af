// Client of the administration service. Besides single questions it mirrors all memberships and all risk figures; after
// a lost connection both are loaded again, and listeners hear of differences only.

import type { Change } from '../changes/change-log.ts'
import { loadChanges } from '../changes/messages.ts'
import type { LocatorClient } from '../locator/client.ts'
import { locatedClient } from '../locator/located-client.ts'
import { type Elements, flagAt, integerAt, listAt, memberAt, rowsAt, textAt, unsignedAt } from '../wire/elements.ts'
import { loadPages } from '../wire/pages.ts'
import { PushGate } from '../wire/push-gate.ts'
import type { AvailabilityListener, ReconnectingClient, Request } from '../wire/reconnecting-client.ts'
import { unlessRefused } from '../wire/service-error.ts'
import { Memberships } from './memberships.ts'
import {
  ADMINISTRATION_SERVICE,
  AdministrationKind,
  membershipFromWire,
  modificationFromWire,
  RISK_PARAMETERS_ELEMENTS,
  riskParametersFromWire,
  riskParametersToWire,
  riskStateFromWire,
  riskStateToWire,
} from './messages.ts'
import { type Modification, ModificationStatus } from './modification.ts'
import { RiskBook, type RiskParameters, type RiskState } from './risk.ts'

export interface GroupName {
  readonly id: number
  readonly name: string
}

export interface GroupMembers extends GroupName {
  readonly managers: readonly number[]
  readonly traders: readonly number[]
}

export interface AdministrationClientOptions {
  readonly onAvailability?: AvailabilityListener
  /** Told of each step of a request to change the parameters of an account that is followed by itself. */
  readonly onModification?: (modification: Modification) => void
}

export class AdministrationClient {
  readonly #client: ReconnectingClient
  readonly #onModification: AdministrationClientOptions['onModification']
  readonly #gate = new PushGate((kind, message) => this.#pushed(kind, message))
  readonly #request: Request = (kind, elements) => this.#client.request(kind, elements)
  #memberships: Memberships | undefined
  #risk: RiskBook | undefined
  /** What is known of accounts that are followed one by one. */
  readonly #accounts = new Set<number>()
  readonly #accountRisk = new RiskBook()

  private constructor(locator: LocatorClient, options: AdministrationClientOptions) {
    this.#onModification = options.onModification
    this.#client = locatedClient(locator, ADMINISTRATION_SERVICE, {
      onAvailability: options.onAvailability,
      renew: request => this.#gate.during(() => this.#renew(request)),
      onPush: (kind, message) => this.#gate.push(kind, message),
    })
  }

  /** Finds the service and connects to it. @throws ServiceError SERVICE_UNAVAILABLE */
  static async open(locator: LocatorClient, options: AdministrationClientOptions = {}): Promise<AdministrationClient> {
    const client = new AdministrationClient(locator, options)
    await client.#client.open()
    return client
  }

  get available(): boolean {
    return this.#client.available
  }

  close(): void {
    this.#client.close()
  }

  async checkAdministrator(account: number): Promise<boolean> {
    return flagAt(await this.#client.request(AdministrationKind.CheckAdministrator, [account]), 2)
  }

  async loadManagedGroups(account: number): Promise<GroupName[]> {
    return rowsAt(await this.#client.request(AdministrationKind.LoadManagedGroups, [account]), 2).map(groupFromWire)
  }

  /** @throws ServiceError UNKNOWN_GROUP, NOT_PERMITTED */
  async loadGroup(id: number): Promise<GroupMembers> {
    const answer = await this.#client.request(AdministrationKind.LoadGroup, [id])
    return { ...groupFromWire(listAt(answer, 2)), managers: accountsAt(answer, 3), traders: accountsAt(answer, 4) }
  }

  /** The group in which the account trades. */
  async loadParentGroup(account: number): Promise<GroupName | undefined> {
    const group = listAt(await this.#client.request(AdministrationKind.LoadParentGroup, [account]), 2)
    return group.length === 0 ? undefined : groupFromWire(group)
  }

  /** A mirror of all groups and roles; listen on it. Services only. Called once. */
  followMemberships(): Promise<Memberships> {
    return this.#gate.during(async () => {
      this.#memberships = await this.#loadMemberships(this.#request)
      return this.#memberships
    })
  }

  /** A mirror of all risk parameters and states; listen on it. Services only. Called once. */
  followRisk(): Promise<RiskBook> {
    return this.#gate.during(async () => {
      this.#risk = await this.#loadRisk(this.#request)
      return this.#risk
    })
  }

  /** The book of accounts followed one by one; listen on it. */
  get accountRisk(): RiskBook {
    return this.#accountRisk
  }

  /** Follows one account: when this resolves, `accountRisk` knows it. @throws ServiceError NOT_PERMITTED, UNKNOWN_ACCOUNT */
  async followAccountRisk(account: number): Promise<void> {
    await this.#gate.during(async () => {
      await this.#loadAccountRisk(this.#request, account)
      // Inside the load, since the pushes that it held back are handed on at its end.
      this.#accounts.add(account)
    })
  }

  async unfollowAccountRisk(account: number): Promise<void> {
    this.#accounts.delete(account)
    await this.#client.request(AdministrationKind.UnfollowAccountRisk, [account])
  }

  /** Administrators only. @throws ServiceError NOT_PERMITTED, UNKNOWN_ACCOUNT */
  async storeRiskParameters(account: number, parameters: RiskParameters): Promise<void> {
    const elements = [account, ...riskParametersToWire(parameters)]
    await this.#client.request(AdministrationKind.StoreRiskParameters, elements)
  }

  /** Administrators only. @throws ServiceError NOT_PERMITTED, UNKNOWN_ACCOUNT */
  async storeRiskState(account: number, state: RiskState): Promise<void> {
    await this.#client.request(AdministrationKind.StoreRiskState, [account, ...riskStateToWire(state)])
  }

  /**
   * Asks for other risk parameters, from a time on (µs since the epoch) or at once. Oneself, managers of the account,
   * administrators; who asks decides how far the request comes. @throws ServiceError NOT_PERMITTED, UNKNOWN_ACCOUNT
   */
  async submitModification(
    account: number,
    parameters: RiskParameters,
    { effective = 0, comment = '' }: { effective?: number; comment?: string } = {},
  ): Promise<{ id: number; status: ModificationStatus }> {
    const elements = [account, effective, comment, ...riskParametersToWire(parameters)]
    const answer = await this.#client.request(AdministrationKind.SubmitModification, elements)
    return { id: integerAt(answer, 2), status: memberAt(answer, 3, ModificationStatus) }
  }

  /** Brings a request as far as one's role allows. @throws ServiceError NOT_PERMITTED, UNKNOWN_MODIFICATION, MODIFICATION_CLOSED */
  async approveModification(id: number, effective?: number): Promise<ModificationStatus> {
    const answer = await this.#client.request(AdministrationKind.ApproveModification, [id, effective ?? null])
    return memberAt(answer, 2, ModificationStatus)
  }

  async rejectModification(id: number): Promise<void> {
    await this.#client.request(AdministrationKind.RejectModification, [id])
  }

  async loadModification(id: number): Promise<Modification> {
    return modificationFromWire(await this.#client.request(AdministrationKind.LoadModification, [id]), 2)
  }

  /** All requests about an account, in the order in which they were made. */
  async loadModifications(account: number): Promise<Modification[]> {
    const modifications: Modification[] = []
    await loadPages(this.#request, AdministrationKind.LoadModifications, {
      first: [account],
      after: [0],
      keyOf: row => row.slice(0, 1),
      take: row => modifications.push(modificationFromWire(row, 0)),
    })
    return modifications
  }

  /** Records of the changes of one account's risk figures, or of all. Administrators only. */
  loadChanges(account?: number): Promise<Change[]> {
    return loadChanges(this.#request, AdministrationKind.LoadChanges, account)
  }

  async #renew(request: Request): Promise<void> {
    const memberships = this.#memberships && (await this.#loadMemberships(request))
    const risk = this.#risk && (await this.#loadRisk(request))
    // An account that is gone, or that one may not see any more, stays as it was known last.
    for (const account of this.#accounts) await unlessRefused(this.#loadAccountRisk(request, account))
    if (memberships !== undefined) this.#memberships?.becomeEqualTo(memberships)
    if (risk !== undefined) this.#risk?.becomeEqualTo(risk)
  }

  async #loadMemberships(request: Request): Promise<Memberships> {
    const memberships = new Memberships()
    const groups = rowsAt(await request(AdministrationKind.FollowMemberships, []), 2).map(groupFromWire)
    for (const { id, name } of groups) memberships.storeGroup(id, name)
    await loadPages(request, AdministrationKind.LoadMemberships, {
      after: [-1, -1, -1],
      keyOf: row => row,
      take: row => memberships.change(membershipFromWire(row, 0), true),
    })
    return memberships
  }

  async #loadRisk(request: Request): Promise<RiskBook> {
    const book = new RiskBook()
    await request(AdministrationKind.FollowRisk, [])
    await loadPages(request, AdministrationKind.LoadRiskParameters, {
      after: [-1],
      keyOf: row => row.slice(0, 1),
      take: row => book.storeParameters(unsignedAt(row, 0), riskParametersFromWire(row, 1)),
    })
    await loadPages(request, AdministrationKind.LoadRiskStates, {
      after: [-1],
      keyOf: row => row.slice(0, 1),
      take: row => book.storeState(unsignedAt(row, 0), riskStateFromWire(row, 1)),
    })
    return book
  }

  async #loadAccountRisk(request: Request, account: number): Promise<void> {
    const answer = await request(AdministrationKind.FollowAccountRisk, [account])
    this.#accountRisk.storeParameters(account, riskParametersFromWire(answer, 2))
    this.#accountRisk.storeState(account, riskStateFromWire(answer, 2 + RISK_PARAMETERS_ELEMENTS))
  }

  #pushed(kind: number, message: Elements): void {
    switch (kind) {
      case AdministrationKind.GroupStored: {
        const { id, name } = groupFromWire(listAt(message, 2))
        this.#memberships?.storeGroup(id, name)
        break
      }
      case AdministrationKind.GroupDeleted:
        this.#memberships?.deleteGroup(unsignedAt(message, 2))
        break
      case AdministrationKind.MembershipChanged:
        this.#memberships?.change(membershipFromWire(message, 2), flagAt(message, 5))
        break
      case AdministrationKind.RiskParametersChanged: {
        const account = unsignedAt(message, 2)
        const parameters = riskParametersFromWire(message, 3)
        this.#risk?.storeParameters(account, parameters)
        if (this.#accounts.has(account)) this.#accountRisk.storeParameters(account, parameters)
        break
      }
      case AdministrationKind.RiskStateChanged: {
        const account = unsignedAt(message, 2)
        const state = riskStateFromWire(message, 3)
        this.#risk?.storeState(account, state)
        if (this.#accounts.has(account)) this.#accountRisk.storeState(account, state)
        break
      }
      case AdministrationKind.ModificationChanged:
        this.#onModification?.(modificationFromWire(message, 2))
        break
      // Pushes of a newer service that this client does not know are none of its business.
    }
  }
}

function groupFromWire(row: Elements): GroupName {
  return { id: unsignedAt(row, 0), name: textAt(row, 1) }
}

function accountsAt(message: Elements, index: number): number[] {
  const accounts = listAt(message, index)
  return accounts.map((_, position) => integerAt(accounts, position))
}
