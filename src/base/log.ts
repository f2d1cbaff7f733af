// The log: one line for each thing that an operator may want to know, with the part of the server that tells it. Each
// thread has a log of its own over the same file and the same switches, so that levels change in all of them at once.
//
//   log-levels.ts  how much is told, in shared memory
//   log-line.ts    a line as JSON, and for people
//   log-sink.ts    where a thread's lines go
//   log-file.ts    the file of a process: old ones are put aside, and thrown away

import { LogLevel, type LogLevelName, LogSwitches, type PartLevels } from './log-levels.ts'
import { jsonLines, type LineWriter, type LogFields, readableLine } from './log-line.ts'
import { LogSink } from './log-sink.ts'

export { LOG_LEVEL_NAMES, LogLevel, type LogLevelName, type PartLevels } from './log-levels.ts'
export type { LogFields } from './log-line.ts'

/** What another thread of the process needs to write to the same log: plain data. */
export interface LogShare {
  readonly switches: SharedArrayBuffer
  readonly file: string | undefined
  /** Lines for people instead of JSON. */
  readonly isReadable: boolean
}

export interface LogOptions {
  /** The part of the server that speaks, as `main` or `shard-0`. */
  readonly component: string
  readonly level: LogLevelName
  /** Levels of single parts, where they are not that of everything. */
  readonly levels?: PartLevels | undefined
  /** Path of the file to write to; standard error where there is none. */
  readonly file?: string | undefined
  /** Lines for people instead of JSON. */
  readonly isReadable?: boolean
  /** File descriptor to write to instead of standard error. */
  readonly fd?: number
}

export class Log {
  readonly share: LogShare
  readonly #switches: LogSwitches
  readonly #words: Int32Array
  readonly #word: number
  readonly #sink: LogSink
  readonly #write: LineWriter
  #lost = 0

  constructor(options: LogOptions)
  /** For another component, or another thread, of a log that is there. */
  constructor(options: { component: string }, share: LogShare, sink?: LogSink)
  constructor(options: LogOptions | { component: string }, share?: LogShare, sink?: LogSink) {
    const { component } = options
    // The second form is the one without a level.
    const { level = 'info', levels, file, isReadable = false, fd } = options as LogOptions
    this.share = share ?? { switches: LogSwitches.create(level, levels).memory, file, isReadable }
    this.#switches = new LogSwitches(this.share.switches)
    this.#words = this.#switches.words
    this.#word = this.#switches.wordOf(component)
    const ownSink = sink ?? new LogSink(this.share.file, this.#switches, fd)
    this.#sink = ownSink
    const isForPeople = this.share.isReadable
    this.#write = jsonLines(component, line => {
      const isWritten = ownSink.write(isForPeople ? `${readableLine(line.trimEnd())}\n` : line)
      this.#lost = isWritten ? 0 : this.#lost + 1
    })
  }

  /** The same log for another component of this thread. */
  of(component: string): Log {
    return new Log({ component }, this.share, this.#sink)
  }

  /** Whether debug lines are written; ask before something is put together for one. */
  get isDebug(): boolean {
    // A plain load, a tenth of the price: whoever asks for every order may hear of a change a little later.
    return this.#words[this.#word] === LogLevel.Debug
  }

  get switches(): LogSwitches {
    return this.#switches
  }

  debug(message: string, fields?: LogFields): void {
    this.#line(LogLevel.Debug, 'debug', message, fields)
  }

  info(message: string, fields?: LogFields): void {
    this.#line(LogLevel.Info, 'info', message, fields)
  }

  warning(message: string, fields?: LogFields): void {
    this.#line(LogLevel.Warning, 'warning', message, fields)
  }

  error(message: string, fields?: LogFields): void {
    this.#line(LogLevel.Error, 'error', message, fields)
  }

  /** A line at level info that is written whatever the level is. */
  tell(message: string, fields: LogFields = {}): void {
    this.#write('info', message, fields)
  }

  #line(level: LogLevel, name: LogLevelName, message: string, fields: LogFields = {}): void {
    if (level < Atomics.load(this.#words, this.#word)) return
    this.#write(name, message, this.#lost > 0 ? { ...fields, linesLost: this.#lost } : fields)
  }
}
