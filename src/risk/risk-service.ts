// The risk server's side of the wire: tells sessions the portfolios, states and snapshots they may see, pushes what
// changes, and lets administrators reset a scope. Who may see what is asked anew with each message, so that permissions
// follow groups and roles.

import type { Log } from '../base/log.ts'
import { Reason } from '../domain/reasons.ts'
import { parseScope, scopeHasTicker, unionOfScopes } from '../domain/scopes.ts'
import { readTicker } from '../domain/tickers.ts'
import type { Value } from '../protocol/msgpack.ts'
import { type Elements, integerAt, listAt, textAt, unsignedAt } from '../services/wire/elements.ts'
import { pageOf, pageRowsAt, pageToWire } from '../services/wire/pages.ts'
import { ServiceError } from '../services/wire/service-error.ts'
import type { Handler, Service, ServiceSession } from '../services/wire/service-host.ts'
import type { WorldFeed } from '../services/world/world-feed.ts'
import type { ConsolidatedController } from './consolidated-controller.ts'
import { type AccountStanding, inventoryToWire, RISK_SERVICE, RiskKind, standingToWire } from './messages.ts'
import type { RiskController } from './risk-controller.ts'
import { TransitionStage } from './risk-transition-model.ts'

const NOTHING: readonly Value[] = []
/** Inventories in one push. */
const PUSH_ROWS_MAX = 2_000

export class RiskService implements Service {
  readonly name = RISK_SERVICE
  readonly handlers: ReadonlyMap<number, Handler>
  readonly #world: WorldFeed
  readonly #consolidated: ConsolidatedController
  readonly #log: Log
  /** Sessions that follow inventories, with the accounts they have been told of. */
  readonly #followers = new Map<ServiceSession, Set<number>>()
  /** Inventories that changed in this turn of the event loop. */
  readonly #changed = new Map<number, Set<string>>()
  #looksAtMembers = false

