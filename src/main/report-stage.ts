// What turns the report pump: main's share of the road between shards and clients, for as long as the server runs.

import { setImmediate as eventLoopTurn } from 'node:timers/promises'
import type { Doorbell } from '../shared-memory/doorbell.ts'
import type { Gate } from './gate.ts'
import type { ReportPump } from './report-pump.ts'
import type { Session } from './session.ts'
import type { StageParts } from './stage.ts'

/** How long main sleeps where nothing comes; a client whose request found no room is looked at again much sooner. */
const PARK_MS = 1000
const STALLED_PARK_MS = 1

/** Turns the pump until the process goes down. `tooSlow` gets the sessions that leave too much unread. */
export async function turnPump(
  { onTheWayDown }: Pick<StageParts, 'onTheWayDown'>,
  { pump, gate, doorbell, tooSlow }: { pump: ReportPump; gate: Gate; doorbell: Doorbell; tooSlow: Set<Session> },
): Promise<void> {
  let isPumping = true
  onTheWayDown('pump', () => {
    isPumping = false
    doorbell.ring()
  })
  while (isPumping) {
    const moved = pump.turn()
    for (const session of tooSlow) gate.closeSlow(session)
    tooSlow.clear()
    gate.resumeStalled()
    if (moved) await eventLoopTurn()
    else await doorbell.parkAsync(gate.hasStalled ? STALLED_PARK_MS : PARK_MS, pump.hasWork)
  }
}
