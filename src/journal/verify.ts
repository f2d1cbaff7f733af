// Reads a whole journal and tells what is in it: for people and tools, beside a running server or without one.

import { JournalDamaged } from './journal-errors.ts'
import { listSegments } from './segment.ts'
import { Rest, SegmentScan, type TornTail } from './segment-scan.ts'

export interface BlockInfo {
  readonly file: string
  readonly offset: number
  readonly bytes: number
  readonly firstSequence: number
  readonly entryCount: number
}

export interface SegmentInfo {
  readonly file: string
  readonly firstSequence: number
  /** The sequence behind the segment's last valid block. */
  readonly nextSequence: number
  readonly blockCount: number
  /** Bytes up to the end of the last valid block, and size of the file with the room that is left. */
  readonly usedBytes: number
  readonly fileBytes: number
}

export interface JournalInfo {
  readonly segments: readonly SegmentInfo[]
  /** The first place that no interrupted commit explains; segments behind it were not read. */
  readonly damage: JournalDamaged | undefined
  /** An unfinished commit at the very end, which the next start of the server clears; a running one may be in it. */
  readonly tornTail: TornTail | undefined
}

/** Walks every block of the journal in `directory`, oldest first. */
export function verifyJournal(directory: string, onBlock: (block: BlockInfo) => void = () => {}): JournalInfo {
  const segments: SegmentInfo[] = []
  const files = listSegments(directory)
  let before: SegmentEnd | undefined
  try {
    for (const file of files) {
      const scan = SegmentScan.open(file)
      if (scan === undefined) {
        // Confirmed and deleted since it was listed, and so were all before it.
        before = undefined
        continue
      }
      try {
        checkLink(before, scan)
        const blockCount = walkBlocks(scan, onBlock)
        const { firstSequence, nextSequence, offset, lastCrc, fileBytes } = scan
        segments.push({ file: file.file, firstSequence, nextSequence, blockCount, usedBytes: offset, fileBytes })
        before = { file: file.file, offset, nextSequence, lastCrc }
        if (file !== files.at(-1)) continue
        const rest = scan.rest()
        // Whatever a running server appended meanwhile continues the chain and is no damage.
        if (rest === Rest.Damaged && !scan.advance()) throw scan.damage('no valid block, though valid ones follow')
        return { segments, damage: undefined, tornTail: rest === Rest.Torn ? scan.tail : undefined }
      } finally {
        scan.close()
      }
    }
  } catch (error) {
    if (!(error instanceof JournalDamaged)) throw error
    return { segments, damage: error, tornTail: undefined }
  }
  return { segments, damage: undefined, tornTail: undefined }
}

interface SegmentEnd extends Pick<SegmentScan, 'file' | 'offset' | 'nextSequence' | 'lastCrc'> {}

function checkLink(before: SegmentEnd | undefined, scan: SegmentScan): void {
  if (before === undefined) return
  if (scan.firstSequence !== before.nextSequence) {
    const what = `no valid block, and the next segment begins at sequence ${scan.firstSequence}`
    throw new JournalDamaged(before.file, before.offset, before.nextSequence, what)
  }
  if (scan.previousCrc !== before.lastCrc) {
    throw new JournalDamaged(scan.file, 0, scan.firstSequence, 'the segment does not continue the one before it')
  }
}

function walkBlocks(scan: SegmentScan, onBlock: (block: BlockInfo) => void): number {
  let blockCount = 0
  while (scan.advance()) {
    blockCount += 1
    onBlock({
      file: scan.file,
      offset: scan.blockOffset,
      bytes: scan.blockEnd - scan.blockStart,
      firstSequence: scan.blockFirstSequence,
      entryCount: scan.entryCount,
    })
  }
  return blockCount
}
