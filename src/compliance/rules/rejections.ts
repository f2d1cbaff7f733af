// Rules that refuse whatever they are asked about: submissions, or cancels. Alone they close an account or a group;
// inside filters they close a market, or the hours of a day.

import type { Refusal } from '../../checks/check.ts'
import { Reason } from '../../domain/reasons.ts'
import { type OrderUnderRule, Rule } from '../rule.ts'

export class RejectSubmissions extends Rule {
  readonly #text: string

  /** `text` is what clients are told; empty for the usual words. */
  constructor(text: string) {
    super()
    this.#text = text
  }

  override permits(_order: OrderUnderRule, refusal: Refusal): boolean {
    return refuse(this.#text, Reason.SubmissionsNotAllowed, refusal)
  }
}

export class RejectCancels extends Rule {
  readonly #text: string

  /** As for submissions. */
  constructor(text: string) {
    super()
    this.#text = text
  }

  override permitsCancel(_order: OrderUnderRule, _nowUs: number, refusal: Refusal): boolean {
    return refuse(this.#text, Reason.CancelsNotAllowed, refusal)
  }
}

function refuse(text: string, reason: Reason, refusal: Refusal): false {
  return text === '' ? refusal.set(reason) : refusal.set(Reason.ComplianceRefused, text)
}
