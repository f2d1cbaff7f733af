// In which risk state an account has to be: a function of its portfolio, its parameters and the time. A loss that
// reaches the limit begins closing mode; closing mode that lasts too long disables; a result above the limit gives the
// allowed state back. What cannot be measured counts as a loss.
//
//                   loss reaches the limit              expiry
//   allowed state ───────────────────────► CLOSE_ORDERS ──────► DISABLED
//         ▲                                     │                  │
//         └────────── result above the limit ───┴──────────────────┘

import { inRange } from '../accounting/inventory.ts'
import type { Portfolio } from '../accounting/portfolio.ts'
import { CURRENCY_NONE } from '../domain/currencies.ts'
import type { ExchangeRateTable } from '../domain/exchange-rates.ts'
import { AmountOutOfRange, type Money } from '../domain/money.ts'
import { RiskStateType } from '../domain/risk-state.ts'
import { NEVER, type RiskParameters, type RiskState } from '../services/administration/risk.ts'

export interface RiskStateModelOptions {
  readonly portfolio: Portfolio
  readonly rates: ExchangeRateTable
  readonly parameters: RiskParameters
  /** Where an earlier run stopped; the allowed state of the parameters where absent. */
  readonly state?: RiskState | undefined
  /** µs since the epoch. */
  readonly nowUs: number
}

export class RiskStateModel {
  readonly #rates: ExchangeRateTable
  #portfolio: Portfolio
  #parameters: RiskParameters
  #state: RiskState

  constructor({ portfolio, rates, parameters, state, nowUs }: RiskStateModelOptions) {
    this.#portfolio = portfolio
    this.#rates = rates
    this.#parameters = parameters
    this.#state = state ?? parameters.allowedState
    this.passTime(nowUs)
    this.portfolioChanged(nowUs)
  }

  get state(): RiskState {
    return this.#state
  }

  get parameters(): RiskParameters {
    return this.#parameters
  }

  /** New parameters. A new allowed state counts at once for an account that is active, for others when they recover. */
  changeParameters(parameters: RiskParameters, nowUs: number): void {
    this.#parameters = parameters
    if (this.#state.type === RiskStateType.Active) this.#enter(parameters.allowedState)
    this.passTime(nowUs)
    this.portfolioChanged(nowUs)
  }

  passTime(nowUs: number): void {
    if (hasExpired(this.#state, nowUs)) this.#enter({ type: RiskStateType.Disabled, expiry: NEVER })
  }

  /** Positions or their marks have changed. */
  portfolioChanged(nowUs: number): void {
    if (this.#parameters.currency === CURRENCY_NONE) return
    const result = this.result
    const isActive = this.#state.type === RiskStateType.Active
    const isLost = result === undefined || result <= -this.#parameters.netLoss
    if (isActive && isLost) {
      this.#enter({ type: RiskStateType.CloseOrders, expiry: nowUs + this.#parameters.transitionTimeUs })
    } else if (!isActive && !isLost) {
      const { allowedState } = this.#parameters
      // An allowed state that has ended is not entered and left again with each quote.
      if (!hasExpired(allowedState, nowUs)) this.#enter(allowedState)
      else this.#enter({ type: RiskStateType.Disabled, expiry: NEVER })
    }
  }

  /** The portfolio was made anew, as by a reset. */
  replacePortfolio(portfolio: Portfolio, nowUs: number): void {
    this.#portfolio = portfolio
    this.portfolioChanged(nowUs)
  }

  /**
   * The result of all currencies in that of the account, realised, unrealised and fees; undefined where a currency
   * cannot be converted or the sum cannot be counted.
   */
  get result(): Money | undefined {
    try {
      let sum = 0
      for (const currency of this.#portfolio.currencies()) {
        const result = this.#portfolio.result(currency)
        const converted = this.#rates.convert(result, currency, this.#parameters.currency)
        if (converted === undefined) return undefined
        sum = inRange(sum + converted)
      }
      return sum
    } catch (error) {
      if (error instanceof AmountOutOfRange) return undefined
      throw error
    }
  }

  // The state stays the same object where it stays the same, so that whoever compares sees changes only.
  #enter(state: RiskState): void {
    if (state.type !== this.#state.type || state.expiry !== this.#state.expiry) this.#state = state
  }
}

function hasExpired({ type, expiry }: RiskState, nowUs: number): boolean {
  return type === RiskStateType.CloseOrders && expiry !== NEVER && nowUs >= expiry
}
