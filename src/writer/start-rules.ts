// What a data directory begins with: which installation it is, where its journals begin, and when the server rather does
// not start than trade with orders missing. Pure rules; who asks the stores is elsewhere.

import type { JournalRange } from '../journal/journal-range.ts'
import type { Installation, Spread } from '../stores/installation.ts'
import type { JournalPositions } from '../stores/order-store.ts'

/** The server does not start; the message tells the operator why, and what to do. */
export class StartRefused extends Error {
  override name = 'StartRefused'
}

/** A store that answered. */
export interface StoreAnswer {
  readonly number: number
  readonly name: string
  /** The installation whose orders it holds; undefined where nobody claimed it. */
  readonly owner: string | undefined
  readonly positions: JournalPositions
}

/** Where each of these journals begins or ends, with those that have not begun yet at the place where they will. */
export function plannedRanges(
  names: readonly string[],
  found: readonly JournalRange[],
  begins: Installation['begins'],
): JournalRange[] {
  return found.map((range, index) => {
    const first = begins[names[index]!]
    return range.first === undefined && first !== undefined ? { first, next: first } : range
  })
}

/** True where the journals hold every entry there ever was, so that a store can be built from them alone. */
export function reachBack(
  names: readonly string[],
  ranges: readonly JournalRange[],
  installation: Pick<Installation, 'journals'>,
): boolean {
  if (ranges.some(({ first }) => first !== undefined && first > 1)) return false
  const begun = new Set(names.filter((_, index) => ranges[index]!.first !== undefined))
  return installation.journals.every(name => begun.has(name))
}

/**
 * Holds where a directory without journals may begin them although stores hold something: what they hold ends where the
 * journals are to begin.
 * @throws StartRefused
 */
export function checkBeginning(
  directory: string,
  answers: readonly StoreAnswer[],
  installation: Pick<Installation, 'id' | 'begins'> | undefined,
): void {
  for (const { name, owner, positions } of answers) {
    if (owner !== undefined && owner !== installation?.id) {
      throw new StartRefused(
        `Store ${name} holds the orders of installation ${owner}, and ${directory} has no journals. To go on here from ` +
          'what the store holds, start with --adopt-store; the server that wrote it must never run again. Otherwise name ' +
          'another schema in data_store.',
      )
    }
    for (const [journal, sequence] of positions) {
      if (sequence >= (installation?.begins[journal] ?? 1)) {
        throw new StartRefused(
          `Store ${name} holds orders up to entry ${sequence} of journal ${journal}, but ${directory} has no journals. ` +
            'Restore them from a copy, or, where they are lost, start with --adopt-store to go on from what the store holds.',
        )
      }
    }
  }
}

/**
 * The store to go on from: the one that has all that any of the others has.
 * @param adopter the directory's own installation: a store it took over before it was interrupted belongs to the others.
 * @param journals look at these only; all where nothing is said.
 * @returns undefined where no store holds anything.
 * @throws StartRefused where they belong to several installations, or each lacks something that another has.
 */
export function mostAdvanced(
  answers: readonly StoreAnswer[],
  adopter: string | undefined,
  journals?: readonly string[],
): StoreAnswer | undefined {
  const holding = answers.filter(({ owner, positions }) => owner !== undefined || positions.size > 0)
  if (holding.length === 0) return undefined
  const [first, ...rest] = holding.filter(({ owner }) => owner === undefined || owner !== adopter)
  const other = rest.find(({ owner }) => owner !== first?.owner)
  if (first !== undefined && other !== undefined) {
    throw new StartRefused(
      `The stores hold orders of different installations: ${first.name} of ${first.owner ?? 'none'}, ${other.name} of ` +
        `${other.owner ?? 'none'}. Name only those in data_store that belong together.`,
    )
  }
  const all = journals ?? [...new Set(holding.flatMap(({ positions }) => [...positions.keys()]))]
  const has = (answer: StoreAnswer, journal: string) => answer.positions.get(journal) ?? 0
  const best = holding.find(each => holding.every(one => all.every(name => has(each, name) >= has(one, name))))
  if (best !== undefined) return best
  const told = holding.map(each => `${each.name} ${all.map(name => `${name} up to ${has(each, name)}`).join(', ')}`)
  throw new StartRefused(
    `Each of the stores lacks orders that another one has: ${told.join('; ')}. Leave one of them in data_store to go on ` +
      'from that, and rebuild the others from it afterwards.',
  )
}

/** Where the journals begin that go on from a store. */
export function beginsBehind(positions: JournalPositions): Record<string, number> {
  return Object.fromEntries([...positions].map(([journal, sequence]) => [journal, sequence + 1]))
}

/**
 * How accounts are spread from now on. Another set of journals that are appended to is another spread: what they all hold
 * by now has to be stored before anything that follows, or an account that has moved would be stored out of order.
 * @param known of the last start; undefined where nothing is known of it.
 * @param names of all journals there are, with their `ranges`; `appended` are those the shards go on with.
 */
export function spreadFrom(
  known: Spread | undefined,
  names: readonly string[],
  ranges: readonly JournalRange[],
  appended: readonly string[],
): Spread {
  const ends = Object.fromEntries(names.map((name, index) => [name, ranges[index]!.next]))
  const changes = (known?.changes ?? [])
    // A change that lies before everything the journals still hold is in every store that can be brought up to date.
    .filter(change =>
      names.some((name, index) => (ranges[index]!.first ?? Number.POSITIVE_INFINITY) < (change[name] ?? 1)),
    )
    // A journal may have lost its end since, in a power failure that its durability allows for.
    .map(change => Object.fromEntries(names.map(name => [name, Math.min(change[name] ?? 1, ends[name]!)])))
  const isSame =
    known !== undefined && JSON.stringify([...known.journals].sort()) === JSON.stringify([...appended].sort())
  const hasBegun = ranges.some(({ first, next }) => first !== undefined && first < next)
  return { journals: appended, changes: isSame || !hasBegun ? changes : [...changes, ends] }
}
