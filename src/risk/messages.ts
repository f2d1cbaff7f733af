// Messages of the risk service, kinds 600 to 699, and the rows inside them. Amounts are whole micros, since sums of a
// day may be larger than an ordinary number tells exactly.
//
//   inventory   ticker, currency, quantity (signed), cost basis (signed), gross, fees, volume, transactions
//   account     account id, name, state (0 active, 1 close orders, 2 disabled, −1 not watched yet), expiry (µs since the
//               epoch, 0 never), stage of its transition, currency, result known (0/1), result, why it is not watched

import type { TickerInventory } from '../accounting/bookkeeper.ts'
import type { CurrencyId } from '../domain/currencies.ts'
import type { Money } from '../domain/money.ts'
import { RiskStateType } from '../domain/risk-state.ts'
import type { Value } from '../protocol/msgpack.ts'
import { NEVER, type RiskState } from '../services/administration/risk.ts'
import { type Elements, flagAt, integerAt, memberAt, textAt, unsignedAt } from '../services/wire/elements.ts'
import { TransitionStage } from './risk-transition-model.ts'

/** Name under which the service is registered. */
export const RISK_SERVICE = 'risk_service'

/**
 * Elements after `[kind, requestId` of the request → after `[71, requestId` of the answer. Each session sees its own
 * account, the traders of the groups it manages and, where it is an administrator's, everybody.
 */
export const RiskKind = {
  /** after account (−1 = from the start), count → [account, …], more (0/1). Those the session may see. */
  LoadAccounts: 600,
  /** account → [[inventory, unrealised result], …]; empty ones are left out. */
  LoadPortfolio: 601,
  /** account → sequence of orders, sequence of reports, [inventory, …], [id of an excluded order, …]. */
  LoadSnapshot: 602,
  /** [scope, …], each `*`, a country, a venue or a ticker → [account, …] that could not be reset. Administrators. */
  Reset: 603,
  /** → pushes of how things stand, then nothing, then pushes of what changes. */
  FollowInventories: 604,
  /** → nothing. */
  UnfollowInventories: 605,

  /** [[account, inventory], …]; an empty inventory is none any more. */
  InventoriesChanged: 650,
} as const

/** How an account stands. */
export interface AccountStanding {
  readonly account: number
  readonly name: string
  /** The state it has to be in; undefined while it is not watched. */
  readonly state: RiskState | undefined
  readonly stage: TransitionStage
  /** Of its risk figures. */
  readonly currency: CurrencyId
  /** What it has won or lost; undefined where that cannot be told. */
  readonly result: Money | undefined
  /** Why it is not watched any more; empty where it is, or soon will be. */
  readonly fault: string
}

/** A ticker of an account's portfolio. */
export interface PortfolioRow {
  readonly inventory: TickerInventory
  readonly unrealized: Money
}

export function inventoryToWire(inventory: TickerInventory): Value[] {
  const { ticker, currency, quantity, costBasis, gross, fees, volume, transactions } = inventory
  return [ticker, currency, quantity, costBasis, gross, fees, volume, transactions]
}

export function inventoryFromWire(row: Elements): TickerInventory {
  return {
    ticker: textAt(row, 0),
    currency: unsignedAt(row, 1),
    quantity: integerAt(row, 2),
    costBasis: integerAt(row, 3),
    gross: integerAt(row, 4),
    fees: integerAt(row, 5),
    volume: integerAt(row, 6),
    transactions: integerAt(row, 7),
  }
}

export function standingToWire(standing: AccountStanding): Value[] {
  const { account, name, state, stage, currency, result, fault } = standing
  const { type, expiry } = state ?? { type: RiskStateType.None, expiry: NEVER }
  return [account, name, type, expiry, stage, currency, result === undefined ? 0 : 1, result ?? 0, fault]
}

export function standingFromWire(row: Elements): AccountStanding {
  const type = memberAt(row, 2, RiskStateType)
  return {
    account: unsignedAt(row, 0),
    name: textAt(row, 1),
    state: type === RiskStateType.None ? undefined : { type, expiry: integerAt(row, 3, NEVER, 0) },
    stage: memberAt(row, 4, TransitionStage),
    currency: unsignedAt(row, 5),
    result: flagAt(row, 6) ? integerAt(row, 7) : undefined,
    fault: textAt(row, 8, ''),
  }
}
