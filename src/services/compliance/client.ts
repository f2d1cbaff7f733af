// Client of the compliance service. It mirrors all rule entries, or those of single accounts and directories; after a lost
// connection they are loaded again, and listeners hear of differences only, deletions included. Violations, and rules that
// have shut themselves, are handed over without waiting: they queue here while the service is away and are sent until it
// has recorded them, each once.

import { randomInt } from 'node:crypto'
import type { RuleSchema, RuleState } from '../../compliance/schema.ts'
import { schemaToWire } from '../../compliance/schema-wire.ts'
import { Reason } from '../../domain/reasons.ts'
import type { Value } from '../../protocol/msgpack.ts'
import type { Change } from '../changes/change-log.ts'
import { loadChanges } from '../changes/messages.ts'
import type { LocatorClient } from '../locator/client.ts'
import { locatedClient } from '../locator/located-client.ts'
import { type Elements, integerAt, rowsAt } from '../wire/elements.ts'
import { loadPages } from '../wire/pages.ts'
import { PushGate } from '../wire/push-gate.ts'
import type { AvailabilityListener, ReconnectingClient, Request } from '../wire/reconnecting-client.ts'
import { ServiceError, unlessRefused } from '../wire/service-error.ts'
import {
  COMPLIANCE_SERVICE,
  ComplianceKind,
  recordedViolationFromWire,
  ruleFromWire,
  violationToWire,
} from './messages.ts'
import { RuleBook, type StoredRule } from './rule-book.ts'
import type { RecordedViolation, Violation } from './violation.ts'

/** Violations that one request reports. */
const REPORT_VIOLATIONS_MAX = 500
/** Violations that wait for a service that is away, some hundreds of bytes each; further ones are counted and lost. */
const VIOLATIONS_WAITING_MAX = 100_000
/** Pause after a report that failed although the service was there. */
const PAUSE_MS = 1_000
/** Numbers of reporters are drawn from so many that no two are the same. */
const REPORTERS = 2 ** 48 - 1

export interface ComplianceClientOptions {
  readonly onAvailability?: AvailabilityListener
  /** Violations that could not be recorded: too many wait, or the service refuses them for good. */
  readonly onViolationsLost?: (count: number, reason: ServiceError) => void
}

export class ComplianceClient {
  readonly #client: ReconnectingClient
  readonly #options: ComplianceClientOptions
  readonly #gate = new PushGate((kind, message) => this.#pushed(kind, message))
  readonly #request: Request = (kind, elements) => this.#client.request(kind, elements)
  #rules: RuleBook | undefined
  /** Accounts and directories that are followed one by one, and what is known of them. */
  readonly #nodes = new Set<number>()
  readonly #nodeRules = new RuleBook()
  /** This client among all that report; with the number of a violation it tells one report from another. */
  readonly #reporter = randomInt(REPORTERS)
  #waiting: Violation[] = []
  /** Number of the first violation that waits. */
  #waitingFirst = 0
  /** Entries that have shut themselves, by id: the revision that did. */
  readonly #tripped = new Map<number, number>()
  #reporting: Promise<void> | undefined
  #closed = false

