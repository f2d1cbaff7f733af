// The two ways in which a person gives commands: one shell in which they follow each other, and terminals of their own for
// what goes on until it is interrupted. Every wait is bounded, and nothing outlives the folder it runs in.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'

/** Far longer than any command of the pages takes, on however busy a machine. */
const WAIT_MS_MAX = 120_000

export interface Place {
  readonly cwd: string
  readonly env: NodeJS.ProcessEnv
}

export interface Said {
  readonly status: number | null
  readonly out: string
  readonly err: string
}

/** One shell: what a command changes of folder, variables and jobs holds for the next. */
export class Shell {
  readonly #child: ChildProcess
  readonly #folder = fs.mkdtempSync(path.join(os.tmpdir(), 'oes-shell-'))
  #told = ''
  #count = 0

  constructor({ cwd, env }: Place) {
    // A group of its own, so that what it has started in the background is ended with it.
    this.#child = spawn('bash', ['-o', 'pipefail'], { cwd, env, detached: true, stdio: ['pipe', 'pipe', 'inherit'] })
    this.#child.stdout!.setEncoding('utf8').on('data', (text: string) => {
      this.#told += text
    })
  }

  /** Runs commands to their end; what they left in the background goes on. */
  async run(text: string): Promise<Said> {
    const name = path.join(this.#folder, String(this.#count++))
    this.#told = ''
    this.#child.stdin!.write(`{\n${text}\n} </dev/null >'${name}.out' 2>'${name}.err'\necho "ended $?"\n`)
    await this.#until(/^ended \d+$/m, () => `${text}\n${readIf(`${name}.out`)}\n${readIf(`${name}.err`)}`)
    const status = Number(/^ended (\d+)$/m.exec(this.#told)![1])
    return { status, out: readIf(`${name}.out`), err: readIf(`${name}.err`) }
  }

  end(): void {
    killGroup(this.#child, 'SIGKILL')
    fs.rmSync(this.#folder, { recursive: true, force: true })
  }

  #until(pattern: RegExp, about: () => string): Promise<void> {
    return shown(this.#child, () => pattern.test(this.#told), about)
  }
}

/** A command in a terminal of its own: on a real one where it draws or asks, else with its output read from pipes. */
export class Terminal {
  out = ''
  err = ''
  readonly #child: ChildProcess
  readonly #command: string
  readonly #ended: Promise<unknown>

  constructor(command: string, { cwd, env }: Place, options: { isReal?: boolean } = {}) {
    this.#command = command
    // The terminal hands on what is typed, and tells how the command ended.
    const real = 'import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))'
    const words = options.isReal ? ['python3', '-c', real, 'bash', '-c', command] : ['bash', '-c', command]
    const stdio = [options.isReal ? 'pipe' : 'ignore', 'pipe', 'pipe'] as const
    this.#child = spawn(words[0]!, words.slice(1), {
      cwd,
      env: { TERM: 'xterm', ...env },
      detached: true,
      stdio: [...stdio],
    })
    this.#ended = once(this.#child, 'close')
    this.#child.stdout!.setEncoding('utf8').on('data', (text: string) => {
      this.out += text
    })
    this.#child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.err += text
    })
  }

  /** Waits until its output has this. */
  async shows(pattern: RegExp): Promise<void> {
    const about = () => `${this.#command}\nnever said ${pattern}:\n${this.out}\n${this.err}`
    await shown(this.#child, () => pattern.test(this.out), about)
  }

  type(keys: string): void {
    this.#child.stdin!.write(keys)
  }

  /** As Control-C does: everything in the terminal is told to end. */
  async interrupt(): Promise<Said> {
    killGroup(this.#child, 'SIGINT')
    return await this.end()
  }

  /** Waits for the end. */
  async end(): Promise<Said> {
    const timer = setTimeout(() => killGroup(this.#child, 'SIGKILL'), WAIT_MS_MAX)
    await this.#ended
    clearTimeout(timer)
    return { status: this.#child.exitCode, out: this.out, err: this.err }
  }

  kill(): void {
    killGroup(this.#child, 'SIGKILL')
  }
}

/** Settles when the output of a process is as wanted; rejects where the process ends before, or takes too long. */
async function shown(child: ChildProcess, isThere: () => boolean, about: () => string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const look = () => {
    if (isThere()) resolve()
  }
  const fail = (why: string) => reject(new Error(`${why}: ${about()}`))
  const onEnd = () => (isThere() ? resolve() : fail('it has ended'))
  const timer = setTimeout(() => fail('it takes too long'), WAIT_MS_MAX)
  child.stdout!.on('data', look)
  child.once('close', onEnd)
  look()
  if (child.exitCode !== null || child.signalCode !== null) onEnd()
  try {
    await promise
  } finally {
    clearTimeout(timer)
    child.stdout!.off('data', look)
    child.off('close', onEnd)
  }
}

function killGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return
  try {
    process.kill(-child.pid, signal)
  } catch (error) {
    // The whole group has ended.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

function readIf(file: string): string {
  return fs.existsSync(file) ? fs.readFileSync(file, 'utf8') : ''
}
