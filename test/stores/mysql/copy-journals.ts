// Brings a MySQL store to the end of some journals with the writer's own stream, in small batches. Run as a process of
// its own (`node copy-journals.ts JSON`), it can be killed anywhere.

import { journalRange } from '../../../src/journal/journal-range.ts'
import { LANE_BYTES } from '../../../src/metrics/catalogue.ts'
import { Lane } from '../../../src/shared-memory/lanes.ts'
import { createWriterShared, StoreState, WriterShared } from '../../../src/shared-memory/writer-shared.ts'
import { MysqlStore } from '../../../src/stores/mysql/mysql-store.ts'
import type { MysqlEndpoint } from '../../../src/stores/store-endpoint.ts'
import { PieceTurns } from '../../../src/writer/piece-turns.ts'
import { StoreMeter } from '../../../src/writer/store-meter.ts'
import type { JournalSource } from '../../../src/writer/store-session.ts'
import { StoreStream, type StoreStreamOptions } from '../../../src/writer/store-stream.ts'
import { UNPACED } from '../../writer/unpaced.ts'
import { definitions } from '../generated-history.ts'

export interface CopyPlan {
  readonly endpoint: MysqlEndpoint
  readonly journals: readonly JournalSource[]
  readonly batchRowsMax: number
}

/** Every other round goes into the store piece by piece. */
function byTurns(): StoreStreamOptions['pacing'] {
  let isPieceByPiece = true
  return {
    ...UNPACED,
    begin: () => {
      isPieceByPiece = !isPieceByPiece
      return Number.POSITIVE_INFINITY
    },
    get isPieceByPiece() {
      return isPieceByPiece
    },
  }
}

/** Returns once the store has everything and has said so. */
export async function copyJournals({ endpoint, journals, batchRowsMax }: CopyPlan): Promise<void> {
  const shared = new WriterShared(createWriterShared(journals.length))
  const lane = new Lane(new SharedArrayBuffer(LANE_BYTES), 0, LANE_BYTES)
  const refused: unknown[] = []
  const stream = new StoreStream({
    number: 0,
    name: endpoint.name,
    open: () => MysqlStore.open(endpoint, { definitions }),
    installation: 'ours',
    journals,
    ranges: journals.map(({ directory }) => journalRange(directory)),
    shared,
    batchRowsMax,
    batchBytesMax: 1 << 20,
    batchAgeMs: 1,
    confirmBytes: 1 << 20,
    confirmMs: 10,
    copiesAlways: true,
    pauses: { firstMs: 1, longestMs: 5 },
    lookAgainMs: 1,
    standStillMs: 5,
    pacing: byTurns(),
    pieceTurns: new PieceTurns(),
    meter: new StoreMeter(lane, shared, 0),
    log: {
      info: () => undefined,
      warning: () => undefined,
      error: (message, fields) => refused.push(message, fields),
    },
    onChange: () => {
      const state = shared.state(0)
      if (state === StoreState.Following || state === StoreState.Refused || state === StoreState.NeedsRebuild)
        stream.stop()
    },
    onCaughtUp: () => undefined,
  })
  await stream.run()
  if (shared.state(0) !== StoreState.Following) throw new Error(`the store was refused: ${JSON.stringify(refused)}`)
}

if (process.argv[1] === import.meta.filename) await copyJournals(JSON.parse(process.argv[2]!) as CopyPlan)
