// What turns the report pump: main's share of the road between shards and clients, for as long as the server runs.

import { setImmediate as eventLoopTurn } from 'node:timers/promises'
import type { Doorbell } from '../shared-memory/doorbell.ts'
import type { Gate } from './gate.ts'
import type { ReportPump } from './report-pump.ts'
import type { Session } from './session.ts'
import type { ShardLink } from './shard-link.ts'
import type { StageParts } from './stage.ts'

/** Main looks around so often where nothing comes; what found no room in a command ring is tried again much sooner. */
const LOOK_MS = 1000
const STALLED_PARK_MS = 1

export interface PumpParts {
  readonly pump: ReportPump
  readonly gate: Gate
  readonly links: readonly ShardLink[]
  readonly doorbell: Doorbell
  /** Gets the sessions that leave too much unread. */
  readonly tooSlow: Set<Session>
}

/** Turns the pump until the process goes down; what waits for room in a command ring goes in as soon as there is some. */
export async function turnPump(
  { onTheWayDown }: Pick<StageParts, 'onTheWayDown'>,
  { pump, gate, links, doorbell, tooSlow }: PumpParts,
): Promise<void> {
  let isPumping = true
  // One timer for all the sleeps: a time-out of each, some thousand in a second, would outlive it by that second.
  const look = setInterval(() => doorbell.ring(), LOOK_MS)
  onTheWayDown('pump', () => {
    isPumping = false
    clearInterval(look)
    doorbell.ring()
  })
  while (isPumping) {
    const moved = pump.turn()
    for (const session of tooSlow) gate.closeSlow(session)
    tooSlow.clear()
    gate.resumeStalled()
    let isWaiting = gate.hasStalled
    for (const link of links) {
      if (!link.isWaiting) continue
      link.flush()
      isWaiting = true
    }
    if (moved) await eventLoopTurn()
    else await doorbell.parkAsync(isWaiting ? STALLED_PARK_MS : Number.POSITIVE_INFINITY, pump.hasWork)
  }
}
