// How far each account is in each source, and so which part of its numbering which sources can be compared in. Sources
// are never at the same place while a server runs: one store lags behind another, the journals hold the latest only. The
// places at which sources begin and end cut the numbering of an account into parts; within a part a source has all rows
// or none, whatever happens meanwhile.
//
//   reports   1 ……………… 400 ……… 700 ……… 720
//   store A   ███████████████████████       part 0, 1
//   store B   ███████████████████████████   part 0, 1, 2
//   journals                 ████████████   part 1, 2

/** Sequences of an account up to and including which a source has everything. */
export interface AccountEnd {
  readonly orderSequence: number
  readonly reportSequence: number
}

const NOTHING: AccountEnd = { orderSequence: 0, reportSequence: 0 }

export class AccountParts {
  /** By account: the end in each store. */
  readonly #ends = new Map<number, AccountEnd[]>()
  /** By account: what lies before the journals. */
  readonly #beforeJournals = new Map<number, AccountEnd>()
  /** By account: where its parts end, ascending. */
  readonly #cuts = new Map<number, AccountEnd[]>()
  readonly #stores: number

  constructor(stores: number) {
    this.#stores = stores
  }

  setEnd(account: number, store: number, end: AccountEnd): void {
    let ends = this.#ends.get(account)
    if (ends === undefined) {
      ends = new Array<AccountEnd>(this.#stores).fill(NOTHING)
      this.#ends.set(account, ends)
    }
    ends[store] = end
    this.#cuts.delete(account)
  }

  /** The journals hold everything of the account behind this place. */
  setJournals(account: number, before: AccountEnd): void {
    this.#beforeJournals.set(account, before)
    this.#cuts.delete(account)
  }

  get accounts(): Iterable<number> {
    return this.#ends.keys()
  }

  /** The part that an order or report sequence of the account lies in. */
  partOf(account: number, table: 'submissions' | 'execution_reports', sequence: number): number {
    const cuts = this.#cutsOf(account)
    let part = 0
    if (table === 'submissions') while (part < cuts.length && sequence > cuts[part]!.orderSequence) part += 1
    else while (part < cuts.length && sequence > cuts[part]!.reportSequence) part += 1
    return part
  }

  /** What a part lies between: behind `from`, up to `to`; there is no `to` behind the end of every store. */
  rangeOf(account: number, part: number): { from: AccountEnd; to: AccountEnd | undefined } {
    const cuts = this.#cutsOf(account)
    return { from: cuts[part - 1] ?? NOTHING, to: cuts[part] }
  }

  /** Whether the store has all of the part. */
  storeHas(account: number, part: number, store: number): boolean {
    const { to } = this.rangeOf(account, part)
    return to !== undefined && (this.#ends.get(account)?.[store] ?? NOTHING).reportSequence >= to.reportSequence
  }

  /** Whether the journals have all of the part. */
  journalsHave(account: number, part: number): boolean {
    const before = this.#beforeJournals.get(account)
    const { from, to } = this.rangeOf(account, part)
    return before !== undefined && to !== undefined && from.reportSequence >= before.reportSequence
  }

  #cutsOf(account: number): readonly AccountEnd[] {
    let cuts = this.#cuts.get(account)
    if (cuts === undefined) {
      cuts = []
      const before = this.#beforeJournals.get(account)
      const all = [...(this.#ends.get(account) ?? []), ...(before === undefined ? [] : [before])]
      all.sort((a, b) => a.reportSequence - b.reportSequence)
      for (const end of all) {
        if (end.reportSequence === 0 || end.reportSequence === cuts.at(-1)?.reportSequence) continue
        // In every source the same order precedes the same report; one that says otherwise is found by its rows.
        cuts.push({ ...end, orderSequence: Math.max(end.orderSequence, cuts.at(-1)?.orderSequence ?? 0) })
      }
      this.#cuts.set(account, cuts)
    }
    return cuts
  }
}
