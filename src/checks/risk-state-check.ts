// An account that may not take on more risk may still close what it has: in any risk state but active, orders that
// would open a position are refused.

import { Reason } from '../domain/reasons.ts'
import { RiskStateType } from '../domain/risk-state.ts'
import type { OrderUnderCheck, Refusal } from './check.ts'

/** What the check asks about the account. */
export interface RiskStateAccount {
  readonly riskState: RiskStateType
  /** Whether the order would open, by the position in its ticker and the live orders of its side. */
  opens(order: OrderUnderCheck): boolean
}

export class RiskStateCheck {
  check(order: OrderUnderCheck, account: RiskStateAccount, _market: unknown, refusal: Refusal): boolean {
    if (account.riskState === RiskStateType.Active || !account.opens(order)) return true
    return refusal.set(Reason.OnlyClosingOrders)
  }
}
