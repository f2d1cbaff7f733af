// The service locator: logs accounts in, keeps the directory, knows which services are up and where. It is the one
// service that checks passwords; all others ask it whose session a connection proves.

import { Reason } from '../../domain/reasons.ts'
import type { Value } from '../../protocol/msgpack.ts'
import { changesHandler } from '../changes/messages.ts'
import { bytesAt, type Elements, integerAt, textAt, unsignedAt } from '../wire/elements.ts'
import { pageRowsAt, pageToWire } from '../wire/pages.ts'
import { type Roles, requireAdministrator, requireService } from '../wire/permission.ts'
import { ServiceError } from '../wire/service-error.ts'
import type { Handler, Service, ServiceSession } from '../wire/service-host.ts'
import { newSessionTicket, proves } from '../wire/session-proof.ts'
import { SERVICES_VERSION, WireKind } from '../wire/wire-kinds.ts'
import { type Entry, EntryType, ROOT, WellKnown } from './directory-graph.ts'
import type { DirectoryStore } from './directory-store.ts'
import { LoginAttempts, type LoginLimits, loginLimitsDefault } from './login-attempts.ts'
import {
  entryToWire,
  LocatorKind,
  propertiesFromWire,
  SERVICE_LOCATOR,
  type ServiceEntry,
  serviceToWire,
} from './messages.ts'
import { hashPassword, type PasswordCost, passwordMatches } from './passwords.ts'
import { PERMISSIONS_ALL, Permission } from './permissions.ts'

const NOTHING: readonly Value[] = []

interface LoggedIn {
  readonly account: number
  readonly key: Uint8Array
  readonly id: string
}

interface Registered extends ServiceEntry {
  readonly session: ServiceSession
}

export interface LocatorServerOptions {
  /** Cost of newly stored passwords. */
  readonly passwordCost?: PasswordCost | undefined
  readonly logins?: Partial<LoginLimits> | undefined
  /** Told when a name is suspended after failed logins, and where they came from. */
  readonly onSuspended?: ((name: string, from: string, suspendedMs: number) => void) | undefined
}

export class LocatorServer implements Service, Roles {
  readonly name = SERVICE_LOCATOR
  readonly handlers: ReadonlyMap<number, Handler>
  readonly greetings: ReadonlySet<number> = new Set([WireKind.Login])

  readonly #store: DirectoryStore
  readonly #options: LocatorServerOptions
  readonly #attempts: LoginAttempts
  readonly #logins = new Map<ServiceSession, LoggedIn>()
  readonly #loginsById = new Map<string, LoggedIn>()
  readonly #services = new Map<number, Registered>()
  readonly #watchers = new Map<ServiceSession, Set<string>>()
  readonly #followers = new Set<ServiceSession>()
  /** Entries whose parents a session follows. */
  readonly #parentFollowers = new Map<ServiceSession, Set<number>>()
  #lastServiceId = 0
  /** Compared with the password of an account that does not exist, so that its answer takes as long as any other. */
  #decoyHash = ''

