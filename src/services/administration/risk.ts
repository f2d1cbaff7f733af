// Risk parameters and risk states of all accounts. Both sides keep them in a book: the administration service the
// truth beside its database, a client its mirror. An account that was never configured has the defaults.

import { CURRENCY_NONE, type CurrencyId } from '../../domain/currencies.ts'
import type { Money } from '../../domain/money.ts'
import { RiskStateType } from '../../domain/risk-state.ts'

/** An instant that never comes. */
export const NEVER = 0

export interface RiskState {
  readonly type: RiskStateType
  /** When closing mode ends, µs since the epoch, or NEVER. */
  readonly expiry: number
}

export interface RiskParameters {
  /** Currency of all risk figures of the account; none: losses are not measured. */
  readonly currency: CurrencyId
  readonly buyingPower: Money
  /** The state the account may be in. */
  readonly allowedState: RiskState
  /** Loss at which closing mode begins, not negative. */
  readonly netLoss: Money
  /** How long closing mode lasts before the account is disabled. */
  readonly transitionTimeUs: number
}

export const riskStateDefault: RiskState = { type: RiskStateType.Active, expiry: NEVER }

export const riskParametersDefault: RiskParameters = {
  currency: CURRENCY_NONE,
  buyingPower: 0,
  allowedState: riskStateDefault,
  netLoss: 0,
  transitionTimeUs: 0,
}

export interface RiskListener {
  riskParametersChanged?(account: number, parameters: RiskParameters): void
  riskStateChanged?(account: number, state: RiskState): void
}

export class RiskBook {
  readonly #parameters = new Map<number, RiskParameters>()
  readonly #states = new Map<number, RiskState>()
  readonly #listeners = new Set<RiskListener>()

  listen(listener: RiskListener): void {
    this.#listeners.add(listener)
  }

  parameters(account: number): RiskParameters {
    return this.#parameters.get(account) ?? riskParametersDefault
  }

  state(account: number): RiskState {
    return this.#states.get(account) ?? riskStateDefault
  }

  storeParameters(account: number, parameters: RiskParameters): void {
    const previous = this.parameters(account)
    this.#parameters.set(account, parameters)
    if (sameParameters(previous, parameters)) return
    for (const listener of this.#listeners) listener.riskParametersChanged?.(account, parameters)
  }

  storeState(account: number, state: RiskState): void {
    const previous = this.state(account)
    this.#states.set(account, state)
    if (sameRiskState(previous, state)) return
    for (const listener of this.#listeners) listener.riskStateChanged?.(account, state)
  }

  /** Drops what is known of an account that is gone; nobody is told, since its deletion tells it. */
  forget(account: number): void {
    this.#parameters.delete(account)
    this.#states.delete(account)
  }

  /** Becomes equal to `fresh`, so that listeners hear of the differences and of nothing else. */
  becomeEqualTo(fresh: RiskBook): void {
    for (const account of this.#parameters.keys()) this.storeParameters(account, fresh.parameters(account))
    for (const account of this.#states.keys()) this.storeState(account, fresh.state(account))
    for (const [account, parameters] of fresh.#parameters) this.storeParameters(account, parameters)
    for (const [account, state] of fresh.#states) this.storeState(account, state)
  }
}

export function sameRiskState(a: RiskState, b: RiskState): boolean {
  return a.type === b.type && a.expiry === b.expiry
}

function sameParameters(a: RiskParameters, b: RiskParameters): boolean {
  return (
    a.currency === b.currency &&
    a.buyingPower === b.buyingPower &&
    sameRiskState(a.allowedState, b.allowedState) &&
    a.netLoss === b.netLoss &&
    a.transitionTimeUs === b.transitionTimeUs
  )
}
