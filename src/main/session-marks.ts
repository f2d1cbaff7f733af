// The numbers by which shards know sessions. A number holds for one run of the server; what lasts is the account and the key,
// which every order of the session carries (`protocol/session-tag.ts`).

import { MARK_HEADER_BYTES } from '../shared-memory/records.ts'
import type { SessionName } from './safety-store.ts'

export interface SessionMark extends SessionName {
  readonly number: number
  /** What stands in front of each of its orders on the way to a shard. */
  readonly bytes: Uint8Array
}

export class SessionMarks {
  readonly #marks = new Map<string, SessionMark>()
  #next = 1

  of(account: number, key: string): SessionMark {
    const name = sessionText({ account, key })
    let mark = this.#marks.get(name)
    if (mark === undefined) {
      const keyBytes = Buffer.from(key, 'utf8')
      const bytes = new Uint8Array(MARK_HEADER_BYTES + keyBytes.length)
      const number = this.#next++
      new DataView(bytes.buffer).setUint32(0, number, true)
      bytes[MARK_HEADER_BYTES - 1] = keyBytes.length
      bytes.set(keyBytes, MARK_HEADER_BYTES)
      mark = { account, key, number, bytes }
      this.#marks.set(name, mark)
    }
    return mark
  }

  forget(name: SessionName): void {
    this.#marks.delete(sessionText(name))
  }
}

/** One text for each session, so that they can be told apart. */
export function sessionText({ account, key }: SessionName): string {
  return `${account} ${key}`
}
