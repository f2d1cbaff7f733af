// One person's way to the server and its services: ordinary clients under the person's own name, so that what may be seen
// and done here is what the person may see and do anywhere. The services are connected to when they are first needed.

import {
  type AccountPositions,
  connect,
  type HaltTarget,
  type LiveSession,
  type OesClient,
  OesError,
  type TlsOptions,
} from '../client/index.ts'
import type { Address } from '../config/address.ts'
import { numberOfMicros } from '../domain/money.ts'
import { Reason, reasonName } from '../domain/reasons.ts'
import { RiskStateType, riskStateTypeNames } from '../domain/risk-state.ts'
import { AdministrationClient } from '../services/administration/client.ts'
import { ComplianceClient } from '../services/compliance/client.ts'
import type { RecordedViolation } from '../services/compliance/violation.ts'
import { LocatorClient } from '../services/locator/client.ts'
import { ServiceError } from '../services/wire/service-error.ts'
import { HttpRefusal } from './http-port.ts'
import type {
  AccountMessage,
  AccountRow,
  ChangeRow,
  ClientSessionRow,
  ClientSessionsMessage,
  HaltRow,
  NamedId,
  PositionRow,
  ViolationRow,
} from './messages.ts'
import { currencyCode, wordOf } from './order-rows.ts'

export interface DeskPlaces {
  readonly server: Address
  readonly locator: Address
  /** How the order execution server is spoken to; asked before each connection. */
  readonly tls: () => boolean | TlsOptions
}

/** Accounts that are known by name; an administrator of more sees the first of them. */
const ACCOUNTS_MAX = 20_000
const ACCOUNTS_FRESH_MS = 10_000
/** Accounts whose violations are looked through at once, and violations that are kept of each. */
const VIOLATION_ACCOUNTS_MAX = 200
const VIOLATIONS_KEPT = 500
const ALL_ACCOUNTS = -1
/** Sessions of the server that are shown: two pages of it. */
const SESSIONS_SHOWN = 1_000
/** How long the list of an account's changes is good for those who go on asking. */
const CHANGES_FRESH_MS = 5_000
const CHANGES_SHOWN = 50
const CONNECT_MS_MAX = 10_000

export class Desk {
  readonly name: string
  readonly client: OesClient
  readonly isAdministrator: boolean
  /** Told when the server lets the person in no more, as after a change of the password. */
  onEnded: () => void = () => {}
  /** Groups that the person may halt. */
  readonly groups: readonly NamedId[]
  readonly #locator: LocatorClient
  readonly #administration: AdministrationClient
  #compliance: Promise<ComplianceClient> | undefined
  #accounts: Promise<readonly NamedId[]> | undefined
  #accountsStaleMs = 0
  /** By account: what was read of its violations so far. */
  readonly #violations = new Map<number, RecordedViolation[]>()
  readonly #names = new Map<number, string>()
  /** The changes that were asked for last. */
  #changesKept: { account: number; rows: ChangeRow[]; staleMs: number } | undefined

  private constructor(parts: {
    name: string
    client: OesClient
    locator: LocatorClient
    administration: AdministrationClient
    groups: readonly NamedId[]
  }) {
    this.name = parts.name
    this.client = parts.client
    this.isAdministrator = parts.client.session.isAdministrator
    this.groups = parts.groups
    this.#locator = parts.locator
    this.#administration = parts.administration
  }

  /** Logs in everywhere. @throws HttpRefusal where name or password are wrong, or it is nobody for whom this is. */
  static async open({ server, locator: at, tls }: DeskPlaces, name: string, password: string): Promise<Desk> {
    const closing: { close(): void }[] = []
    let desk: Desk | undefined
    try {
      // The order execution server asks the locator, as for every client.
      const client = await connect({
        ...server,
        tls,
        username: name,
        password,
        connectDeadlineMs: CONNECT_MS_MAX,
        onState: change => {
          if (change.state === 'closed' && change.cause !== undefined) desk?.onEnded()
        },
      })
      closing.push(client)
      const locator = await LocatorClient.open({ addresses: [at], name, password })
      closing.push(locator)
      const administration = await AdministrationClient.open(locator)
      closing.push(administration)
      const { account, isAdministrator } = client.session
      const groups = isAdministrator
        ? await allGroups(locator)
        : (await administration.loadManagedGroups(account)).map(({ id, name }) => ({ id, name }))
      if (!isAdministrator && groups.length === 0) {
        throw new HttpRefusal(403, 'The console is for administrators and for managers of trading groups.')
      }
      desk = new Desk({ name, client, locator, administration, groups })
      return desk
    } catch (error) {
      for (const each of closing.reverse()) each.close()
      throw loginRefusal(error)
    }
  }

