// Pegged orders: which price they follow and at what distance, as read from the additional fields of an order.

import type { Price } from '../domain/money.ts'
import { findTag, type Tag, TagKey, TagType } from '../domain/tags.ts'

/** What a pegged order follows: its own side's quote, the opposite quote, or their mean. */
export const PegKind = { Primary: 0, Market: 1, Midpoint: 2 } as const
export type PegKind = (typeof PegKind)[keyof typeof PegKind]

const kindOfToken: ReadonlyMap<string, PegKind> = new Map([
  ['R', PegKind.Primary],
  ['P', PegKind.Market],
  ['M', PegKind.Midpoint],
])

export interface Peg {
  pegKind: PegKind
  /** Distance from the reference price, positive towards the passive side. */
  pegDifference: Price
}

/** Writes into `peg` what the tags of an order say; without them a primary peg at its reference. */
export function pegOf(tags: readonly Tag[], peg: Peg): void {
  const kind = findTag(tags, TagKey.ExecInst)
  const difference = findTag(tags, TagKey.PegDifference)
  peg.pegKind = kind?.type === TagType.Text ? firstKind(kind.value) : PegKind.Primary
  peg.pegDifference = difference?.type === TagType.Money ? difference.value : 0
}

/** The kind named by the first of the tokens that names one. */
function firstKind(tokens: string): PegKind {
  for (const token of tokens.split(/\s+/)) {
    const kind = kindOfToken.get(token)
    if (kind !== undefined) return kind
  }
  return PegKind.Primary
}
