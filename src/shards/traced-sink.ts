// A way to the disk that tells the log, at level debug, of every event that has become durable.

import type { Log } from '../base/log.ts'
import { FRAME_HEADER_BYTES } from '../protocol/frames.ts'
import { traceOf } from '../protocol/order-trace.ts'
import type { BlockSink } from './duty-cycle.ts'
import { EventBlock } from './event-block.ts'

export class TracedSink implements BlockSink {
  readonly #sink: BlockSink
  readonly #log: Log
  // What is on its way: the block stays as it is until the sink is done with it.
  #block: Uint8Array | undefined
  #entries = 0

  constructor(sink: BlockSink, log: Log) {
    this.#sink = sink
    this.#log = log
  }

  append(block: Uint8Array, end: number, entries: number): void {
    this.#sink.append(block, end, entries)
    if (this.#log.isDebug) this.#tell(block, entries)
  }

  begin(block: Uint8Array, end: number, entries: number): boolean {
    const isBegun = this.#sink.begin(block, end, entries)
    this.#block = isBegun ? block : undefined
    this.#entries = entries
    return isBegun
  }

  get isDone(): boolean {
    return this.#sink.isDone
  }

  finish(): number {
    const durationUs = this.#sink.finish()
    if (this.#block !== undefined && this.#log.isDebug) this.#tell(this.#block, this.#entries)
    return durationUs
  }

  #tell(block: Uint8Array, entries: number): void {
    const view = new DataView(block.buffer, block.byteOffset, block.byteLength)
    let at: number = EventBlock.start
    for (let entry = 0; entry < entries; entry++) {
      const length = view.getUint32(at)
      this.#log.debug('an event is durable', traceOf(block, at + FRAME_HEADER_BYTES, length))
      at += FRAME_HEADER_BYTES + length
    }
  }
}
