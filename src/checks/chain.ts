// The checks a submission passes, in the configured order. The first refusal ends it.

import { BoardLotCheck, type BoardLotView } from './board-lot-check.ts'
import { type BuyingPowerAccount, BuyingPowerCheck, type BuyingPowerView } from './buying-power-check.ts'
import type { OrderUnderCheck, Refusal } from './check.ts'
import { type RiskStateAccount, RiskStateCheck } from './risk-state-check.ts'

/** The names by which checks are configured, in their usual order. */
export const checkNames = ['board_lot', 'buying_power', 'risk_state'] as const
export type CheckName = (typeof checkNames)[number]

/** What all checks together ask about the market. */
export interface MarketView extends BoardLotView, BuyingPowerView {}

/** What all checks together ask about the account of the order. */
export interface AccountUnderCheck extends BuyingPowerAccount, RiskStateAccount {}

interface Check {
  /** True where the order may pass; otherwise the reason stands in `refusal`. */
  check(order: OrderUnderCheck, account: AccountUnderCheck, market: MarketView, refusal: Refusal): boolean
}

const makers: Record<CheckName, (tickersMax: number) => Check> = {
  board_lot: tickersMax => new BoardLotCheck(tickersMax),
  buying_power: () => new BuyingPowerCheck(),
  risk_state: () => new RiskStateCheck(),
}

/** One chain per shard: the checks remember what they have learnt about its tickers. */
export class CheckChain {
  /** Whether a check fills in the price at which an order that passes is to be held. */
  readonly pricesOrders: boolean
  readonly #checks: readonly Check[]
  readonly #boardLot: Check | undefined

  /** The named checks in that order, for tickers with the indexes 0 … tickersMax − 1. */
  constructor(names: readonly CheckName[], tickersMax: number) {
    this.pricesOrders = names.includes('buying_power')
    this.#checks = names.map(name => makers[name](tickersMax))
    this.#boardLot = this.#checks[names.indexOf('board_lot')]
  }

  /** True where the order passes all checks; otherwise the first refusal stands in `refusal`. */
  check(order: OrderUnderCheck, account: AccountUnderCheck, market: MarketView, refusal: Refusal): boolean {
    for (let i = 0; i < this.#checks.length; i++) {
      if (!this.#checks[i]!.check(order, account, market, refusal)) return false
    }
    return true
  }

  /** As `check`, for a live order that is to become smaller at the price it has: only its quantity is looked at. */
  checkReduction(order: OrderUnderCheck, account: AccountUnderCheck, market: MarketView, refusal: Refusal): boolean {
    return this.#boardLot === undefined || this.#boardLot.check(order, account, market, refusal)
  }
}
