// The entry of the thread that commits for one shard: it writes the block that lies in the slot, tells the shard, and
// waits for the next. It knows nothing of journals: which file, and where in it, the shard says.

import { writeAt } from '../journal/segment.ts'
import { CommitSlot } from '../shared-memory/commit-slot.ts'
import { Doorbell } from '../shared-memory/doorbell.ts'

/** Plain data, as it crosses from main into the thread. */
export interface CommitThreadOptions {
  readonly slot: SharedArrayBuffer
  /** The shard's doorbell. */
  readonly doorbells: SharedArrayBuffer
  readonly shardDoorbell: number
}

export default function runCommits(options: CommitThreadOptions): void {
  const slot = new CommitSlot(options.slot)
  const shard = new Doorbell(options.doorbells, options.shardDoorbell)
  const isRequested = () => slot.isRequested
  for (;;) {
    while (!slot.isRequested) slot.doorbell.park(Number.POSITIVE_INFINITY, isRequested)
    const { block } = slot
    if (block.length === 0) return
    slot.settle(...commit(slot, block))
    shard.ring()
  }
}

/** The error's number, or 0, and the time it took in µs. */
function commit(slot: CommitSlot, block: Uint8Array): [errno: number, durationUs: number] {
  const beganMs = performance.now()
  let errno = 0
  try {
    writeAt(slot.fd, block, block.length, slot.offset)
  } catch (error) {
    if (!(error instanceof Error) || !('errno' in error) || typeof error.errno !== 'number') throw error
    errno = error.errno
  }
  return [errno, 1000 * (performance.now() - beganMs)]
}
