// The rule entries of all accounts and directories, or of some. Both sides keep a book: the compliance service the truth
// beside its database, a client its mirror.

import { type RuleEntry, RuleState } from '../../compliance/schema.ts'

/** An entry as it was stored. */
export interface StoredRule extends RuleEntry {
  /** When the entry was stored, µs since the epoch, later than the time before; storing it unchanged counts too. */
  readonly revision: number
  /** Whether the rule has shut itself since it was stored. */
  readonly tripped: boolean
}

export interface RuleListener {
  /** An entry was stored, or is gone: then its state is Deleted. Before that it was `previous`, if it was there. */
  ruleChanged(rule: StoredRule, previous: StoredRule | undefined): void
}

const NO_RULES: ReadonlyMap<number, StoredRule> = new Map()

export class RuleBook {
  readonly #rules = new Map<number, StoredRule>()
  readonly #byNode = new Map<number, Map<number, StoredRule>>()
  readonly #listeners = new Set<RuleListener>()

  listen(listener: RuleListener): void {
    this.#listeners.add(listener)
  }

  rule(id: number): StoredRule | undefined {
    return this.#rules.get(id)
  }

  /** All entries by ascending id. */
  rules(): StoredRule[] {
    return ascending(this.#rules)
  }

  /** Entries of one account or directory by ascending id. */
  rulesOf(node: number): StoredRule[] {
    return ascending(this.#byNode.get(node) ?? NO_RULES)
  }

  /** Takes an entry over that was stored or deleted just now; what is known already, or is older, is not told. */
  store(rule: StoredRule): void {
    const previous = this.#rules.get(rule.id)
    const gone = rule.state === RuleState.Deleted
    if (previous === undefined ? !gone : gone || rule.revision > previous.revision) this.#replace(rule, previous)
  }

  /** Becomes equal to `fresh`, so that listeners hear of the differences and of nothing else; deleted entries first. */
  becomeEqualTo(fresh: RuleBook): void {
    this.#become(this.rules(), fresh.rules())
  }

  /** The same for the entries of one account or directory. */
  becomeEqualAt(node: number, fresh: RuleBook): void {
    this.#become(this.rulesOf(node), fresh.rulesOf(node))
  }

  #become(rules: readonly StoredRule[], fresh: readonly StoredRule[]): void {
    const ids = new Set(fresh.map(rule => rule.id))
    for (const rule of rules) if (!ids.has(rule.id)) this.#replace({ ...rule, state: RuleState.Deleted }, rule)
    for (const rule of fresh) {
      const previous = this.#rules.get(rule.id)
      // Older is a difference too: the service may have been put back to a copy of its data.
      if (previous?.revision !== rule.revision) this.#replace(rule, previous)
    }
  }

  #replace(rule: StoredRule, previous: StoredRule | undefined): void {
    if (previous !== undefined) this.#remove(previous)
    if (rule.state !== RuleState.Deleted) this.#add(rule)
    for (const listener of this.#listeners) listener.ruleChanged(rule, previous)
  }

  #add(rule: StoredRule): void {
    this.#rules.set(rule.id, rule)
    const others = this.#byNode.get(rule.node)
    if (others === undefined) this.#byNode.set(rule.node, new Map([[rule.id, rule]]))
    else others.set(rule.id, rule)
  }

  #remove(rule: StoredRule): void {
    this.#rules.delete(rule.id)
    const others = this.#byNode.get(rule.node)
    others?.delete(rule.id)
    if (others?.size === 0) this.#byNode.delete(rule.node)
  }
}

function ascending(rules: ReadonlyMap<number, StoredRule>): StoredRule[] {
  return [...rules.values()].sort((a, b) => a.id - b.id)
}
