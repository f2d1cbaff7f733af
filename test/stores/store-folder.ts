// An embedded store and its journals in a folder of one test, and the plain lists they are compared with.

import path from 'node:path'
import type { TestContext } from 'node:test'
import { FrameSplitter } from '../../src/protocol/frames.ts'
import { unpack, type Value } from '../../src/protocol/msgpack.ts'
import { EmbeddedStore } from '../../src/stores/embedded-store.ts'
import { EventBatch } from '../../src/stores/event-batch.ts'
import type { Continuation, Page } from '../../src/stores/queries.ts'
import { definitions, type Entry, temporaryFolder } from './generated-history.ts'

export interface StoreFolder {
  readonly storeFile: string
  /** Folder of the journal with this name. */
  journal(name: string): string
}

export function storeFolder(t: TestContext): StoreFolder {
  const folder = temporaryFolder(t)
  return { storeFile: path.join(folder, 'store', 'oes.db'), journal: name => path.join(folder, name) }
}

export function openStore(folder: StoreFolder): EmbeddedStore {
  return EmbeddedStore.open({ file: folder.storeFile, definitions })
}

/** Entries [from, to) of a journal whose entries are `entries`, as a batch. */
export function batchOf(journal: string, entries: readonly Entry[], from: number, to: number): EventBatch {
  const batch = new EventBatch(Math.max(to - from, 1), 16)
  batch.begin(journal)
  for (let i = from; i < to; i++) batch.add(i + 1, entries[i]!.body, 0, entries[i]!.body.length)
  return batch
}

/** The bodies of frames that lie back to back. */
export function bodiesOf(frames: Uint8Array): Buffer[] {
  const splitter = new FrameSplitter(1 << 24)
  splitter.push(frames)
  const bodies: Buffer[] = []
  while (splitter.next()) bodies.push(Buffer.from(splitter.bytes.subarray(splitter.start, splitter.end)))
  return bodies
}

export function messagesOf(frames: Uint8Array): (Value | undefined)[] {
  return bodiesOf(frames).map(body => unpack(body))
}

/** All pages of one query as one. */
export async function allPages(next: (continuation: Continuation | undefined) => Promise<Page>): Promise<Page> {
  const frames: Uint8Array[] = []
  let count = 0
  let page: Page
  let continuation: Continuation | undefined
  do {
    page = await next(continuation)
    frames.push(page.frames)
    count += page.count
    continuation = page.continuation
  } while (continuation !== undefined)
  return { ...page, frames: Buffer.concat(frames), count }
}
