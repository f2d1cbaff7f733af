// Main's end of one shard: fills its command ring and wakes it once for all that was put in.

import type { Doorbell } from '../shared-memory/doorbell.ts'
import { COMMAND_HEADER_BYTES, Command, CommandAt, CommandFlag } from '../shared-memory/records.ts'
import { copyBytes, type RingProducer } from '../shared-memory/ring.ts'

/** Some seconds of a busy market. */
const WAITING_MAX = 65_536

export class ShardLink {
  readonly commands: RingProducer
  readonly #doorbell: Doorbell
  #dirty = false
  /** Commands of main's own that found the ring full; they go first as soon as there is room, in their order. */
  readonly #waiting: { type: Command; row: number; timeUs: number; number: number; body: Uint8Array }[] = []

  constructor(commands: RingProducer, doorbell: Doorbell) {
    this.commands = commands
    this.#doorbell = doorbell
  }

  /** A client's request, with the mark of its session in front, if it has one; false where the ring is full. */
  request(
    session: number,
    accountRow: number,
    sessionAccount: number,
    administrator: boolean,
    timeUs: number,
    orderId: number,
    mark: Uint8Array | undefined,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): boolean {
    const flags = (administrator ? CommandFlag.Administrator : 0) | (mark === undefined ? 0 : CommandFlag.Marked)
    const markBytes = mark === undefined ? 0 : mark.length
    const at = this.#claim(Command.Request | flags, markBytes + end - start)
    if (at < 0) return false
    const { view } = this.commands
    view.setUint32(at + CommandAt.session, session, true)
    view.setUint32(at + CommandAt.accountRow, accountRow, true)
    view.setUint32(at + CommandAt.sessionAccount, sessionAccount, true)
    view.setFloat64(at + CommandAt.time, timeUs, true)
    view.setFloat64(at + CommandAt.orderId, orderId, true)
    const body = at + COMMAND_HEADER_BYTES
    if (mark !== undefined) copyBytes(mark, 0, markBytes, this.commands.bytes, body)
    copyBytes(bytes, start, end, this.commands.bytes, body + markBytes)
    return true
  }

  /**
   * A command of main's own: a type, a row, a time, a number and a body. It is kept for the next `flush` where the ring
   * is full; false where too many are kept already, and it is lost.
   */
  post(type: Command, row: number, timeUs: number, number: number, body: Uint8Array): boolean {
    if (this.#waiting.length >= WAITING_MAX) return false
    this.insist(type, row, timeUs, number, body)
    return true
  }

  /** As `post`, however many are kept: a command that must not be lost, and comes in its turn. */
  insist(type: Command, row: number, timeUs: number, number: number, body: Uint8Array): void {
    if (this.#waiting.length === 0 && this.#command(type, row, timeUs, number, body)) return
    this.#waiting.push({ type, row, timeUs, number, body: kept(body) })
  }

  /** As `post`, before everything that waits: a command that must not be lost, nor wait for others of main's own. */
  urge(type: Command, row: number, timeUs: number, number: number, body: Uint8Array): void {
    if (this.#command(type, row, timeUs, number, body)) return
    this.#waiting.unshift({ type, row, timeUs, number, body: kept(body) })
  }

  #command(type: Command, row: number, timeUs: number, number: number, body: Uint8Array): boolean {
    const at = this.#claim(type, body.length)
    if (at < 0) return false
    const { view } = this.commands
    view.setUint32(at + CommandAt.session, 0, true)
    view.setUint32(at + CommandAt.accountRow, row, true)
    view.setUint32(at + CommandAt.sessionAccount, 0, true)
    view.setFloat64(at + CommandAt.time, timeUs, true)
    view.setFloat64(at + CommandAt.orderId, number, true)
    copyBytes(body, 0, body.length, this.commands.bytes, at + COMMAND_HEADER_BYTES)
    return true
  }

  /** Commands that wait for room in the ring. */
  get waiting(): number {
    return this.#waiting.length
  }

  /** True where commands wait for room in the ring. */
  get isWaiting(): boolean {
    return this.#waiting.length > 0
  }

  /** Shows the shard what was put in since the last call, and wakes it if it sleeps. */
  flush(): void {
    if (this.#waiting.length > 0) this.#retry()
    if (!this.#dirty) return
    this.#dirty = false
    this.commands.publish()
    this.#doorbell.ring()
  }

  #retry(): void {
    let sent = 0
    for (const { type, row, timeUs, number, body } of this.#waiting) {
      if (!this.#command(type, row, timeUs, number, body)) break
      sent += 1
    }
    this.#waiting.splice(0, sent)
  }

  #claim(typeWord: number, bodyBytes: number): number {
    const at = this.commands.claim(COMMAND_HEADER_BYTES + bodyBytes)
    if (at < 0) return at
    this.commands.view.setUint32(at + CommandAt.type, typeWord, true)
    this.#dirty = true
    return at
  }
}

/** A copy, whatever the bytes are: callers use theirs again, and the slice of a Buffer is no copy. */
function kept(body: Uint8Array): Uint8Array {
  return new Uint8Array(body)
}
