// The kill switch as a client sees it: what is halted, by whom, and since when.

import { HaltScope } from '../protocol/kinds.ts'
import { Elements, malformed } from './elements.ts'

/** What to halt: one account or group by its id, one destination by its own, or everybody. */
export type HaltTarget = { account: number } | { group: number } | { destination: string } | 'everybody'

export interface Halt {
  target: HaltTarget
  /** Name of the account, group or destination; empty for everybody. */
  name: string
  /** Who threw it. */
  thrownBy: number
  thrownByName: string
  /** µs since the epoch, UTC. */
  thrownAt: number
  /** Why, in the words of who threw it. */
  text: string
}

/** Scope and target as the wire has them. */
export function haltElements(target: HaltTarget): [scope: HaltScope, target: number | string | null] {
  if (target === 'everybody') return [HaltScope.Everybody, null]
  if ('account' in target) return [HaltScope.Account, target.account]
  if ('group' in target) return [HaltScope.Group, target.group]
  return [HaltScope.Destination, target.destination]
}

/** Reads the answer to a request for the halts in force. @throws OesError MALFORMED_ANSWER */
export function readHalts(message: Elements): Halt[] {
  return message.list(3).map(value => {
    const halt = Elements.of(value)
    return {
      target: readTarget(halt),
      name: halt.text(2),
      thrownBy: halt.integer(3),
      thrownByName: halt.text(4),
      thrownAt: halt.integer(5),
      text: halt.text(6),
    }
  })
}

function readTarget(halt: Elements): HaltTarget {
  const scope = halt.integer(0)
  switch (scope) {
    case HaltScope.Account:
      return { account: halt.integer(1) }
    case HaltScope.Group:
      return { group: halt.integer(1) }
    case HaltScope.Destination:
      return { destination: halt.text(1) }
    case HaltScope.Everybody:
      return 'everybody'
    default:
      throw malformed(`halts of scope ${scope}`)
  }
}