  close(): void {
    this.client.close()
    this.#administration.close()
    void this.#compliance?.then(
      client => client.close(),
      // It was never there.
      () => undefined,
    )
    this.#locator.close()
  }

  /** The accounts the person may see, by name. */
  async accounts(): Promise<readonly NamedId[]> {
    if (this.#accounts === undefined || performance.now() > this.#accountsStaleMs) {
      this.#accountsStaleMs = performance.now() + ACCOUNTS_FRESH_MS
      this.#accounts = this.#loadAccounts()
      this.#accounts.catch(() => {
        this.#accounts = undefined
      })
    }
    return await this.#accounts
  }

  nameOf(account: number): string {
    return this.#names.get(account) ?? String(account)
  }

  /** How some accounts stand. */
  async accountRows(accounts: readonly NamedId[]): Promise<AccountRow[]> {
    return await Promise.all(
      accounts.map(async ({ id, name }) => accountRow(id, name, await this.client.positions(id))),
    )
  }

  async account(id: number): Promise<AccountMessage> {
    await this.accounts()
    const positions = await this.client.positions(id)
    const limits = await this.#limits(id)
    return {
      account: accountRow(id, this.nameOf(id), positions),
      positions: positions.positions.map(positionRow).sort((a, b) => a.ticker.localeCompare(b.ticker)),
      ...(limits === undefined ? {} : { limits }),
      changes: await this.#changes(id),
    }
  }

  /** The latest violations of the accounts that may be seen, the latest first. */
  async violations(): Promise<ViolationRow[]> {
    const accounts = await this.accounts()
    this.#compliance ??= ComplianceClient.open(this.#locator)
    const client = await this.#compliance.catch((error: unknown) => {
      this.#compliance = undefined
      throw error
    })
    // Administrators may ask for all at once.
    const asked = this.isAdministrator ? [ALL_ACCOUNTS] : accounts.slice(0, VIOLATION_ACCOUNTS_MAX).map(({ id }) => id)
    const all: RecordedViolation[] = []
    for (const account of asked) {
      const known = this.#violations.get(account) ?? []
      const news = await client.loadViolations(account, known.at(-1)?.number ?? 0)
      const latest = [...known, ...news].slice(-VIOLATIONS_KEPT)
      this.#violations.set(account, latest)
      all.push(...latest)
    }
    return all
      .sort((a, b) => b.number - a.number)
      .slice(0, VIOLATIONS_KEPT)
      .map(violation => ({
        number: violation.number,
        timeUs: violation.timestamp,
        account: this.nameOf(violation.account),
        orderId: violation.orderId,
        ruleId: violation.ruleId,
        rule: violation.ruleName,
        reason: reasonName(violation.reason),
        text: violation.text,
      }))
  }

  async halts(): Promise<HaltRow[]> {
    return (await this.client.halts()).map(halt => ({
      ...scopeOf(halt.target),
      name: halt.name,
      by: halt.thrownByName,
      sinceUs: halt.thrownAt,
      text: halt.text,
    }))
  }

  /** Who is logged in; the server tells administrators only. */
  async sessions(): Promise<ClientSessionsMessage> {
    const rows: ClientSessionRow[] = []
    for await (const session of this.client.sessions()) {
      if (rows.length === SESSIONS_SHOWN) return { rows, hasMore: true }
      rows.push(sessionRow(session))
    }
    return { rows, hasMore: false }
  }

  /** Stores the risk state of an account; the service lets administrators only. */
  async storeRiskState(account: number, type: RiskStateType): Promise<void> {
    await this.#administration.storeRiskState(account, { type, expiry: 0 })
    this.#changesKept = undefined
  }

  async #loadAccounts(): Promise<NamedId[]> {
    const accounts: NamedId[] = []
    for await (const account of this.client.accounts()) {
      accounts.push(account)
      this.#names.set(account.id, account.name)
      if (accounts.length >= ACCOUNTS_MAX) break
    }
    return accounts.sort((a, b) => a.name.localeCompare(b.name))
  }

  async #limits(account: number): Promise<AccountMessage['limits']> {
    try {
      await this.#administration.followAccountRisk(account)
      const { netLoss, allowedState, transitionTimeUs } = this.#administration.accountRisk.parameters(account)
      return {
        netLoss: numberOfMicros(netLoss),
        allowedState: wordOf(riskStateTypeNames[allowedState.type]),
        transitionSeconds: transitionTimeUs / 1e6,
      }
    } catch (error) {
      if (!(error instanceof ServiceError)) throw error
      // The rest of the account is shown without them.
      return undefined
    }
  }

  async #changes(account: number): Promise<ChangeRow[]> {
    if (!this.isAdministrator) return []
    if (this.#changesKept?.account === account && performance.now() < this.#changesKept.staleMs) {
      return this.#changesKept.rows
    }
    const rows = await this.#loadChanges(account)
    this.#changesKept = { account, rows, staleMs: performance.now() + CHANGES_FRESH_MS }
    return rows
  }

  async #loadChanges(account: number): Promise<ChangeRow[]> {
    try {
      const changes = await this.#administration.loadChanges(account)
      return changes
        .slice(-CHANGES_SHOWN)
        .reverse()
        .map(({ timestamp, by, what, before, after }) => ({
          timeUs: timestamp,
          by: this.nameOf(by),
          what: what.replaceAll('_', ' '),
          before: stateText(what, before),
          after: stateText(what, after),
        }))
    } catch (error) {
      if (!(error instanceof ServiceError)) throw error
      return []
    }
  }
}

