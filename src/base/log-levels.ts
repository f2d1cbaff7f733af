// How much is told, and the words of shared memory that change it while the server runs.
//
//   | generation of the log's file | level of everything | level of main | of shard | of writer | …
//
// The thread that runs the process is the only writer of all of them; every thread reads one of them before each line. A
// part without a level of its own has that of everything in its word.

/** How serious a line is; lines below the level of their part are not written. */
export const LogLevel = { Debug: 0, Info: 1, Warning: 2, Error: 3 } as const
export type LogLevel = (typeof LogLevel)[keyof typeof LogLevel]

/** The words for the levels, in their order. */
export const LOG_LEVEL_NAMES = ['debug', 'info', 'warning', 'error'] as const
export type LogLevelName = (typeof LOG_LEVEL_NAMES)[number]

/** The parts of the processes that can be told more or less of than of the rest; all shards are one of them. */
export const LOG_PARTS = ['main', 'shard', 'writer', 'platform', 'risk'] as const
export type LogPart = (typeof LOG_PARTS)[number]

/** Levels of single parts, where they are not that of everything. */
export type PartLevels = { readonly [Part in LogPart]?: LogLevelName | undefined }

const GENERATION = 0
const EVERYTHING = 1
const PARTS = 2
const WORDS = PARTS + LOG_PARTS.length

export class LogSwitches {
  readonly memory: SharedArrayBuffer
  /** For those who ask often; only `set` and `fileReplaced` store here. */
  readonly words: Int32Array

  constructor(memory: SharedArrayBuffer) {
    this.memory = memory
    this.words = new Int32Array(memory)
  }

  static create(level: LogLevelName, parts: PartLevels = {}): LogSwitches {
    const switches = new LogSwitches(new SharedArrayBuffer(WORDS * Int32Array.BYTES_PER_ELEMENT))
    switches.set(level, parts)
    return switches
  }

  /** By the process's own thread. */
  set(level: LogLevelName, parts: PartLevels = {}): void {
    Atomics.store(this.words, EVERYTHING, levelOf(level))
    for (const [index, part] of LOG_PARTS.entries()) {
      Atomics.store(this.words, PARTS + index, levelOf(parts[part] ?? level))
    }
  }

  /** The word to be read for a component, as `shard-0`; that of everything for one without a word. */
  wordOf(component: string): number {
    const index = LOG_PARTS.indexOf(component.replace(/-\d+$/, '') as LogPart) // -1 for any other word
    return index === -1 ? EVERYTHING : PARTS + index
  }

  /** Counts how often the log's file has been replaced. */
  get generation(): number {
    return Atomics.load(this.words, GENERATION)
  }

  /** By the process's own thread, once the file has its old name no more. */
  fileReplaced(): void {
    Atomics.add(this.words, GENERATION, 1)
  }
}

function levelOf(name: LogLevelName): LogLevel {
  return LOG_LEVEL_NAMES.indexOf(name) as LogLevel // a name of the list has a place in it
}
