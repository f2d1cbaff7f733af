// The log of a whole process, as its configuration says: where it goes, in which form, how much is told; and how that is
// changed while it runs.

import fs from 'node:fs'
import path from 'node:path'
import { Log, type LogLevelName, type PartLevels } from './log.ts'
import { LogFile, type RotationRules } from './log-file.ts'
import { LOG_FILE_MODE } from './log-sink.ts'

/** The section `log` of a configuration. */
export interface LogSettings extends RotationRules {
  readonly level: LogLevelName
  readonly levels?: PartLevels
  readonly file: string | undefined
  readonly format: 'auto' | 'json' | 'text'
}

export class ProcessLog {
  readonly log: Log
  readonly #file: LogFile | undefined
  #settings: LogSettings
  #isChanged = false

  private constructor(log: Log, file: LogFile | undefined, settings: LogSettings) {
    this.log = log
    this.#file = file
    this.#settings = settings
  }

  /** @throws an error of the system where the file cannot be written. */
  static open(component: string, settings: LogSettings): ProcessLog {
    const { level, levels, format } = settings
    // Threads must find it wherever the process goes.
    const file = settings.file === undefined ? undefined : path.resolve(settings.file)
    if (file !== undefined) fs.closeSync(fs.openSync(file, 'a', LOG_FILE_MODE))
    const isReadable = format === 'text' || (format === 'auto' && file === undefined && process.stderr.isTTY === true)
    const log = new Log({ component, level, levels, file, isReadable })
    return new ProcessLog(log, file === undefined ? undefined : new LogFile(file, log, settings), settings)
  }

  /** Begins to look after the size and age of the file; before that it stays one. */
  watchFile(): void {
    this.#file?.watch()
  }

  /**
   * Takes the levels and the rules for old files from a configuration that was read again, and opens the file anew, as
   * after somebody else has put it aside. Its name and form stay.
   */
  apply(settings: LogSettings): void {
    this.#settings = settings
    if (this.#file !== undefined) this.#file.rules = settings
    this.log.switches.fileReplaced()
    this.#setLevels(settings.level, settings.levels)
  }

  /** Another level for everything, or for one part, until the configuration is read again. */
  setLevel(level: LogLevelName, part: keyof PartLevels | undefined): void {
    if (part === undefined) this.#setLevels(level, {})
    else this.#setLevels(this.#settings.level, { ...this.#settings.levels, [part]: level })
    this.#isChanged = true
  }

  /** The configured levels again. */
  restoreLevels(): void {
    this.#setLevels(this.#settings.level, this.#settings.levels)
  }

  /** From the configured levels to debug for everything, and back. */
  toggleDebug(): void {
    if (this.#isChanged) this.restoreLevels()
    else this.setLevel('debug', undefined)
  }

  close(): void {
    this.#file?.close()
  }

  #setLevels(level: LogLevelName, levels: PartLevels = {}): void {
    this.#isChanged = false
    this.log.switches.set(level, levels)
    // Told whatever the level is: who reads the log has to know what is missing in it.
    this.log.tell('levels of the log', { everything: level, ...levels })
  }
}
