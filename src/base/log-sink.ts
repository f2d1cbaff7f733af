// Where a thread writes its lines: standard error, or the log's file, which each thread has open for itself. Lines are
// appended whole with one system call, so that those of several threads do not mix. Nothing that happens here ever fails
// a thread or holds it for long: what a full pipe or a full disk does not take is counted, and told with the next line
// that gets through.

import fs from 'node:fs'
import type { LogSwitches } from './log-levels.ts'

/** How long one line may wait for a full pipe, and how long it sleeps between two attempts. */
const WAIT_MS_MAX = 100
const PAUSE_MS = 1
const pause = new Int32Array(new SharedArrayBuffer(4))

const STANDARD_ERROR = 2
const CLOSED = -1
/** For its owner and those in its group: a log tells who trades what. */
export const LOG_FILE_MODE = 0o640

export class LogSink {
  readonly #file: string | undefined
  readonly #switches: LogSwitches
  #fd: number
  #generation = CLOSED
  /** The file ends in the middle of a line, since the disk was full: the next one begins on its own. */
  #isTorn = false

  /** @param file undefined for `fd`. */
  constructor(file: string | undefined, switches: LogSwitches, fd: number = STANDARD_ERROR) {
    this.#file = file
    this.#switches = switches
    this.#fd = file === undefined ? fd : CLOSED
  }

  /** Writes a line; false where that was not possible in time. */
  write(line: string): boolean {
    if (this.#file !== undefined && !this.#follow(this.#file)) return false
    return this.#writeWhole(Buffer.from(this.#isTorn ? `\n${line}` : line))
  }

  /** Opens the file, anew where it has been replaced. */
  #follow(file: string): boolean {
    const { generation } = this.#switches
    if (this.#fd !== CLOSED && generation === this.#generation) return true
    try {
      const fd = fs.openSync(file, 'a', LOG_FILE_MODE)
      if (this.#fd !== CLOSED) fs.closeSync(this.#fd)
      this.#fd = fd
      this.#isTorn = false
    } catch {
      // It may be possible again with the next line; until then the old file is better than none.
      if (this.#fd === CLOSED) return false
    }
    this.#generation = generation
    return true
  }

  #writeWhole(bytes: Uint8Array): boolean {
    let written = 0
    for (let waitedMs = 0; ; ) {
      try {
        written += fs.writeSync(this.#fd, bytes, written)
        if (written === bytes.length) {
          this.#isTorn = false
          return true
        }
      } catch (error) {
        // Standard output and error may be pipes that do not block: then a full one says "again".
        if (!(error instanceof Error && 'code' in error && error.code === 'EAGAIN') || waitedMs >= WAIT_MS_MAX) {
          this.#isTorn ||= written > 0
          return false
        }
        Atomics.wait(pause, 0, 0, PAUSE_MS)
        waitedMs += PAUSE_MS
      }
    }
  }
}
