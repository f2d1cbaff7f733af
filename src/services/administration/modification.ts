// Requests to change the risk parameters of an account. Who asks, or approves, decides how far a request comes; a request
// never goes back, and ends as granted or rejected.
//
//   a trader for itself        PENDING ──┐
//   a manager of the account   REVIEWED ─┼──▶ granted by an administrator: SCHEDULED until its date, then GRANTED
//   an administrator           ──────────┘    rejected by whoever has a role over the account: REJECTED

import { unreachable } from '../../base/assert.ts'
import type { RiskParameters } from './risk.ts'

/** The numbers are those of the store and of the wire, and their order. */
export const ModificationStatus = { Pending: 1, Reviewed: 2, Scheduled: 3, Granted: 4, Rejected: 5 } as const
export type ModificationStatus = (typeof ModificationStatus)[keyof typeof ModificationStatus]

/** What a request has come to, by whom, and when. */
export interface ModificationUpdate {
  readonly status: ModificationStatus
  /** Account that brought it there; the submitter of a scheduled request when its date has come. */
  readonly account: number
  /** Counts the updates of a request from 0. */
  readonly sequence: number
  /** µs since the epoch. */
  readonly timestamp: number
}

export interface Modification {
  readonly id: number
  /** Account whose parameters are to change. */
  readonly account: number
  readonly submitter: number
  /** When it was submitted, µs since the epoch. */
  readonly timestamp: number
  /** From when on the parameters are to hold, µs since the epoch. */
  readonly effective: number
  readonly parameters: RiskParameters
  readonly comment: string
  /** In their order; the last one tells how the request stands. */
  readonly updates: readonly [ModificationUpdate, ...ModificationUpdate[]]
}

/** What an account is to another, the most it is. */
export const Standing = { Trader: 0, Manager: 1, Administrator: 2 } as const
export type Standing = (typeof Standing)[keyof typeof Standing]

/** What a request comes to in the hands of somebody who wants it. */
export function statusGivenBy(standing: Standing, effective: number, nowUs: number): ModificationStatus {
  switch (standing) {
    case Standing.Trader:
      return ModificationStatus.Pending
    case Standing.Manager:
      return ModificationStatus.Reviewed
    case Standing.Administrator:
      return effective > nowUs ? ModificationStatus.Scheduled : ModificationStatus.Granted
    default:
      return unreachable(standing)
  }
}

export function statusOf(modification: Modification): ModificationStatus {
  return modification.updates.at(-1)!.status
}

export function isClosed(status: ModificationStatus): boolean {
  return status === ModificationStatus.Granted || status === ModificationStatus.Rejected
}
