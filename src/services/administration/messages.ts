// Messages of the administration service, kinds 200 to 299, and the rows inside them.
//
//   group        [id, name]
//   membership   [group id (0 none), role (1 trader, 2 manager, 4 service, 8 administrator, 16 observer), account id]
//   state        type (0 active, 1 close orders, 2 disabled), expiry (µs since the epoch, 0 never)
//   parameters   currency, buying power, allowed state (2 elements), net loss, transition time (µs)
//   update       [status (1 pending, 2 reviewed, 3 scheduled, 4 granted, 5 rejected), account, sequence, time (µs)]
//   modification id, account, submitter, time (µs), effective from (µs), [parameters], comment, [update, …]

import { numberOfMicros } from '../../domain/money.ts'
import { Reason } from '../../domain/reasons.ts'
import { RiskStateType } from '../../domain/risk-state.ts'
import type { Value } from '../../protocol/msgpack.ts'
import { amountAt, type Elements, integerAt, listAt, memberAt, rowsAt, textAt, unsignedAt } from '../wire/elements.ts'
import { ServiceError } from '../wire/service-error.ts'
import { type Membership, Role } from './memberships.ts'
import { type Modification, ModificationStatus, type ModificationUpdate } from './modification.ts'
import type { RiskParameters, RiskState } from './risk.ts'

/** Name under which the service is registered. */
export const ADMINISTRATION_SERVICE = 'administration_service'

/** Elements after `[kind, requestId` of the request → after `[71, requestId` of the answer; who may ask. */
export const AdministrationKind = {
  /** account → 0/1. Anyone. */
  CheckAdministrator: 200,
  /** account → [group, …]. Services, oneself, managers of the account. */
  LoadManagedGroups: 201,
  /** group id → group, [manager, …], [trader, …]. Services, managers of the group. */
  LoadGroup: 202,
  /** account → group, or nothing. Services, oneself, managers of the account. */
  LoadParentGroup: 203,
  /** → [group, …], then pushes of every change of groups and memberships. Services. */
  FollowMemberships: 204,
  /** after membership (−1, −1, −1 = from the start), count → [membership, …], more (0/1). Services. */
  LoadMemberships: 205,
  /** → nothing, then pushes of every change of parameters and states. Services. */
  FollowRisk: 206,
  /** after account (−1 = from the start), count → [[account, parameters], …], more (0/1); defaults are left out. Services. */
  LoadRiskParameters: 207,
  /** after account (−1 = from the start), count → [[account, state], …], more (0/1); defaults are left out. Services. */
  LoadRiskStates: 208,
  /** account → parameters, state, then pushes for this account. Services, oneself, managers of the account. */
  FollowAccountRisk: 209,
  /** account → nothing. Anyone. */
  UnfollowAccountRisk: 210,
  /** account, parameters → nothing. Administrators. */
  StoreRiskParameters: 211,
  /** account, state → nothing. Administrators. */
  StoreRiskState: 212,
  /**
   * account, effective from (µs since the epoch, 0 at once), comment, parameters → id, status. Oneself, managers of the
   * account, administrators; see modification.ts for what becomes of it.
   */
  SubmitModification: 213,
  /** id, effective from (nil as it was) → status. As above. */
  ApproveModification: 214,
  /** id → nothing. As above. */
  RejectModification: 215,
  /** id → modification. Services, oneself, managers of the account. */
  LoadModification: 216,
  /** account, after id (0 = from the start), count → [[modification], …], more (0/1), ascending. Services, oneself, managers of the account. */
  LoadModifications: 217,
  /** See changes/messages.ts. Administrators. */
  LoadChanges: 218,

  /** group. */
  GroupStored: 250,
  /** group id. */
  GroupDeleted: 251,
  /** membership, joined (0/1). */
  MembershipChanged: 252,
  /** account, parameters. */
  RiskParametersChanged: 253,
  /** account, state. */
  RiskStateChanged: 254,
  /** modification; to who follows the account. */
  ModificationChanged: 255,
} as const

/** Elements of risk parameters in a row. */
export const RISK_PARAMETERS_ELEMENTS = 6

/** The largest number of a currency. */
const CURRENCY_MAX = 65_534

export function membershipToWire({ group, role, account }: Membership): Value[] {
  return [group, role, account]
}

export function membershipFromWire(row: Elements, index: number): Membership {
  return { group: unsignedAt(row, index), role: memberAt(row, index + 1, Role), account: unsignedAt(row, index + 2) }
}

export function riskStateToWire(state: RiskState): Value[] {
  return [state.type, state.expiry]
}

/** Refuses `NONE`, which is the state of nobody. */
export function riskStateFromWire(row: Elements, index: number): RiskState {
  const { Active, CloseOrders, Disabled } = RiskStateType
  return { type: memberAt(row, index, { Active, CloseOrders, Disabled }), expiry: notNegativeAt(row, index + 1) }
}

export function riskParametersToWire(parameters: RiskParameters): Value[] {
  return [
    parameters.currency,
    numberOfMicros(parameters.buyingPower),
    ...riskStateToWire(parameters.allowedState),
    numberOfMicros(parameters.netLoss),
    parameters.transitionTimeUs,
  ]
}

export function riskParametersFromWire(row: Elements, index: number): RiskParameters {
  return {
    currency: unsignedAt(row, index, 0, CURRENCY_MAX),
    buyingPower: amountAt(row, index + 1, 0),
    allowedState: riskStateFromWire(row, index + 2),
    netLoss: amountAt(row, index + 4, 0),
    transitionTimeUs: notNegativeAt(row, index + 5),
  }
}

export function modificationToWire(modification: Modification): Value[] {
  const { id, account, submitter, timestamp, effective, parameters, comment, updates } = modification
  const rows = updates.map(update => [update.status, update.account, update.sequence, update.timestamp])
  return [id, account, submitter, timestamp, effective, riskParametersToWire(parameters), comment, rows]
}

export function modificationFromWire(row: Elements, index: number): Modification {
  const [first, ...more] = rowsAt(row, index + 7).map(updateFromWire)
  if (first === undefined) throw new ServiceError(Reason.MalformedMessage, [index + 7])
  return {
    id: notNegativeAt(row, index),
    account: unsignedAt(row, index + 1),
    submitter: unsignedAt(row, index + 2),
    timestamp: notNegativeAt(row, index + 3),
    effective: notNegativeAt(row, index + 4),
    parameters: riskParametersFromWire(listAt(row, index + 5), 0),
    comment: textAt(row, index + 6),
    updates: [first, ...more],
  }
}

function updateFromWire(row: Elements): ModificationUpdate {
  return {
    status: memberAt(row, 0, ModificationStatus),
    account: unsignedAt(row, 1),
    sequence: notNegativeAt(row, 2),
    timestamp: notNegativeAt(row, 3),
  }
}

function notNegativeAt(row: Elements, index: number): number {
  return integerAt(row, index, 0, 0)
}
