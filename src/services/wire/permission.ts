// Who may ask for what. Three circles, the same for all services:
//
//   administrators  accounts directly in the directory `administrators`: everything
//   services        accounts directly in the directory `services`: read everything, check passwords and sessions
//   anybody else    itself, and what is marked for anyone
//
// The locator knows permissions over single entries beside them, the other services the managers of groups.

import { Reason } from '../../domain/reasons.ts'
import { ServiceError } from './service-error.ts'

/** Looks up the roles of accounts as they are now. */
export interface Roles {
  isAdministrator(account: number): boolean
  isService(account: number): boolean
}

export function requireAdministrator(roles: Roles, asking: number): void {
  if (!roles.isAdministrator(asking)) throw new ServiceError(Reason.NotPermitted)
}

export function requireService(roles: Roles, asking: number): void {
  if (!roles.isService(asking)) requireAdministrator(roles, asking)
}
