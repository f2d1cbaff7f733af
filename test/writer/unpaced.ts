// A stream that makes way for nobody.

import type { StoreStreamOptions } from '../../src/writer/store-stream.ts'

export const UNPACED: StoreStreamOptions['pacing'] = {
  begin: () => Number.POSITIVE_INFINITY,
  isPieceByPiece: false,
  pieceRestMs: 0,
  pieceBegins: () => undefined,
  pieceEnds: () => undefined,
  restMs: () => 0,
}
