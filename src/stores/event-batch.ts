// A run of consecutive entries of one journal, on its way into the stores. The bytes are copied out of the journal once
// and lie back to back, so that one batch may be written to several stores, whole or again after a failure.

import { assert } from '../base/assert.ts'

export class EventBatch {
  readonly rowsMax: number
  /** Name of the journal the entries come from. */
  journal = ''
  /** Sequence of the first entry; meaningless while the batch is empty. */
  firstSequence = 0
  count = 0
  /** The bodies, back to back. */
  bytes: Buffer
  /** Entry i lies in [starts[i], starts[i + 1]) of `bytes`. */
  readonly starts: Float64Array

  /** @param rowsMax most entries it takes. @param bytesInitial room for bodies; doubles where one does not fit. */
  constructor(rowsMax: number, bytesInitial = 1 << 20) {
    this.rowsMax = rowsMax
    this.bytes = Buffer.allocUnsafeSlow(bytesInitial)
    this.starts = new Float64Array(rowsMax + 1)
  }

  /** Empties the batch; what follows comes from `journal`. */
  begin(journal: string): void {
    this.journal = journal
    this.count = 0
  }

  get isFull(): boolean {
    return this.count === this.rowsMax
  }

  get sizeBytes(): number {
    return this.starts[this.count]!
  }

  /** Sequence of the last entry, or of the one before the first while the batch is empty. */
  get lastSequence(): number {
    return this.firstSequence + this.count - 1
  }

  add(sequence: number, from: Buffer, start: number, lengthBytes: number): void {
    assert(this.count < this.rowsMax, 'a full batch takes no more')
    if (this.count === 0) this.firstSequence = sequence
    assert(sequence === this.firstSequence + this.count, 'the entries of a batch are consecutive')
    const at = this.starts[this.count]!
    const end = at + lengthBytes
    if (end > this.bytes.length) {
      const grown = Buffer.allocUnsafeSlow(Math.max(2 * this.bytes.length, end))
      this.bytes.copy(grown, 0, 0, at)
      this.bytes = grown
    }
    from.copy(this.bytes, at, start, start + lengthBytes)
    this.count += 1
    this.starts[this.count] = end
  }
}
