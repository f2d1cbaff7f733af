// Ordinals as a damaged table may hold them: any number at all.

import { isTerminal, OrderStatus } from '../domain/order-status.ts'

/** True for the ordinal of a status after which nothing can follow. */
export function isTerminalOrdinal(ordinal: number | null): boolean {
  return ordinal !== null && ordinal <= OrderStatus.ReplaceReject && isTerminal(ordinal as OrderStatus)
}