  constructor(world: WorldFeed, consolidated: ConsolidatedController, log: Log) {
    this.#world = world
    this.#consolidated = consolidated
    this.#log = log
    this.handlers = new Map<number, Handler>([
      [RiskKind.LoadAccounts, (session, message) => this.#loadAccounts(session, message)],
      [RiskKind.LoadPortfolio, (session, message) => this.#loadPortfolio(session, message)],
      [RiskKind.LoadSnapshot, (session, message) => this.#loadSnapshot(session, message)],
      [RiskKind.Reset, (session, message) => this.#reset(session, message)],
      [RiskKind.FollowInventories, session => this.#follow(session)],
      [
        RiskKind.UnfollowInventories,
        session => {
          this.#followers.delete(session)
          return NOTHING
        },
      ],
    ])
  }

  sessionClosed(session: ServiceSession): void {
    this.#followers.delete(session)
  }

  /** The inventory of an account and ticker is another one now. */
  inventoryChanged(account: number, ticker: string): void {
    if (this.#followers.size === 0) return
    if (this.#changed.size === 0) setImmediate(() => this.#tellChanges())
    const tickers = this.#changed.get(account)
    if (tickers === undefined) this.#changed.set(account, new Set([ticker]))
    else tickers.add(ticker)
  }

  /** Roles or groups have changed. */
  membershipsChanged(): void {
    if (this.#looksAtMembers || this.#followers.size === 0) return
    this.#looksAtMembers = true
    setImmediate(() => {
      this.#looksAtMembers = false
      for (const [session, told] of this.#followers) this.#tellMissing(session, told)
    })
  }

  #loadAccounts(session: ServiceSession, message: Elements): readonly Value[] {
    const after = integerAt(message, 2)
    const rowsMax = pageRowsAt(message, 3)
    const accounts = [...this.#consolidated.controllers.keys()].filter(
      account => account > after && this.#world.permitted(session.account, account),
    )
    const rows = accounts.sort((a, b) => a - b).slice(0, rowsMax + 1)
    return pageToWire(pageOf(rows, rowsMax), account =>
      standingToWire(this.#standing(account, this.#consolidated.controllers.get(account)!)),
    )
  }

  #standing(account: number, controller: RiskController): AccountStanding {
    const { model, fault = '' } = controller
    return {
      account,
      name: this.#world.accountName(account) ?? '',
      state: model?.state,
      stage: model?.transition?.stage ?? TransitionStage.Idle,
      currency: this.#world.riskParameters(account).currency,
      result: model?.result,
      fault,
    }
  }

  #loadPortfolio(session: ServiceSession, message: Elements): readonly Value[] {
    const { model } = this.#controller(session, unsignedAt(message, 2))
    if (model === undefined) throw new ServiceError(Reason.Busy)
    return [
      Array.from(model.portfolio.entries(), ({ inventory, unrealized }) => [inventoryToWire(inventory), unrealized]),
    ]
  }

  #loadSnapshot(session: ServiceSession, message: Elements): readonly Value[] {
    const { snapshot } = this.#controller(session, unsignedAt(message, 2))
    if (snapshot === undefined) throw new ServiceError(Reason.Busy)
    const { sequence, reportSequence, inventories, excluded } = snapshot
    return [sequence, reportSequence, inventories.map(inventoryToWire), [...excluded]]
  }

  async #reset(session: ServiceSession, message: Elements): Promise<readonly Value[]> {
    if (!this.#world.isAdministrator(session.account)) throw new ServiceError(Reason.NotPermitted)
    const { definitions } = this.#world
    const texts = listAt(message, 2).map((_, index, list) => textAt(list as Elements, index))
    const scope = unionOfScopes(
      texts.map(text => {
        const part = parseScope(text, definitions)
        if (part === undefined) throw new ServiceError(Reason.UnknownTicker, [text])
        return part
      }),
    )
    const isInScope = (ticker: string) => scopeHasTicker(scope, readTicker(ticker, definitions), definitions)
    const failed = await this.#consolidated.reset(isInScope)
    this.#log.info('results were reset', { scope: texts.join(' '), by: session.account, failed: failed.length })
    return [failed]
  }

  #follow(session: ServiceSession): readonly Value[] {
    const told = new Set<number>()
    this.#followers.set(session, told)
    this.#tellMissing(session, told)
    return NOTHING
  }

  /** @throws ServiceError NOT_PERMITTED, UNKNOWN_ACCOUNT */
  #controller(session: ServiceSession, account: number): RiskController {
    if (!this.#world.permitted(session.account, account)) throw new ServiceError(Reason.NotPermitted)
    const controller = this.#consolidated.controllers.get(account)
    if (controller === undefined) throw new ServiceError(Reason.UnknownAccount)
    return controller
  }

  /** Tells the inventories of accounts that the session may see and has not been told of; forgets those it may not. */
  #tellMissing(session: ServiceSession, told: Set<number>): void {
    const rows: Value[] = []
    for (const [account, { model }] of this.#consolidated.controllers) {
      const maySee = this.#world.permitted(session.account, account)
      if (!maySee) told.delete(account)
      // An account that is still catching up is told when it has.
      if (!maySee || told.has(account) || model === undefined) continue
      told.add(account)
      for (const { inventory } of model.portfolio.entries()) rows.push([account, inventoryToWire(inventory)])
    }
    push(session, rows)
  }

  #tellChanges(): void {
    const changes = [...this.#changed]
    this.#changed.clear()
    for (const [session, told] of this.#followers) {
      const rows: Value[] = []
      for (const [account, tickers] of changes) {
        const model = this.#consolidated.controllers.get(account)?.model
        if (model === undefined || !this.#world.permitted(session.account, account)) continue
        told.add(account)
        for (const ticker of tickers) rows.push([account, inventoryToWire(model.inventory(ticker))])
      }
      push(session, rows)
    }
  }
}

function push(session: ServiceSession, rows: readonly Value[]): void {
  for (let from = 0; from < rows.length; from += PUSH_ROWS_MAX) {
    session.push(RiskKind.InventoriesChanged, [rows.slice(from, from + PUSH_ROWS_MAX)])
  }
}
