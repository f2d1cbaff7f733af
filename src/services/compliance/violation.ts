// What is recorded where an order or a cancel breaks a rule: by a rule that is active it was refused, by one that is
// passive it went on.

export interface Violation {
  /** Account that submitted the order or asked for the cancel; a manager's, where it did so for another. */
  readonly account: number
  readonly orderId: number
  /** Id of the entry whose rule was broken. */
  readonly ruleId: number
  /** Name of its outermost rule. */
  readonly ruleName: string
  /** Number of the reason, and its text for people. */
  readonly reason: number
  readonly text: string
}

export interface RecordedViolation extends Violation {
  /** Ascending, with gaps. */
  readonly number: number
  /** When the compliance service learned of it, µs since the epoch. */
  readonly timestamp: number
}
