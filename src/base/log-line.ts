// One line of the log: a JSON object, made by pino, whose only door this is; and the same for people.
//
//   {"level":"warning","time":"2026-01-30T14:30:00.123Z","component":"writer","store":"10.0.0.7:3306","message":"…"}
//   2026-01-30T14:30:00.123Z warning writer store fell behind rows=120000 store="10.0.0.7:3306"
//
// Whatever is called a password or a secret is not written, however deep it lies.

import { pino } from 'pino'
import { LOG_LEVEL_NAMES, type LogLevelName } from './log-levels.ts'

export type LogFields = Readonly<Record<string, unknown>>

/** Writes a line for each call; the level has been looked at before. */
export type LineWriter = (level: LogLevelName, message: string, fields: LogFields) => void

/** Numbers that pino wants for levels; only their order matters to it. */
const LEVEL_NUMBERS = { debug: 20, info: 30, warning: 40, error: 50 } as const satisfies Record<LogLevelName, number>

/** What every line has of its own; a field of the same name gets a mark. */
const OWN_KEYS: ReadonlySet<string> = new Set(['level', 'time', 'component', 'message'])

/** A writer of JSON lines, their end included, for one component. */
export function jsonLines(component: string, write: (line: string) => void): LineWriter {
  const logger = pino(
    {
      base: { component },
      messageKey: 'message',
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: label => ({ level: label }) },
      customLevels: LEVEL_NUMBERS,
      useOnlyCustomLevels: true,
      level: 'debug',
    },
    { write },
  )
  return (level, message, fields) => logger[level](plainFields(fields), message)
}

/** What of a name says that its value is nobody's business. */
const SECRET_NAME = /passw|passphrase|secret|credential|private_?key|^(auth_?)?token$/i
const HIDDEN = '(hidden)'
/** What lies deeper is told in a word. */
const DEPTH_MAX = 6

function plainFields(fields: LogFields): Record<string, unknown> {
  const plain: Record<string, unknown> = {}
  for (const [key, value] of Object.entries(fields)) {
    if (value !== undefined) plain[OWN_KEYS.has(key) ? `${key}_` : key] = plainValue(key, value, 0)
  }
  return plain
}

/** The value as JSON can tell it. */
function plainValue(key: string, value: unknown, depth: number): unknown {
  if (SECRET_NAME.test(key)) return HIDDEN
  if (value instanceof Error) return errorText(value)
  if (typeof value === 'bigint') return String(value)
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value)
  if (typeof value !== 'object' || value === null) return typeof value === 'function' ? String(value) : value
  if (depth === DEPTH_MAX) return '…'
  if (Array.isArray(value)) return value.map(each => plainValue('', each, depth + 1))
  if (ArrayBuffer.isView(value)) return `${value.byteLength} bytes`
  if (typeof (value as { toJSON?: unknown }).toJSON === 'function') return String(value)
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, plainValue(name, each, depth + 1)]))
}

/** Expected trouble, which has a code, is told by its messages down to the first cause; a defect by where it was. */
function errorText(error: Error): string {
  const own = 'code' in error ? `${error.name}: ${error.message}` : (error.stack ?? String(error))
  const { cause } = error
  if (cause === undefined || cause === error) return own
  return `${own}; cause: ${cause instanceof Error ? errorText(cause) : String(cause)}`
}

/** The line for people that a JSON line stands for; what is none, as the words of a dying Node, stays as it is. */
export function readableLine(line: string): string {
  const record = recordOf(line)
  if (record === undefined) return line
  const { level, time, component, message, ...fields } = record
  let text = `${time} ${level} ${component} ${onOneLine(String(message))}`
  for (const [key, value] of Object.entries(fields)) text += ` ${key}=${readableValue(value)}`
  return text
}

export interface LogRecord {
  readonly level: LogLevelName
  readonly time: string
  readonly component: string
  readonly message: string
  readonly [field: string]: unknown
}

/** What a line of the log says; undefined for what is none. */
export function recordOf(line: string): LogRecord | undefined {
  if (!line.startsWith('{')) return undefined
  try {
    const value: unknown = JSON.parse(line)
    return isRecord(value) ? value : undefined
  } catch {
    // Somebody else's line, or one that was cut off by a full disk.
    return undefined
  }
}

function isRecord(value: unknown): value is LogRecord {
  if (typeof value !== 'object' || value === null) return false
  const { level, time, component, message } = value as Readonly<Record<string, unknown>>
  const isLevel = LOG_LEVEL_NAMES.some(name => name === level)
  return isLevel && [time, component, message].every(each => typeof each === 'string')
}

function readableValue(value: unknown): string {
  const text = typeof value === 'object' && value !== null ? JSON.stringify(value) : String(value)
  return /^[^\s"=\\\p{Cc}]+$/u.test(text) ? text : JSON.stringify(text)
}

/** A message may not pretend to be several lines of the log. */
function onOneLine(message: string): string {
  return message.replaceAll(/\p{Cc}/gu, character => JSON.stringify(character).slice(1, -1))
}