  private constructor(locator: LocatorClient, options: ComplianceClientOptions) {
    this.#options = options
    this.#client = locatedClient(locator, COMPLIANCE_SERVICE, {
      onAvailability: options.onAvailability,
      renew: request => this.#gate.during(() => this.#renew(request)),
      onPush: (kind, message) => this.#gate.push(kind, message),
    })
  }

  /** Finds the service and connects to it. @throws ServiceError SERVICE_UNAVAILABLE */
  static async open(locator: LocatorClient, options: ComplianceClientOptions = {}): Promise<ComplianceClient> {
    const client = new ComplianceClient(locator, options)
    await client.#client.open()
    return client
  }

  get available(): boolean {
    return this.#client.available
  }

  /** Ends the connection; reports that still wait are lost, see `reportsRecorded`. */
  close(): void {
    this.#closed = true
    this.#client.close()
  }

  /** A mirror of all entries; listen on it. Services only. Called once. */
  followRules(): Promise<RuleBook> {
    return this.#gate.during(async () => {
      this.#rules = await this.#loadRules(this.#request)
      return this.#rules
    })
  }

  /** The book of accounts and directories followed one by one; listen on it. */
  get nodeRules(): RuleBook {
    return this.#nodeRules
  }

  /** Follows one account or directory: when this resolves, `nodeRules` knows its entries. @throws ServiceError NOT_PERMITTED, UNKNOWN_ENTRY */
  async followNodeRules(node: number): Promise<void> {
    await this.#gate.during(async () => {
      this.#nodeRules.becomeEqualAt(node, await this.#loadNodeRules(this.#request, node))
      // Inside the load, since the pushes that it held back are handed on at its end.
      this.#nodes.add(node)
    })
  }

  async unfollowNodeRules(node: number): Promise<void> {
    this.#nodes.delete(node)
    await this.#client.request(ComplianceKind.UnfollowNodeEntries, [node])
  }

  /** The entries of one account or directory by ascending id. @throws ServiceError NOT_PERMITTED, UNKNOWN_ENTRY */
  async loadNodeRules(node: number): Promise<StoredRule[]> {
    return rowsAt(await this.#client.request(ComplianceKind.LoadNodeEntries, [node]), 2).map(ruleFromWire)
  }

  /**
   * Administrators only, as the two below. @returns the id of the new entry.
   * @throws ServiceError NOT_PERMITTED, UNKNOWN_ENTRY, the reasons of a schema that is wrong
   */
  async addRule(node: number, state: RuleState, schema: RuleSchema): Promise<number> {
    return integerAt(await this.#client.request(ComplianceKind.AddEntry, [node, state, schemaToWire(schema)]), 2)
  }

  /** Stores an entry anew, also where nothing differs: that opens a rule which has shut itself. */
  async updateRule(id: number, node: number, state: RuleState, schema: RuleSchema): Promise<void> {
    await this.#client.request(ComplianceKind.UpdateEntry, [id, node, state, schemaToWire(schema)])
  }

  async deleteRule(id: number): Promise<void> {
    await this.#client.request(ComplianceKind.DeleteEntry, [id])
  }

  /** Records of the changes of one entry, or of all. Administrators only. */
  loadChanges(id?: number): Promise<Change[]> {
    return loadChanges(this.#request, ComplianceKind.LoadChanges, id)
  }

  /** Recorded violations of an account, or of all (−1), from behind a number on, in the order of their numbers. */
  async loadViolations(account: number, after = 0): Promise<RecordedViolation[]> {
    const violations: RecordedViolation[] = []
    await loadPages(this.#request, ComplianceKind.LoadViolations, {
      first: [account],
      after: [after],
      keyOf: row => row.slice(0, 1),
      take: row => violations.push(recordedViolationFromWire(row)),
    })
    return violations
  }

  /** Has a violation recorded, now or once the service is there. Services only. */
  reportViolation(violation: Violation): void {
    if (this.#waiting.length >= VIOLATIONS_WAITING_MAX) {
      this.#lost(1, new ServiceError(Reason.Capacity, ['waiting violations', VIOLATIONS_WAITING_MAX]))
      return
    }
    this.#waiting.push(violation)
    this.#startReporting()
  }

  /** Has it noted that a rule has shut itself, now or once the service is there. Services only. */
  reportTripped({ id, revision }: Pick<StoredRule, 'id' | 'revision'>): void {
    this.#tripped.set(id, revision)
    this.#startReporting()
  }

  /** Settles when everything reported so far is recorded or given up. */
  async reportsRecorded(): Promise<void> {
    while (this.#reporting !== undefined) await this.#reporting
  }

  #startReporting(): void {
    this.#reporting ??= this.#report().finally(() => {
      this.#reporting = undefined
    })
  }

  async #report(): Promise<void> {
    // What is reported in one turn of the event loop leaves together.
    await Promise.resolve()
    while (!this.#closed) {
      const [tripped] = this.#tripped
      if (tripped !== undefined) await this.#reportTripped(...tripped)
      else if (this.#waiting.length > 0) await this.#reportViolations()
      else return
    }
  }

  async #reportTripped(id: number, revision: number): Promise<void> {
    const refusal = await this.#sent(ComplianceKind.TripEntry, [id, revision])
    if (refusal?.isOfTheMoment) return
    // A later one of the same entry may have come meanwhile.
    if (this.#tripped.get(id) === revision) this.#tripped.delete(id)
  }

  async #reportViolations(): Promise<void> {
    const batch = this.#waiting.slice(0, REPORT_VIOLATIONS_MAX)
    const elements = [this.#reporter, this.#waitingFirst, batch.map(violationToWire)]
    const refusal = await this.#sent(ComplianceKind.ReportViolations, elements)
    if (refusal !== undefined) {
      if (refusal.isOfTheMoment) return
      this.#lost(batch.length, refusal)
    }
    this.#waiting = this.#waiting.slice(batch.length)
    this.#waitingFirst += batch.length
  }

  /** @returns the refusal, where it was refused, after a pause where it is to be sent again. */
  async #sent(kind: number, elements: readonly Value[]): Promise<ServiceError | undefined> {
    try {
      await this.#client.request(kind, elements)
      return undefined
    } catch (error) {
      if (!(error instanceof ServiceError)) throw error
      // A service that is away was waited for by the request itself; one that cannot write now needs a moment.
      if (error.isOfTheMoment && this.#client.available) await new Promise(resolve => setTimeout(resolve, PAUSE_MS))
      return error
    }
  }

  #lost(count: number, reason: ServiceError): void {
    this.#options.onViolationsLost?.(count, reason)
  }

  async #renew(request: Request): Promise<void> {
    const rules = this.#rules && (await this.#loadRules(request))
    const loaded: [number, RuleBook][] = []
    // Of what is gone, or may not be seen any more, nothing is known.
    for (const node of this.#nodes) {
      loaded.push([node, (await unlessRefused(this.#loadNodeRules(request, node))) ?? new RuleBook()])
    }
    if (rules !== undefined) this.#rules?.becomeEqualTo(rules)
    for (const [node, book] of loaded) this.#nodeRules.becomeEqualAt(node, book)
  }

  async #loadRules(request: Request): Promise<RuleBook> {
    const book = new RuleBook()
    await request(ComplianceKind.FollowEntries, [])
    await loadPages(request, ComplianceKind.LoadEntries, {
      after: [-1],
      keyOf: row => row.slice(0, 1),
      take: row => book.store(ruleFromWire(row)),
    })
    return book
  }

  async #loadNodeRules(request: Request, node: number): Promise<RuleBook> {
    const book = new RuleBook()
    for (const row of rowsAt(await request(ComplianceKind.FollowNodeEntries, [node]), 2)) book.store(ruleFromWire(row))
    return book
  }

  #pushed(kind: number, message: Elements): void {
    // Pushes of a newer service that this client does not know are none of its business.
    if (kind !== ComplianceKind.EntryChanged) return
    const rule = ruleFromWire(message.slice(2))
    this.#rules?.store(rule)
    if (this.#nodes.has(rule.node)) this.#nodeRules.store(rule)
  }
}
