// The small world of a new platform: two desks and a treasury, their managers and traders, an administrator, and the
// accounts of the services. Everybody knows these passwords: a platform that has them serves this machine only.

import { MICROS } from '../../domain/money.ts'
import { RiskStateType } from '../../domain/risk-state.ts'
import type { RiskParameters } from '../administration/risk.ts'
import type { WorldData } from './world.ts'

const CAD = 124
const USD = 840
const HOUR_US = 3_600_000_000

/** Name under which the order execution service logs in at the locator. */
export const ORDER_EXECUTION_SERVICE = 'order_execution_service'

/** Name under which the risk service logs in; it cancels and flattens, so it administrates. */
const RISK_SERVICE = 'risk_service'

/** Accounts of services that run in processes of their own. */
const servicesApart = [
  RISK_SERVICE,
  'administration_service',
  'compliance_service',
  'definitions_service',
  'market_data_service',
  'uid_service',
]

function limits(currency: number, buyingPower: number): Partial<RiskParameters> {
  return {
    currency,
    buyingPower: buyingPower * MICROS,
    netLoss: (buyingPower / 10) * MICROS,
    transitionTimeUs: HOUR_US,
  }
}

export const builtInWorld: WorldData = {
  accounts: [
    { name: 'administrator', password: 'administrator', riskParameters: limits(CAD, 10_000_000) },
    { name: ORDER_EXECUTION_SERVICE, password: ORDER_EXECUTION_SERVICE },
    { name: 'margaret', password: 'margaret', riskParameters: limits(CAD, 5_000_000) },
    { name: 'marcel', password: 'marcel', riskParameters: limits(CAD, 5_000_000) },
    { name: 'alice', password: 'alice', riskParameters: limits(CAD, 1_000_000) },
    { name: 'bob', password: 'bob', riskParameters: limits(CAD, 1_000_000) },
    { name: 'carol', password: 'carol', riskParameters: limits(USD, 1_000_000) },
    { name: 'dave', password: 'dave', riskParameters: limits(CAD, 1_000_000) },
    // Has little to spend, so that a refusal is easily seen.
    { name: 'erin', password: 'erin', riskParameters: limits(CAD, 1_000) },
    {
      name: 'frank',
      password: 'frank',
      riskParameters: limits(USD, 500_000),
      riskState: { type: RiskStateType.CloseOrders, expiry: 0 },
    },
    ...servicesApart.map(name => ({ name, password: name })),
    // Does not trade: to try out what observers and their managers may see.
    { name: 'auditor', password: 'auditor' },
  ],
  administrators: ['administrator', RISK_SERVICE],
  services: [ORDER_EXECUTION_SERVICE, ...servicesApart],
  groups: [
    { name: 'north', managers: ['margaret'], traders: ['alice', 'bob', 'carol'] },
    { name: 'south', managers: ['marcel'], traders: ['dave', 'erin'] },
    { name: 'treasury', managers: ['margaret', 'marcel'], traders: ['frank'] },
  ],
}