  constructor(store: DirectoryStore, options: LocatorServerOptions = {}) {
    this.#store = store
    this.#options = options
    this.#attempts = new LoginAttempts({ ...loginLimitsDefault, ...options.logins }, () => performance.now())
    store.graph.listen({
      entryStored: entry => this.#tellFollowers(LocatorKind.EntryStored, entryToWire(entry)),
      entryDeleted: entry => this.#tellFollowers(LocatorKind.EntryDeleted, entryToWire(entry)),
      associated: (parent, child) => this.#tellMove(LocatorKind.Associated, parent, child),
      detached: (parent, child) => {
        this.#tellMove(LocatorKind.Detached, parent, child)
        this.#sendAwayWhoMayNot()
      },
    })
    this.handlers = new Map<number, Handler>([
      [WireKind.Login, (session, message) => this.#login(session, message)],
      [LocatorKind.CheckSession, (session, message) => this.#checkSession(session, message)],
      [LocatorKind.Authenticate, (session, message) => this.#authenticate(session, message)],
      [LocatorKind.Register, (session, message) => this.#register(session, message)],
      [LocatorKind.Unregister, (session, message) => this.#unregister(session, message)],
      [LocatorKind.Locate, (_, message) => [this.#located(textAt(message, 2))]],
      [LocatorKind.WatchService, (session, message) => this.#watch(session, message)],
      [LocatorKind.UnwatchService, (session, message) => this.#unwatch(session, message)],
      [LocatorKind.FollowDirectory, session => this.#follow(session)],
      [LocatorKind.LoadEntries, (session, message) => this.#loadEntries(session, message)],
      [LocatorKind.LoadAssociations, (session, message) => this.#loadAssociations(session, message)],
      [LocatorKind.FindAccount, (_, message) => this.#findAccount(message)],
      [LocatorKind.LoadEntry, (session, message) => this.#loadEntry(session, message)],
      [LocatorKind.LoadParents, (session, message) => this.#loadParents(session, message)],
      [LocatorKind.LoadChildren, (session, message) => this.#loadChildren(session, message)],
      [LocatorKind.LoadAccountTimes, (session, message) => this.#loadAccountTimes(session, message)],
      [LocatorKind.LoadEntryAt, (session, message) => this.#loadEntryAt(session, message)],
      [LocatorKind.FollowParents, (session, message) => this.#followParents(session, message)],
      [LocatorKind.UnfollowParents, (session, message) => this.#unfollowParents(session, message)],
      [LocatorKind.OpenSession, session => this.#openSession(session)],
      [LocatorKind.MakeAccount, (session, message) => this.#makeAccount(session, message)],
      [LocatorKind.MakeDirectory, (session, message) => this.#makeDirectory(session, message)],
      [LocatorKind.Delete, (session, message) => this.#delete(session, message)],
      [LocatorKind.Associate, (session, message) => this.#associate(session, message)],
      [LocatorKind.Detach, (session, message) => this.#detach(session, message)],
      [LocatorKind.Rename, (session, message) => this.#rename(session, message)],
      [LocatorKind.StorePassword, (session, message) => this.#storePassword(session, message)],
      [LocatorKind.StorePermissions, (session, message) => this.#storePermissions(session, message)],
      [LocatorKind.LoadPermissions, (session, message) => this.#loadPermissions(session, message)],
      [LocatorKind.LoadChanges, changesHandler(store.changes, this)],
    ])
  }

  isAdministrator(account: number): boolean {
    return this.#store.graph.isDirectlyIn(account, WellKnown.Administrators)
  }

  isService(account: number): boolean {
    return this.#store.graph.isDirectlyIn(account, WellKnown.Services)
  }

  /** A session ends with its connection, and so do the services it registered. */
  sessionClosed(session: ServiceSession): void {
    const login = this.#logins.get(session)
    if (login !== undefined) this.#loginsById.delete(login.id)
    this.#logins.delete(session)
    this.#watchers.delete(session)
    this.#followers.delete(session)
    this.#parentFollowers.delete(session)
    for (const service of this.#services.values()) if (service.session === session) this.#remove(service)
  }

  async #login(session: ServiceSession, message: Elements): Promise<readonly Value[]> {
    const version = integerAt(message, 4)
    if (version !== SERVICES_VERSION) throw new ServiceError(Reason.ProtocolVersion, [version, SERVICES_VERSION])
    const account = await this.#attempt(textAt(message, 2), textAt(message, 3), session.connection.remoteHost)
    // Looked at after the wait, since two logins of one connection may have been under way.
    if (session.loggedIn) throw new ServiceError(Reason.AlreadyLoggedIn)
    if (session.connection.closed) throw new ServiceError(Reason.LoginFailed)
    session.account = account
    this.#store.storeLogin(account)
    return [account, ...this.#newSession(session)]
  }

  /** A connection that has proved a session gets one of its own, which outlives the other. */
  #openSession(session: ServiceSession): readonly Value[] {
    if (this.#logins.has(session)) throw new ServiceError(Reason.AlreadyLoggedIn)
    return this.#newSession(session)
  }

  #newSession(session: ServiceSession): readonly Value[] {
    const ticket = newSessionTicket()
    const login = { account: session.account, ...ticket }
    this.#logins.set(session, login)
    this.#loginsById.set(ticket.id, login)
    return [ticket.id, ticket.key]
  }

  async #attempt(givenName: string, password: string, from: string): Promise<number> {
    const name = givenName.trim()
    const attempts = this.#attempts
    const waitMs = attempts.suspendedMs(name, from)
    if (waitMs > 0) throw new ServiceError(Reason.LoginsSuspended, [Math.ceil(waitMs / 1_000)])
    const account = await this.#accountOf(name, password)
    if (account === undefined) {
      const suspendedMs = attempts.failed(name, from)
      if (suspendedMs > 0) this.#options.onSuspended?.(name, from, suspendedMs)
      throw new ServiceError(Reason.LoginFailed)
    }
    attempts.succeeded(name, from)
    return account
  }

  /** The account of that name and password. Unknown name and wrong password take the same time. */
  async #accountOf(name: string, password: string): Promise<number | undefined> {
    const account = this.#store.graph.accountNamed(name)
    if (account === undefined && this.#decoyHash === '') {
      this.#decoyHash = await hashPassword('', this.#options.passwordCost)
    }
    const hash = account === undefined ? this.#decoyHash : this.#store.passwordHash(account.id)
    const matches = await passwordMatches(password, hash)
    return matches ? account?.id : undefined
  }

  #checkSession(session: ServiceSession, message: Elements): readonly Value[] {
    requireService(this, session.account)
    const login = this.#loginsById.get(textAt(message, 2))
    if (login === undefined || !proves(login.key, bytesAt(message, 3), bytesAt(message, 4))) {
      throw new ServiceError(Reason.LoginFailed)
    }
    return [login.account]
  }

  async #authenticate(session: ServiceSession, message: Elements): Promise<readonly Value[]> {
    requireService(this, session.account)
    const from = `account ${session.account} ${textAt(message, 4, '')}`
    const account = await this.#attempt(textAt(message, 2), textAt(message, 3), from)
    this.#store.storeLogin(account)
    return [account]
  }

  #register(session: ServiceSession, message: Elements): readonly Value[] {
    requireService(this, session.account)
    const service: Registered = {
      id: ++this.#lastServiceId,
      name: textAt(message, 2),
      account: session.account,
      properties: propertiesFromWire(message, 3),
      session,
    }
    this.#services.set(service.id, service)
    this.#tellAvailability(service, true)
    return [service.id]
  }

  #unregister(session: ServiceSession, message: Elements): readonly Value[] {
    const service = this.#services.get(unsignedAt(message, 2))
    if (service?.session !== session) throw new ServiceError(Reason.UnknownEntry, [unsignedAt(message, 2)])
    this.#remove(service)
    return NOTHING
  }

  #remove(service: Registered): void {
    this.#services.delete(service.id)
    this.#tellAvailability(service, false)
  }

  /** In random order, so that clients spread over the servers of one name. */
  #located(name: string): Value[] {
    const found = [...this.#services.values()].filter(service => service.name === name)
    for (let i = found.length - 1; i > 0; i--) {
      const j = Math.floor(Math.random() * (i + 1))
      ;[found[i], found[j]] = [found[j]!, found[i]!]
    }
    return found.map(serviceToWire)
  }

  #watch(session: ServiceSession, message: Elements): readonly Value[] {
    const name = textAt(message, 2)
    const names = this.#watchers.get(session) ?? new Set()
    this.#watchers.set(session, names.add(name))
    return [this.#located(name)]
  }

  #unwatch(session: ServiceSession, message: Elements): readonly Value[] {
    this.#watchers.get(session)?.delete(textAt(message, 2))
    return NOTHING
  }

  #tellAvailability(service: Registered, available: boolean): void {
    for (const [session, names] of this.#watchers) {
      if (names.has(service.name)) {
        session.push(LocatorKind.ServiceAvailability, [serviceToWire(service), available ? 1 : 0])
      }
    }
  }

  #follow(session: ServiceSession): readonly Value[] {
    requireService(this, session.account)
    this.#followers.add(session)
    return NOTHING
  }

  #tellFollowers(kind: number, elements: readonly Value[]): void {
    for (const session of this.#followers) session.push(kind, elements)
  }

  /** A session that follows all of the directory, and the parents of this entry too, is told once. */
  #tellMove(kind: number, parent: number, child: number): void {
    this.#tellFollowers(kind, [parent, child])
    for (const [session, entries] of this.#parentFollowers) {
      if (entries.has(child) && !this.#followers.has(session)) session.push(kind, [parent, child])
    }
  }

  /** Somebody has lost a role or a permission: what he followed by it is not his any more. */
  #sendAwayWhoMayNot(): void {
    for (const session of this.#followers) if (!this.#readsAll(session.account)) session.sendAway()
    for (const [session, entries] of this.#parentFollowers) {
      for (const id of entries) if (!this.#mayRead(session.account, id)) session.sendAway()
    }
  }

  #readsAll(account: number): boolean {
    return this.isService(account) || this.isAdministrator(account)
  }

  #mayRead(account: number, entry: number): boolean {
    const { permissions } = this.#store
    return account === entry || this.#readsAll(account) || permissions.permits(account, entry, Permission.Read)
  }

  #loadEntries(session: ServiceSession, message: Elements): readonly Value[] {
    requireService(this, session.account)
    return pageToWire(this.#store.entriesAfter(integerAt(message, 2), pageRowsAt(message, 3)), entryToWire)
  }

  #loadAssociations(session: ServiceSession, message: Elements): readonly Value[] {
    requireService(this, session.account)
    const page = this.#store.associationsAfter(integerAt(message, 2), integerAt(message, 3), pageRowsAt(message, 4))
    return pageToWire(page, row => [...row])
  }

  #findAccount(message: Elements): readonly Value[] {
    const account = this.#store.graph.accountNamed(textAt(message, 2).trim())
    if (account === undefined) throw new ServiceError(Reason.UnknownAccount)
    return entryToWire(account)
  }

  #entry(id: number): Entry {
    const entry = this.#store.graph.entry(id)
    if (entry === undefined) throw new ServiceError(Reason.UnknownEntry, [id])
    return entry
  }

  #loadEntry(session: ServiceSession, message: Elements): readonly Value[] {
    const id = unsignedAt(message, 2)
    this.#requirePermission(session, id, Permission.Read)
    return entryToWire(this.#entry(id))
  }

  #loadEntryAt(session: ServiceSession, message: Elements): readonly Value[] {
    const { graph } = this.#store
    const path = textAt(message, 2)
    let entry: Entry | undefined = this.#entry(ROOT.id)
    for (const name of path.split('/').filter(part => part !== '')) {
      const children: Iterable<number> = entry === undefined ? [] : graph.children(entry.id)
      entry = [...children].map(id => this.#entry(id)).find(child => child.name === name)
    }
    // Whether there is something is for those to know who may read it.
    this.#requirePermission(session, entry?.id ?? ROOT.id, Permission.Read)
    if (entry === undefined) throw new ServiceError(Reason.UnknownEntry, [path])
    return entryToWire(entry)
  }

  #followParents(session: ServiceSession, message: Elements): readonly Value[] {
    const id = unsignedAt(message, 2)
    this.#requirePermission(session, id, Permission.Read)
    this.#entry(id)
    const entries = this.#parentFollowers.get(session) ?? new Set()
    this.#parentFollowers.set(session, entries.add(id))
    return [[...this.#store.graph.parents(id)]]
  }

  #unfollowParents(session: ServiceSession, message: Elements): readonly Value[] {
    this.#parentFollowers.get(session)?.delete(unsignedAt(message, 2))
    return NOTHING
  }

  #loadParents(session: ServiceSession, message: Elements): readonly Value[] {
    const id = unsignedAt(message, 2)
    this.#requirePermission(session, id, Permission.Read)
    this.#entry(id)
    return [this.#store.graph.parents(id).map(parent => entryToWire(this.#entry(parent)))]
  }

  #loadChildren(session: ServiceSession, message: Elements): readonly Value[] {
    const id = unsignedAt(message, 2)
    this.#requirePermission(session, id, Permission.Read)
    this.#entry(id)
    return [Array.from(this.#store.graph.children(id), child => entryToWire(this.#entry(child)))]
  }

  #loadAccountTimes(session: ServiceSession, message: Elements): readonly Value[] {
    const account = unsignedAt(message, 2)
    this.#requirePermission(session, account, Permission.Read)
    const times = this.#store.accountTimes(account)
    return [times.registered, times.lastLogin]
  }

  /** Administrators may do everything, services and an account itself may read. */
  #requirePermission({ account }: ServiceSession, entry: number, permission: Permission): void {
    if (permission === Permission.Read) {
      if (!this.#mayRead(account, entry)) throw new ServiceError(Reason.NotPermitted)
    } else if (!this.#store.permissions.permits(account, entry, permission)) requireAdministrator(this, account)
  }

  async #makeAccount(session: ServiceSession, message: Elements): Promise<readonly Value[]> {
    const parent = unsignedAt(message, 4)
    this.#requirePermission(session, parent, Permission.Administrate)
    const hash = await hashPassword(textAt(message, 3), this.#options.passwordCost)
    return [this.#store.makeAccount(textAt(message, 2), hash, parent, { by: session.account })]
  }

  #makeDirectory(session: ServiceSession, message: Elements): readonly Value[] {
    const parent = unsignedAt(message, 3)
    this.#requirePermission(session, parent, Permission.Administrate)
    return [this.#store.makeDirectory(textAt(message, 2), parent, session.account)]
  }

  #delete(session: ServiceSession, message: Elements): readonly Value[] {
    const id = unsignedAt(message, 2)
    this.#requirePermission(session, id, Permission.Administrate)
    this.#store.delete(id, session.account)
    return NOTHING
  }

  #associate(session: ServiceSession, message: Elements): readonly Value[] {
    const [parent, child] = [unsignedAt(message, 2), unsignedAt(message, 3)]
    this.#requirePermission(session, parent, Permission.Move)
    // Permissions reach down: who could hang anything below an entry of his own would get hold of it.
    this.#requirePermission(session, child, Permission.Move)
    this.#store.associate(parent, child, session.account)
    return NOTHING
  }

  #detach(session: ServiceSession, message: Elements): readonly Value[] {
    const parent = unsignedAt(message, 2)
    this.#requirePermission(session, parent, Permission.Move)
    this.#store.detach(parent, unsignedAt(message, 3), session.account)
    return NOTHING
  }

  #rename(session: ServiceSession, message: Elements): readonly Value[] {
    const id = unsignedAt(message, 2)
    this.#requirePermission(session, id, Permission.Administrate)
    this.#store.rename(id, textAt(message, 3), session.account)
    return NOTHING
  }

  async #storePassword(session: ServiceSession, message: Elements): Promise<readonly Value[]> {
    const account = unsignedAt(message, 2)
    if (session.account !== account) this.#requirePermission(session, account, Permission.Administrate)
    if (this.#store.graph.entry(account)?.type !== EntryType.Account) throw new ServiceError(Reason.UnknownAccount)
    const hash = await hashPassword(textAt(message, 3), this.#options.passwordCost)
    this.#store.storePasswordHash(account, hash, session.account)
    return NOTHING
  }

  #storePermissions(session: ServiceSession, message: Elements): readonly Value[] {
    const [source, target] = [unsignedAt(message, 2), unsignedAt(message, 3)]
    this.#requirePermission(session, target, Permission.Administrate)
    if (this.#store.graph.entry(source)?.type !== EntryType.Account) throw new ServiceError(Reason.UnknownAccount)
    this.#store.storePermissions(source, target, unsignedAt(message, 4, undefined, PERMISSIONS_ALL), session.account)
    this.#sendAwayWhoMayNot()
    return NOTHING
  }

  #loadPermissions(session: ServiceSession, message: Elements): readonly Value[] {
    const [source, target] = [unsignedAt(message, 2), unsignedAt(message, 3)]
    if (session.account !== source && !this.isService(session.account)) {
      this.#requirePermission(session, source, Permission.Administrate)
      this.#requirePermission(session, target, Permission.Administrate)
    }
    this.#entry(target)
    return [this.#store.permissions.over(source, target)]
  }
}
