// The files of one journal. A directory holds its segments, each named by the first sequence it may hold; beside them
// there may be spare segments, made ahead of time, and files under construction, which nobody reads:
//
//   00000000000000000001.log  00000000000000412377.log  spare-0.log  spare-1.log  spare.new  segment.new
//
// A segment is preallocated: written full of zeros and synced, so that a later commit changes no metadata of the file.

import fs from 'node:fs'
import path from 'node:path'
import { assert } from '../base/assert.ts'
import { codeOf } from './journal-errors.ts'

/**
 * How far a commit goes before it returns. `fsync`: on the disk. `os`: with the operating system, so that it outlives
 * the process but not the machine; segments themselves are synced when they are made. `none`: as `os`, and segments are
 * not synced either; for tests.
 */
export const Durability = { Fsync: 'fsync', Os: 'os', None: 'none' } as const
export type Durability = (typeof Durability)[keyof typeof Durability]

/** The keeper's segment under construction, and the writer's own where no spare was ready. */
export const SPARE_UNDER_CONSTRUCTION_NAME = 'spare.new'
export const SEGMENT_UNDER_CONSTRUCTION_NAME = 'segment.new'

const SEGMENT_NAME = /^(\d{20})\.log$/
const SPARE_NAME = /^spare-(\d+)\.log$/

export interface SegmentFile {
  readonly file: string
  readonly firstSequence: number
}

export function segmentFile(directory: string, firstSequence: number): string {
  return path.join(directory, `${String(firstSequence).padStart(20, '0')}.log`)
}

export function spareFile(directory: string, number: number): string {
  return path.join(directory, `spare-${number}.log`)
}

/** The numbers of the spare segments: made by the keeper, taken by the writer when it rolls. */
export function listSpares(directory: string): number[] {
  const names = unlessMissing(() => fs.readdirSync(directory)) ?? []
  return names.flatMap(name => SPARE_NAME.exec(name)?.[1] ?? []).map(Number)
}

/** The segments of a journal in the order of their sequences; none where the directory does not exist. */
export function listSegments(directory: string): SegmentFile[] {
  const names = unlessMissing(() => fs.readdirSync(directory)) ?? []
  const segments: SegmentFile[] = []
  for (const name of names) {
    const match = SEGMENT_NAME.exec(name)
    if (match) segments.push({ file: path.join(directory, name), firstSequence: Number(match[1]) })
  }
  return segments.sort((a, b) => a.firstSequence - b.firstSequence)
}

/** Zeros to fill segments with and to compare rests of segments against. */
export const ZEROS: Uint8Array = new Uint8Array(1 << 20)

/** Writes `bytes` zeros into a new file, in place of any other of that name, and syncs it where asked. */
export function preallocate(file: string, bytes: number, sync: boolean): void {
  const fd = fs.openSync(file, 'w')
  try {
    for (let offset = 0; offset < bytes; ) {
      offset += fs.writeSync(fd, ZEROS, 0, Math.min(ZEROS.length, bytes - offset), offset)
    }
    if (sync) fs.fsyncSync(fd)
  } catch (error) {
    // Half a segment is of no use and, on a full disk, in everybody's way.
    fs.rmSync(file, { force: true })
    throw error
  } finally {
    fs.closeSync(fd)
  }
}

/** Makes names created, renamed or removed in `directory` durable. */
export function syncDirectory(directory: string): void {
  const fd = fs.openSync(directory, 'r')
  try {
    fs.fsyncSync(fd)
  } finally {
    fs.closeSync(fd)
  }
}

/** Writes [0, length) of `bytes` at `offset`; one system call, unless the system itself stops half-way. */
export function writeAt(fd: number, bytes: Uint8Array, length: number, offset: number): void {
  let written = fs.writeSync(fd, bytes, 0, length, offset)
  while (written < length) written += fs.writeSync(fd, bytes, written, length - written, offset + written)
}

/** Reads up to `length` bytes at `offset` into the front of `bytes`; returns how many there were before the file's end. */
export function readAt(fd: number, bytes: Uint8Array, length: number, offset: number): number {
  assert(length <= bytes.length)
  let got = 0
  while (got < length) {
    const more = fs.readSync(fd, bytes, got, length - got, offset + got)
    if (more === 0) break
    got += more
  }
  return got
}

/** The result of `ask`, or undefined where a file or folder it needs does not exist. */
export function unlessMissing<Result>(ask: () => Result): Result | undefined {
  try {
    return ask()
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
    throw error
  }
}
