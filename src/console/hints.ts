// What the loads of main and the shards say about their number: whether one shard is hot, whether there are too many or
// too few for the machine, whether main is what everybody waits for. Sentences for an operator, with what to do.

import type { Hint } from './messages.ts'

export interface Loads {
  /** Of main and of each shard: part of a processor, 0 … 1, over some seconds; null where it is not known. */
  readonly main: number | null
  readonly shards: readonly (number | null)[]
  /** How full the command ring of each shard is, 0 … 1. */
  readonly commandRings: readonly number[]
  /** Processors of the machine; null where it is another machine. */
  readonly cores: number | null
}

/** From here on a thread has nothing left to give. */
const BUSY = 0.85
/** A shard is hot where it is busy, and this many times as busy as the others. */
const HOT_TIMES = 1.5
const RING_FULL = 0.5
/** Below this nothing needs to be said of how work is spread. */
const AT_REST = 0.3

export function hintsOf({ main, shards, commandRings, cores }: Loads): Hint[] {
  const hints: Hint[] = []
  const loads = shards.map(load => load ?? 0)
  const busiest = loads.indexOf(Math.max(...loads))
  const sum = loads.reduce((all, load) => all + load, 0)
  const busyShards = loads.filter(load => load >= BUSY).length
  if (loads.length > 1) {
    const others = (sum - loads[busiest]!) / (loads.length - 1)
    if (loads[busiest]! >= BUSY && loads[busiest]! > HOT_TIMES * others) {
      hints.push({
        level: 'warning',
        text:
          `Shard ${busiest} is hot: ${percent(loads[busiest]!)} busy, the others ${percent(others)}. One account, or a ` +
          'few that share this shard, sends most of the orders; more shards help only if there are several.',
      })
    }
  }
  for (const [shard, fill] of commandRings.entries()) {
    if (fill < RING_FULL) continue
    hints.push({
      level: 'warning',
      text: `Commands wait for shard ${shard}: its ring is ${percent(fill)} full, and clients will be held back.`,
    })
  }
  if (main !== null && main >= BUSY && busyShards < loads.length && sum < BUSY * loads.length) {
    hints.push({
      level: 'warning',
      text: `Main is ${percent(main)} busy and the shards are not: more shards would bring nothing.`,
    })
  }
  if (cores === null) return hints
  if (busyShards === loads.length && loads.length + 1 < cores) {
    hints.push({
      level: 'warning',
      text:
        `${loads.length === 1 ? 'The shard is' : `All ${loads.length} shards are`} busy and the machine has ${cores} ` +
        `cores: engine.shards may be raised to ${cores - 1}.`,
    })
  }
  if (loads.length > Math.max(1, cores - 1)) {
    hints.push({
      level: sum + (main ?? 0) > AT_REST * cores ? 'warning' : 'note',
      text:
        `${loads.length} shards and main share ${cores} cores, so threads take turns: engine.shards: ` +
        `${Math.max(1, cores - 1)} gives each one of its own; oes tune finds the best number.`,
    })
  }
  return hints
}

function percent(share: number): string {
  return `${Math.round(100 * share)} %`
}
