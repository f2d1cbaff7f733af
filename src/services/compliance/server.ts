// The compliance service: which rules hold for which account and directory, and who broke them when. The rules are judged
// elsewhere, by the shards; here they are kept, checked for their form, and told to whoever follows them.

import { checkSchema } from '../../compliance/check-schema.ts'
import { type RuleSchema, RuleState } from '../../compliance/schema.ts'
import type { Definitions } from '../../domain/definitions.ts'
import { Reason } from '../../domain/reasons.ts'
import type { Value } from '../../protocol/msgpack.ts'
import type { Memberships } from '../administration/memberships.ts'
import { ANY_SUBJECT } from '../changes/change-log.ts'
import { changesHandler } from '../changes/messages.ts'
import { type DirectoryGraph, EntryType } from '../locator/directory-graph.ts'
import { Permission } from '../locator/permissions.ts'
import { type Elements, integerAt, rowsAt, unsignedAt } from '../wire/elements.ts'
import { pageRowsAt, pageToWire } from '../wire/pages.ts'
import { requireAdministrator, requireService } from '../wire/permission.ts'
import { ServiceError } from '../wire/service-error.ts'
import type { Handler, Service, ServiceSession } from '../wire/service-host.ts'
import {
  COMPLIANCE_SERVICE,
  ComplianceKind,
  recordedViolationToWire,
  ruleToWire,
  schemaAt,
  storableStateAt,
  violationFromWire,
} from './messages.ts'
import type { StoredRule } from './rule-book.ts'
import type { RuleStore } from './rule-store.ts'

const NOTHING: readonly Value[] = []

/** Entries of one page; each may be as large as a rule may be, and a page stays within the limit of a frame. */
const PAGE_RULES_MAX = 50
/** Violations of one page; the text of each may be as long as texts may be. */
const PAGE_VIOLATIONS_MAX = 500

export class ComplianceServer implements Service {
  readonly name = COMPLIANCE_SERVICE
  readonly handlers: ReadonlyMap<number, Handler>
  readonly #graph: DirectoryGraph
  readonly #memberships: Memberships
  readonly #definitions: () => Definitions
  readonly #store: RuleStore
  readonly #permissionsOver: (account: number, entry: number) => Promise<number>
  readonly #followers = new Set<ServiceSession>()
  /** Accounts and directories that a session follows one by one. */
  readonly #nodeFollowers = new Map<ServiceSession, Set<number>>()

