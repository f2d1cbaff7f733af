// The file of a process's log. When it is large or old enough it goes, under the time at which it ended, into the folder
// `logs` beside it, and a new one takes its name; the oldest of those in the folder are thrown away. Nothing that goes
// wrong here stops anybody: it is told in the log, and tried again.

import fs from 'node:fs'
import path from 'node:path'
import type { Log } from './log.ts'
import { LOG_FILE_MODE } from './log-sink.ts'

export interface RotationRules {
  readonly fileBytesMax: number
  readonly fileHoursMax: number
  /** Files kept in the folder of old ones. */
  readonly keepFiles: number
}

/** How often the file is looked at. */
const LOOK_MS = 5_000
const HOUR_MS = 3_600_000
/** Where old files go, beside the new one. */
export const OLD_LOGS_FOLDER = 'logs'

export class LogFile {
  readonly #file: string
  readonly #log: Log
  #rules: RotationRules
  #timer: NodeJS.Timeout | undefined
  #beganMs = Date.now()
  #isFailing = false

  /** @param file to which the threads of `log` write. */
  constructor(file: string, log: Log, rules: RotationRules) {
    this.#file = file
    this.#log = log
    this.#rules = rules
  }

  /** Looks after the file until it is closed. */
  watch(): void {
    this.#timer ??= setInterval(() => this.look(), LOOK_MS).unref()
  }

  set rules(rules: RotationRules) {
    this.#rules = rules
  }

  /** Puts the file aside where it is due, and throws away what there is too much of. */
  look(): void {
    const { fileBytesMax, fileHoursMax } = this.#rules
    try {
      const size = fs.statSync(this.#file, { throwIfNoEntry: false })?.size
      // Somebody else has put it aside: the threads are to make it anew.
      if (size === undefined) this.#began()
      else if (size >= fileBytesMax || (size > 0 && Date.now() - this.#beganMs >= fileHoursMax * HOUR_MS)) {
        this.#putAside()
      }
      this.#isFailing = false
    } catch (error) {
      if (!this.#isFailing) this.#log.warning('the log could not be put aside', { file: this.#file, error })
      this.#isFailing = true
    }
  }

  /** Gives the file another name; the next line of each thread goes into a new one. */
  #putAside(): void {
    const folder = path.join(path.dirname(this.#file), OLD_LOGS_FOLDER)
    fs.mkdirSync(folder, { recursive: true })
    fs.renameSync(this.#file, freeName(folder, this.#file))
    fs.closeSync(fs.openSync(this.#file, 'a', LOG_FILE_MODE))
    this.#began()
    throwAway(folder, this.#file, this.#rules.keepFiles)
  }

  close(): void {
    clearInterval(this.#timer)
  }

  #began(): void {
    this.#beganMs = Date.now()
    this.#log.switches.fileReplaced()
  }
}

/** `server.log` as `server.20260130_143000.log`; with a number where two end in one second. */
function freeName(folder: string, file: string): string {
  const { name, ext } = path.parse(file)
  const now = new Date()
  const digits = (value: number) => String(value).padStart(2, '0')
  const day = `${now.getFullYear()}${digits(now.getMonth() + 1)}${digits(now.getDate())}`
  const stem = path.join(
    folder,
    `${name}.${day}_${digits(now.getHours())}${digits(now.getMinutes())}${digits(now.getSeconds())}`,
  )
  for (let again = 0; ; again++) {
    const free = again === 0 ? `${stem}${ext}` : `${stem}.${again}${ext}`
    if (!fs.existsSync(free)) return free
  }
}

/** Keeps the newest of the predecessors of a file; those of earlier starts have another time in their names. */
function throwAway(folder: string, file: string, keepFiles: number): void {
  const { name, ext } = path.parse(file)
  const family = name.replace(/\d{8}_\d\d_?\d\d_?\d\d$/, '')
  const isOld = (other: string) =>
    other.startsWith(family) && other.endsWith(ext) && /^\.?\d{8}_\d/.test(other.slice(family.length))
  const old = fs
    .readdirSync(folder)
    .filter(isOld)
    .map(each => ({ name: each, endedMs: fs.statSync(path.join(folder, each)).mtimeMs }))
    .sort((a, b) => b.endedMs - a.endedMs || b.name.localeCompare(a.name))
  for (const each of old.slice(keepFiles)) fs.rmSync(path.join(folder, each.name))
}
