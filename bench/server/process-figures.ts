// What the system says of a process: processor time and resident memory, from /proc.

import { execFileSync } from 'node:child_process'
import fs from 'node:fs'

const TICKS_PER_SECOND = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }))
const PAGE_BYTES = Number(execFileSync('getconf', ['PAGESIZE'], { encoding: 'utf8' }))

/** Processor time of all threads of a process, user and system, in seconds. */
export function processSeconds(pid: number): number {
  const stat = fs.readFileSync(`/proc/${pid}/stat`, 'utf8')
  // The name in parentheses may hold spaces; utime and stime are the 12th and 13th field behind it.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND
}

/** Memory of a process that is in RAM, in bytes. */
export function processMemory(pid: number): number {
  const [, resident] = fs.readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')
  return Number(resident) * PAGE_BYTES
}
