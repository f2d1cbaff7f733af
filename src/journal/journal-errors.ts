// What can go wrong with a journal, one class for each thing a caller does about it: the disk refuses a write (stop the
// server), bytes that were durable are wrong (an operator must look), or what is asked for was confirmed by every store
// and deleted (ask a store).

/** The journal could not be written; `code` is the system's (ENOSPC, EIO …). The writer takes nothing more after it. */
export class JournalFailed extends Error {
  override name = 'JournalFailed'
  readonly code: string
  readonly file: string

  constructor(file: string, doing: string, cause: unknown) {
    const code = codeOf(cause)
    super(`${doing} ${file} failed: ${code}`, { cause })
    this.code = code
    this.file = file
  }
}

const JOURNAL_FAILED = 'JournalFailed'

/** Between threads an error keeps message, stack and cause, and loses its class: a failed journal is told by the cause. */
export function acrossThreads(error: unknown): unknown {
  if (!(error instanceof JournalFailed)) return error
  const told = new Error(error.message, { cause: JOURNAL_FAILED })
  if (error.stack !== undefined) told.stack = error.stack
  return told
}

/** Whether an error, which may have come from another thread by `acrossThreads`, is a failed journal. */
export function isJournalFailure(error: unknown): boolean {
  return error instanceof JournalFailed || (error instanceof Error && error.cause === JOURNAL_FAILED)
}

/** Bytes in the middle of a journal are not what was written: `sequence` was expected at `offset` of `file`. */
export class JournalDamaged extends Error {
  override name = 'JournalDamaged'
  readonly file: string
  readonly offset: number
  readonly sequence: number

  constructor(file: string, offset: number, sequence: number, what: string) {
    super(`journal damaged at byte ${offset} of ${file}, where sequence ${sequence} is expected: ${what}`)
    this.file = file
    this.offset = offset
    this.sequence = sequence
  }
}

/** `sequence` lies before the oldest segment there is: every store has confirmed it and its segment was deleted. */
export class JournalTrimmed extends Error {
  override name = 'JournalTrimmed'
  readonly directory: string
  readonly sequence: number

  constructor(directory: string, sequence: number, oldest: number) {
    super(`journal ${directory} begins at sequence ${oldest}; sequence ${sequence} was deleted`)
    this.directory = directory
    this.sequence = sequence
  }
}

/** The system's code of an error (ENOENT, ENOSPC …), or its text where it has none. */
export function codeOf(error: unknown): string {
  if (error instanceof Error) return 'code' in error && typeof error.code === 'string' ? error.code : error.message
  return String(error)
}