/** The state that a word names; undefined for another word. */
export function riskStateOf(word: unknown): RiskStateType | undefined {
  const types = [RiskStateType.Active, RiskStateType.CloseOrders, RiskStateType.Disabled]
  return types.find(type => wordOf(riskStateTypeNames[type]) === word)
}

/** A failure of the clients as an answer to the page. */
export function refusalOf(error: unknown): unknown {
  if (error instanceof OesError || error instanceof ServiceError) {
    const number = error instanceof OesError ? error.reason : error.code
    const status = number === 0 || number >= 900 ? 503 : number === Reason.NotPermitted ? 403 : 409
    return new HttpRefusal(status, error.message)
  }
  return error
}

function loginRefusal(error: unknown): unknown {
  const number = error instanceof OesError ? error.reason : error instanceof ServiceError ? error.code : 0
  if (number === Reason.LoginFailed) return new HttpRefusal(401, 'The name or the password is wrong.')
  if (number === Reason.LoginsSuspended) return new HttpRefusal(429, (error as Error).message) // one of the two above
  return refusalOf(error)
}

async function allGroups(locator: LocatorClient): Promise<NamedId[]> {
  const { id } = await locator.loadEntryAt('trading_groups')
  const children = await locator.loadChildren(id)
  return children.map(({ id, name }) => ({ id, name })).sort((a, b) => a.name.localeCompare(b.name))
}

/** What was changed, as a word where it is a risk state: its type and when it ends. */
function stateText(what: string, value: unknown): string {
  const type = what === 'risk_state' && Array.isArray(value) ? riskStateTypeNames[value[0] as RiskStateType] : undefined
  return type === undefined ? JSON.stringify(value) : wordOf(type)
}

function scopeOf(target: HaltTarget): Pick<HaltRow, 'scope' | 'target'> {
  if (target === 'everybody') return { scope: 'everybody', target: null }
  if ('account' in target) return { scope: 'account', target: target.account }
  if ('group' in target) return { scope: 'group', target: target.group }
  return { scope: 'destination', target: target.destination }
}

function accountRow(id: number, name: string, positions: AccountPositions): AccountRow {
  const held = positions.positions.filter(({ quantity }) => quantity !== 0)
  return {
    id,
    name,
    currency: currencyCode(positions.currency),
    buyingPower: positions.buyingPower,
    used: positions.usedBuyingPower,
    riskState: wordOf(riskStateTypeNames[positions.riskState as RiskStateType]),
    openOrders: positions.openOrders,
    positions: held.length,
    gross: positions.positions.reduce((sum, { gross, fees }) => sum + gross - fees, 0),
  }
}

function sessionRow(session: LiveSession): ClientSessionRow {
  const { accountName, isObserver, isAdministrator, since, cancelOn, alsoCancel } = session
  return {
    session: session.session,
    account: accountName,
    role: isObserver ? 'observer' : isAdministrator ? 'administrator' : 'trader',
    peer: session.peer,
    sinceUs: since,
    inFlight: session.inFlight,
    outboxBytes: session.outboxBytes,
    subscriptions: session.subscriptions,
    tls: session.tls,
    cancelOn: cancelOn ?? null,
    graceMs: session.graceMs,
    alsoCanceled: [...(alsoCancel.gtc ? ['GTC' as const] : []), ...(alsoCancel.gtd ? ['GTD' as const] : [])],
  }
}

function positionRow(position: AccountPositions['positions'][number]): PositionRow {
  const { quantity, costBasis } = position
  return {
    ticker: position.ticker,
    currency: currencyCode(position.currency),
    quantity,
    average: quantity === 0 ? 0 : costBasis / quantity,
    cost: costBasis,
    pendingBuy: position.pendingBuy,
    pendingSell: position.pendingSell,
    gross: position.gross,
    fees: position.fees,
  }
}
