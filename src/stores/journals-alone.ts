// In place of a store where none answers: a store without rows, which lacks everything the journals hold. What is asked of
// it is answered from the journals alone, as long as they reach back to their first entries.

import { embeddedDialect } from './embedded-view.ts'
import { type HeldView, inViewOf, type ReadableStore, type StoreView } from './readable-store.ts'

const emptyView: HeldView = {
  dialect: embeddedDialect,
  rows: async () => [],
  rowsInRanges: async () => [],
  close: async () => undefined,
}

export class JournalsAlone implements ReadableStore {
  readonly name = 'the journals alone'

  async view(): Promise<HeldView> {
    return emptyView
  }

  inView<Result>(work: (view: StoreView) => Promise<Result>): Promise<Result> {
    return inViewOf(this, work)
  }

  async close(): Promise<void> {
    // Nothing is open.
  }
}
