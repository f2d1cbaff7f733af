// The log: one line for each thing that an operator may want to know, written whole with one system call, so that lines
// of several threads and processes do not mix.
//
//   2026-01-30T14:30:00.123Z warning writer store fell behind rows=120000 store="10.0.0.7:3306"
//   time                     level   component message         key=value …
//
// A log that cannot be written never stops a thread for long: what a full pipe does not take in time is counted, and
// the next line that gets through says how many were lost.

import fs from 'node:fs'

/** How serious a line is; lines below the log's level are not written. */
export const LogLevel = { Debug: 0, Info: 1, Warning: 2, Error: 3 } as const
export type LogLevel = (typeof LogLevel)[keyof typeof LogLevel]

/** The words for the levels, in their order. */
export const LOG_LEVEL_NAMES = ['debug', 'info', 'warning', 'error'] as const
export type LogLevelName = (typeof LOG_LEVEL_NAMES)[number]

export type LogFields = Readonly<Record<string, unknown>>

export interface LogOptions {
  /** The part of the server that speaks, as `main` or `shard-0`. */
  readonly component: string
  readonly level: LogLevelName
  /** File descriptor to write to; standard error where none is given. */
  readonly fd?: number
}

const STANDARD_ERROR = 2

/** How long one line may wait for a full pipe, and how long it sleeps between two attempts. */
const WAIT_MS_MAX = 100
const PAUSE_MS = 1
const pause = new Int32Array(new SharedArrayBuffer(4))

export class Log {
  readonly level: LogLevel
  readonly #component: string
  readonly #fd: number
  #lost = 0

  constructor({ component, level, fd = STANDARD_ERROR }: LogOptions) {
    this.level = LOG_LEVEL_NAMES.indexOf(level) as LogLevel
    this.#component = component
    this.#fd = fd
  }

  /** The same log for another component. */
  of(component: string): Log {
    return new Log({ component, level: LOG_LEVEL_NAMES[this.level], fd: this.#fd })
  }

  debug(message: string, fields?: LogFields): void {
    this.#write(LogLevel.Debug, message, fields)
  }

  info(message: string, fields?: LogFields): void {
    this.#write(LogLevel.Info, message, fields)
  }

  warning(message: string, fields?: LogFields): void {
    this.#write(LogLevel.Warning, message, fields)
  }

  error(message: string, fields?: LogFields): void {
    this.#write(LogLevel.Error, message, fields)
  }

  #write(level: LogLevel, message: string, fields: LogFields = {}): void {
    if (level < this.level) return
    const lost = this.#lost > 0 ? { ...fields, linesLost: this.#lost } : fields
    const bytes = Buffer.from(formatLine(new Date(), level, this.#component, message, lost))
    if (writeWhole(this.#fd, bytes)) this.#lost = 0
    else this.#lost += 1
  }
}

/** One line of the log, its end included. */
export function formatLine(
  time: Date,
  level: LogLevel,
  component: string,
  message: string,
  fields: LogFields = {},
): string {
  let line = `${time.toISOString()} ${LOG_LEVEL_NAMES[level]} ${component} ${onOneLine(message)}`
  for (const [key, value] of Object.entries(fields)) {
    if (value !== undefined) line += ` ${key}=${formatValue(value)}`
  }
  return `${line}\n`
}

function formatValue(value: unknown): string {
  const text = textOf(value)
  return /^[^\s"=\\\p{Cc}]+$/u.test(text) ? text : JSON.stringify(text)
}

function textOf(value: unknown): string {
  if (value instanceof Error) return errorText(value)
  if (typeof value !== 'object' || value === null) return String(value)
  try {
    return JSON.stringify(value, (_, part) => (typeof part === 'bigint' ? String(part) : part))
  } catch {
    // What contains itself has no JSON; a line without it is better than none.
    return String(value)
  }
}

/** Expected trouble, which has a code, is told by its messages down to the first cause; a defect by where it was. */
function errorText(error: Error): string {
  const own = 'code' in error ? `${error.name}: ${error.message}` : (error.stack ?? String(error))
  return error.cause === undefined ? own : `${own}; cause: ${textOf(error.cause)}`
}

/** A message may not pretend to be several lines of the log. */
function onOneLine(message: string): string {
  return message.replaceAll(/\p{Cc}/gu, character => JSON.stringify(character).slice(1, -1))
}

/** Writes all of `bytes`; false where that was not possible in time, or nobody reads any more. */
function writeWhole(fd: number, bytes: Uint8Array): boolean {
  let written = 0
  for (let waitedMs = 0; ; ) {
    try {
      written += fs.writeSync(fd, bytes, written)
      if (written === bytes.length) return true
    } catch (error) {
      // Standard output and error may be pipes that do not block: then a full one says "again".
      if (!(error instanceof Error && 'code' in error && error.code === 'EAGAIN') || waitedMs >= WAIT_MS_MAX) {
        return false
      }
      Atomics.wait(pause, 0, 0, PAUSE_MS)
      waitedMs += PAUSE_MS
    }
  }
}
