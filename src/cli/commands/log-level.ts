// `oes log-level`: asks a running server on this machine to write more or less to its log, and waits until it has heard.

import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { defaultConfig } from '../../config/config.ts'
import { parseWhole } from '../arguments.ts'
import { CommandError, usageError } from '../command-error.ts'
import { ExitStatus } from '../exit-status.ts'
import type { Output } from '../output.ts'
import { readConfig } from '../server-options.ts'

export interface LogLevelFlags {
  readonly config?: string
  readonly directory?: string
  readonly pid?: string
}

/** How long the server may take to hear. */
const HEARD_MS_MAX = 5_000
const LOOK_MS = 20

export async function logLevel(
  output: Output,
  level: string,
  part: string | undefined,
  flags: LogLevelFlags,
): Promise<ExitStatus> {
  // Loaded only here: commands that talk to a server need nothing of one.
  const { levelRequestFile, levelRequestOf, levelRequestText } = await import('../../main/level-request.ts')
  const request = levelRequestOf(level, part)
  if (request === undefined) {
    throw usageError(
      `'${part === undefined ? level : `${level} ${part}`}' is nothing that can be asked for.`,
      'Write debug, info, warning, error or configured; behind it perhaps main, shard, writer or platform.',
    )
  }
  const config = flags.config === undefined ? defaultConfig() : readConfig(flags.config, { withholdsSecrets: true })
  const directory = flags.directory ?? '.'
  const pid = flags.pid === undefined ? lockedPid(directory) : namedPid(flags.pid)
  const file = levelRequestFile(path.resolve(directory, config.dataDirectory))
  try {
    fs.writeFileSync(file, levelRequestText(request))
    process.kill(pid, 'SIGUSR2')
  } catch (error) {
    fs.rmSync(file, { force: true })
    const why = error instanceof Error ? error.message : String(error)
    throw new CommandError(`The server cannot be asked: ${why}.`, {
      hint: 'Run this as the user of the server, with its --config.',
      cause: error,
    })
  }
  for (let waitedMs = 0; fs.existsSync(file); waitedMs += LOOK_MS) {
    if (waitedMs >= HEARD_MS_MAX) {
      fs.rmSync(file, { force: true })
      throw new CommandError(`Process ${pid} does not use the data directory ${path.dirname(file)}.`, {
        hint: 'Give the configuration that the server was started with.',
      })
    }
    await pause(LOOK_MS)
  }
  output.line(
    request.level === 'configured' ? 'levels as configured' : `${request.part ?? 'everything'}: ${request.level}`,
  )
  return ExitStatus.Ok
}

const NO_SERVER_HINT = 'Name the folder it was started in with --directory, or its process with --pid.'

/** The process in pid.lock, if it is still the one that was started. A signal to any other could end it. */
function lockedPid(directory: string): number {
  const file = path.join(directory, 'pid.lock')
  let lines: string[]
  try {
    lines = fs.readFileSync(file, 'utf8').split('\n')
  } catch (error) {
    throw new CommandError(`There is no ${file}: no server was started in this folder.`, {
      hint: NO_SERVER_HINT,
      cause: error,
    })
  }
  const pid = Number(lines[0])
  if (!Number.isInteger(pid) || pid <= 0 || beginningOf(pid) !== lines[1]) {
    throw new CommandError(`The server of ${file} is not running.`, { hint: NO_SERVER_HINT })
  }
  return pid
}

function namedPid(word: string): number {
  const pid = parseWhole(word, 'a process', 1)
  const command = fs.existsSync(`/proc/${pid}/cmdline`)
    ? fs.readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')
    : told('ps', ['-o', 'args=', '-p', String(pid)])
  if (/oes\S* .*serve|oes\S* serve/.test(command)) return pid
  throw new CommandError(`Process ${pid} is no order execution server.`, { hint: NO_SERVER_HINT })
}

/** When a process began, as scripts/instance.sh writes it into pid.lock: no other one has the same. */
function beginningOf(pid: number): string {
  if (!fs.existsSync('/proc/self/stat')) return told('ps', ['-o', 'lstart=', '-p', String(pid)])
  try {
    const stat = fs.readFileSync(`/proc/${pid}/stat`, 'utf8')
    const boot = fs.readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
    // The name of the program stands in brackets and may hold anything; the start is the 20th word behind it.
    return `${boot} ${stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]}`
  } catch {
    // It has ended.
    return ''
  }
}

function told(program: string, words: readonly string[]): string {
  try {
    return execFileSync(program, words, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim()
  } catch {
    // ps ends with 1 where there is no such process.
    return ''
  }
}
