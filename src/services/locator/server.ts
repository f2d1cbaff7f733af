// The service locator: logs accounts in, keeps the directory, knows which services are up and where. It is the one
// service that checks passwords; all others ask it whose session a connection proves.

import { Reason } from '../../domain/reasons.ts'
import type { Value } from '../../protocol/msgpack.ts'
import { bytesAt, type Elements, integerAt, textAt, unsignedAt } from '../wire/elements.ts'
import { pageRowsAt, pageToWire } from '../wire/pages.ts'
import { type Roles, requireAdministrator, requireReader, requireSelf, requireService } from '../wire/permission.ts'
import { ServiceError } from '../wire/service-error.ts'
import type { Handler, Service, ServiceSession } from '../wire/service-host.ts'
import { newSessionTicket, proves } from '../wire/session-proof.ts'
import { SERVICES_VERSION, WireKind } from '../wire/wire-kinds.ts'
import { type Entry, EntryType, WellKnown } from './directory-graph.ts'
import type { DirectoryStore } from './directory-store.ts'
import { entryToWire, LocatorKind, propertiesFromWire, type ServiceEntry, serviceToWire } from './messages.ts'
import { hashPassword, type PasswordCost, passwordMatches } from './passwords.ts'

const NOTHING: readonly Value[] = []

interface LoggedIn {
  readonly account: number
  readonly key: Uint8Array
  readonly id: string
}

interface Registered extends ServiceEntry {
  readonly session: ServiceSession
}

export class LocatorServer implements Service, Roles {
  readonly name = 'service_locator'
  readonly handlers: ReadonlyMap<number, Handler>
  readonly greetings: ReadonlySet<number> = new Set([WireKind.Login])

  readonly #store: DirectoryStore
  readonly #passwordCost: PasswordCost | undefined
  readonly #logins = new Map<ServiceSession, LoggedIn>()
  readonly #loginsById = new Map<string, LoggedIn>()
  readonly #services = new Map<number, Registered>()
  readonly #watchers = new Map<ServiceSession, Set<string>>()
  readonly #followers = new Set<ServiceSession>()
  #lastServiceId = 0
  /** Compared with the password of an account that does not exist, so that its answer takes as long as any other. */
  #decoyHash = ''

  /** @param passwordCost cost of newly stored passwords. */
  constructor(store: DirectoryStore, passwordCost?: PasswordCost) {
    this.#store = store
    this.#passwordCost = passwordCost
    store.graph.listen({
      entryStored: entry => this.#tellFollowers(LocatorKind.EntryStored, entryToWire(entry)),
      entryDeleted: entry => this.#tellFollowers(LocatorKind.EntryDeleted, entryToWire(entry)),
      associated: (parent, child) => this.#tellFollowers(LocatorKind.Associated, [parent, child]),
      detached: (parent, child) => this.#tellFollowers(LocatorKind.Detached, [parent, child]),
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
      [LocatorKind.MakeAccount, (session, message) => this.#makeAccount(session, message)],
      [LocatorKind.MakeDirectory, (session, message) => this.#makeDirectory(session, message)],
      [LocatorKind.Delete, (session, message) => this.#change(session, () => store.delete(unsignedAt(message, 2)))],
      [
        LocatorKind.Associate,
        (session, message) =>
          this.#change(session, () => store.associate(unsignedAt(message, 2), unsignedAt(message, 3))),
      ],
      [
        LocatorKind.Detach,
        (session, message) => this.#change(session, () => store.detach(unsignedAt(message, 2), unsignedAt(message, 3))),
      ],
      [
        LocatorKind.Rename,
        (session, message) => this.#change(session, () => store.rename(unsignedAt(message, 2), textAt(message, 3))),
      ],
      [LocatorKind.StorePassword, (session, message) => this.#storePassword(session, message)],
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
    for (const service of this.#services.values()) if (service.session === session) this.#remove(service)
  }

  async #login(session: ServiceSession, message: Elements): Promise<readonly Value[]> {
    const version = integerAt(message, 4)
    if (version !== SERVICES_VERSION) throw new ServiceError(Reason.ProtocolVersion, [version, SERVICES_VERSION])
    const account = await this.#accountOf(textAt(message, 2), textAt(message, 3))
    // Looked at after the wait, since two logins of one connection may have been under way.
    if (session.loggedIn) throw new ServiceError(Reason.AlreadyLoggedIn)
    if (session.connection.closed) throw new ServiceError(Reason.LoginFailed)
    session.account = account
    const ticket = newSessionTicket()
    const login = { account, ...ticket }
    this.#logins.set(session, login)
    this.#loginsById.set(ticket.id, login)
    this.#store.storeLogin(account)
    return [account, ticket.id, ticket.key]
  }

  /** Unknown name and wrong password give the same error after the same time. */
  async #accountOf(name: string, password: string): Promise<number> {
    const account = this.#store.graph.accountNamed(name.trim())
    if (account === undefined && this.#decoyHash === '') {
      this.#decoyHash = await hashPassword('', this.#passwordCost)
    }
    const hash = account === undefined ? this.#decoyHash : this.#store.passwordHash(account.id)
    const matches = await passwordMatches(password, hash)
    if (account === undefined || !matches) throw new ServiceError(Reason.LoginFailed)
    return account.id
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
    const account = await this.#accountOf(textAt(message, 2), textAt(message, 3))
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
    requireReader(this, session.account, id)
    return entryToWire(this.#entry(id))
  }

  #loadParents(session: ServiceSession, message: Elements): readonly Value[] {
    const id = unsignedAt(message, 2)
    requireReader(this, session.account, id)
    this.#entry(id)
    return [this.#store.graph.parents(id).map(parent => entryToWire(this.#entry(parent)))]
  }

  #loadChildren(session: ServiceSession, message: Elements): readonly Value[] {
    requireService(this, session.account)
    const id = unsignedAt(message, 2)
    this.#entry(id)
    return [Array.from(this.#store.graph.children(id), child => entryToWire(this.#entry(child)))]
  }

  #loadAccountTimes(session: ServiceSession, message: Elements): readonly Value[] {
    const account = unsignedAt(message, 2)
    requireReader(this, session.account, account)
    const times = this.#store.accountTimes(account)
    return [times.registered, times.lastLogin]
  }

  #change(session: ServiceSession, work: () => void): readonly Value[] {
    requireAdministrator(this, session.account)
    work()
    return NOTHING
  }

  async #makeAccount(session: ServiceSession, message: Elements): Promise<readonly Value[]> {
    requireAdministrator(this, session.account)
    const hash = await hashPassword(textAt(message, 3), this.#passwordCost)
    return [this.#store.makeAccount(textAt(message, 2), hash, unsignedAt(message, 4))]
  }

  #makeDirectory(session: ServiceSession, message: Elements): readonly Value[] {
    requireAdministrator(this, session.account)
    return [this.#store.makeDirectory(textAt(message, 2), unsignedAt(message, 3))]
  }

  async #storePassword(session: ServiceSession, message: Elements): Promise<readonly Value[]> {
    const account = unsignedAt(message, 2)
    requireSelf(this, session.account, account)
    if (this.#store.graph.entry(account)?.type !== EntryType.Account) throw new ServiceError(Reason.UnknownAccount)
    this.#store.storePasswordHash(account, await hashPassword(textAt(message, 3), this.#passwordCost))
    return NOTHING
  }
}