  /**
   * @param parts.graph the directory, kept up to date by its owner.
   * @param parts.memberships the roles that follow from it.
   * @param parts.definitions those that hold now.
   * @param parts.permissionsOver what an account was given over an entry, as the locator knows it.
   */
  constructor(parts: {
    graph: DirectoryGraph
    memberships: Memberships
    definitions: () => Definitions
    permissionsOver: (account: number, entry: number) => Promise<number>
    store: RuleStore
  }) {
    this.#graph = parts.graph
    this.#memberships = parts.memberships
    this.#definitions = parts.definitions
    this.#permissionsOver = parts.permissionsOver
    this.#store = parts.store
    this.#memberships.listen({
      membershipChanged: (_, joined) => {
        if (!joined) this.#sendAwayWhoMayNot()
      },
    })
    this.#store.book.listen({ ruleChanged: (rule, previous) => this.#tell(rule, previous) })
    this.handlers = new Map<number, Handler>([
      [ComplianceKind.FollowEntries, session => this.#follow(session)],
      [ComplianceKind.LoadEntries, (session, message) => this.#load(session, message)],
      [ComplianceKind.LoadNodeEntries, (session, message) => this.#loadNode(session, message)],
      [ComplianceKind.FollowNodeEntries, (session, message) => this.#followNode(session, message)],
      [ComplianceKind.UnfollowNodeEntries, (session, message) => this.#unfollowNode(session, message)],
      [ComplianceKind.AddEntry, (session, message) => this.#add(session, message)],
      [ComplianceKind.UpdateEntry, (session, message) => this.#update(session, message)],
      [ComplianceKind.DeleteEntry, (session, message) => this.#delete(session, message)],
      [ComplianceKind.ReportViolations, (session, message) => this.#reportViolations(session, message)],
      [ComplianceKind.LoadViolations, (session, message) => this.#loadViolations(session, message)],
      [ComplianceKind.TripEntry, (session, message) => this.#trip(session, message)],
      [ComplianceKind.LoadChanges, changesHandler(this.#store.changes, this.#memberships)],
    ])
  }

  sessionClosed(session: ServiceSession): void {
    this.#followers.delete(session)
    this.#nodeFollowers.delete(session)
  }

  #follow(session: ServiceSession): readonly Value[] {
    requireService(this.#memberships, session.account)
    this.#followers.add(session)
    return NOTHING
  }

  #load(session: ServiceSession, message: Elements): readonly Value[] {
    requireService(this.#memberships, session.account)
    const rowsMax = Math.min(PAGE_RULES_MAX, pageRowsAt(message, 3))
    return pageToWire(this.#store.rulesAfter(integerAt(message, 2), rowsMax), ruleToWire)
  }

  async #loadNode(session: ServiceSession, message: Elements): Promise<readonly Value[]> {
    const node = await this.#readableNode(session, message)
    return [this.#store.book.rulesOf(node).map(ruleToWire)]
  }

  async #followNode(session: ServiceSession, message: Elements): Promise<readonly Value[]> {
    const node = await this.#readableNode(session, message)
    // Looked at after the wait: nothing is kept for a session that is gone.
    if (session.connection.closed) return NOTHING
    const nodes = this.#nodeFollowers.get(session) ?? new Set()
    this.#nodeFollowers.set(session, nodes.add(node))
    return [this.#store.book.rulesOf(node).map(ruleToWire)]
  }

  #unfollowNode(session: ServiceSession, message: Elements): readonly Value[] {
    this.#nodeFollowers.get(session)?.delete(unsignedAt(message, 2))
    return NOTHING
  }

  #add(session: ServiceSession, message: Elements): readonly Value[] {
    requireAdministrator(this.#memberships, session.account)
    const rule = { ...this.#node(message, 2), state: storableStateAt(message, 3), schema: this.#schema(message, 4) }
    return [this.#store.add(rule, session.account)]
  }

  #update(session: ServiceSession, message: Elements): readonly Value[] {
    requireAdministrator(this.#memberships, session.account)
    const id = integerAt(message, 2, undefined, 0)
    const rule = { ...this.#node(message, 3), state: storableStateAt(message, 4), schema: this.#schema(message, 5) }
    this.#store.update({ ...rule, id }, session.account)
    return NOTHING
  }

  #delete(session: ServiceSession, message: Elements): readonly Value[] {
    requireAdministrator(this.#memberships, session.account)
    this.#store.delete(integerAt(message, 2, undefined, 0), session.account)
    return NOTHING
  }

  #trip(session: ServiceSession, message: Elements): readonly Value[] {
    requireService(this.#memberships, session.account)
    const [id, revision] = [integerAt(message, 2, undefined, 0), integerAt(message, 3, undefined, 0)]
    this.#store.trip(id, revision, session.account)
    return NOTHING
  }

  #reportViolations(session: ServiceSession, message: Elements): readonly Value[] {
    requireService(this.#memberships, session.account)
    const [reporter, first] = [integerAt(message, 2, undefined, 0), integerAt(message, 3, undefined, 0)]
    const violations = rowsAt(message, 4).map(row => violationFromWire(row))
    this.#store.addViolations(reporter, first, violations)
    return NOTHING
  }

  async #loadViolations(session: ServiceSession, message: Elements): Promise<readonly Value[]> {
    const account = integerAt(message, 2, ANY_SUBJECT, ANY_SUBJECT)
    if (account === ANY_SUBJECT) requireService(this.#memberships, session.account)
    else await this.#requireReader(session, account)
    const rowsMax = Math.min(PAGE_VIOLATIONS_MAX, pageRowsAt(message, 4))
    return pageToWire(this.#store.violationsAfter(account, integerAt(message, 3), rowsMax), recordedViolationToWire)
  }

  /** An account or directory that there is. */
  #node(message: Elements, index: number): Pick<StoredRule, 'node' | 'nodeKind'> {
    const node = unsignedAt(message, index)
    const entry = this.#graph.entry(node)
    if (entry === undefined) throw new ServiceError(Reason.UnknownEntry, [node])
    return { node, nodeKind: entry.type === EntryType.Account ? 'account' : 'directory' }
  }

  async #readableNode(session: ServiceSession, message: Elements): Promise<number> {
    const { node } = this.#node(message, 2)
    await this.#requireReader(session, node)
    return node
  }

  /**
   * Services, administrators, an account itself, managers of the account or of the group that the directory is or is part
   * of, and whoever was given READ.
   */
  async #requireReader({ account }: ServiceSession, node: number): Promise<void> {
    if (this.#mayReadByRole(account, node)) return
    const permissions = await this.#permissionsOver(account, node)
    if ((permissions & Permission.Read) === 0) throw new ServiceError(Reason.NotPermitted)
  }

  #mayReadByRole(account: number, node: number): boolean {
    const memberships = this.#memberships
    if (account === node || memberships.isService(account) || memberships.isAdministrator(account)) return true
    const groups = [node, ...this.#graph.parents(node)].map(id => memberships.groups.get(id))
    return memberships.manages(account, node) || groups.some(group => group?.managers.has(account))
  }

  /** Somebody has left a role or a group: what he followed by it is not his any more, unless it was given to him as well. */
  #sendAwayWhoMayNot(): void {
    const memberships = this.#memberships
    for (const session of this.#followers) {
      if (!memberships.isService(session.account) && !memberships.isAdministrator(session.account)) session.sendAway()
    }
    for (const [session, nodes] of this.#nodeFollowers) {
      for (const node of nodes) {
        // Where the locator is away nobody can tell, and the session stays until the next change.
        if (!this.#mayReadByRole(session.account, node))
          this.#requireReader(session, node).catch(onlyIfRefused(session))
      }
    }
  }

  #schema(message: Elements, index: number): RuleSchema {
    const schema = schemaAt(message, index)
    const refusal = checkSchema(schema, this.#definitions())
    if (refusal !== undefined) throw new ServiceError(refusal.reason, refusal.params)
    return schema
  }

  /** A session that follows all entries, and the account or directory of this one too, is told once. */
  #tell(rule: StoredRule, previous: StoredRule | undefined): void {
    for (const session of this.#followers) session.push(ComplianceKind.EntryChanged, ruleToWire(rule))
    for (const [session, nodes] of this.#nodeFollowers) {
      if (this.#followers.has(session)) continue
      if (nodes.has(rule.node)) session.push(ComplianceKind.EntryChanged, ruleToWire(rule))
      else if (previous !== undefined && nodes.has(previous.node)) {
        // Where the entry went is not for those who may read only where it was.
        const gone = { ...previous, state: RuleState.Deleted, revision: rule.revision }
        session.push(ComplianceKind.EntryChanged, ruleToWire(gone))
      }
    }
  }
}

function onlyIfRefused(session: ServiceSession): (error: unknown) => void {
  return error => {
    if (!(error instanceof ServiceError)) throw error
    if (!error.isOfTheMoment) session.sendAway()
  }
}
