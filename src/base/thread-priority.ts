// Lets the operating system prefer the other threads of the process to this one. Linux schedules threads one by one and
// takes a thread's id where it asks for a process; elsewhere priorities belong to the whole process and stay untouched.

import fs from 'node:fs'
import os from 'node:os'

/** The system's id of the calling thread, or undefined where the system does not tell. */
export function threadId(): number | undefined {
  try {
    return Number(/\/task\/(\d+)$/.exec(fs.readlinkSync('/proc/thread-self'))?.[1])
  } catch {
    // There is no such link outside Linux.
    return undefined
  }
}

/**
 * Lowers the priority of the calling thread alone; one that stands back further already stays there.
 * @param nice 0 (as before) to 19 (only what others leave over).
 * @returns why it was not possible, or undefined.
 */
export function lowerThreadPriority(nice: number): string | undefined {
  if (nice === 0) return undefined
  const id = threadId()
  if (id === undefined) return 'the system does not tell the id of a thread'
  try {
    os.setPriority(id, Math.max(nice, os.getPriority(id)))
    return undefined
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}
