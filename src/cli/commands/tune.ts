// oes tune: measures on this machine what suits it. The measuring itself is the benchmarks', which are in a checkout alone
// and make load in processes of their own; here their program is found, started, and waited for.

import { spawn } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseWhole } from '../arguments.ts'
import { CommandError, usageError } from '../command-error.ts'
import { ExitStatus } from '../exit-status.ts'
import { readConfig } from '../server-options.ts'

export interface TuneFlags {
  config?: string
  directory?: string
  minutes?: string
  seconds?: string
  rounds?: string
  output?: string
  json?: boolean
  quick?: boolean
}

/** Beside the sources, in a checkout. */
const PROGRAM = fileURLToPath(new URL('../../../bench/tune.ts', import.meta.url))

/** Runs the sweep with this terminal as its own. @throws CommandError */
export async function tune(flags: TuneFlags, environment: NodeJS.ProcessEnv, program = PROGRAM): Promise<ExitStatus> {
  if (!fs.existsSync(program)) {
    throw new CommandError('oes tune runs from a checkout: the installed package does not have the benchmarks.', {
      hint: 'Get the sources of this version, run `npm ci` there, and then `scripts/oes tune`.',
    })
  }
  const numbers = (['minutes', 'seconds', 'rounds'] as const).flatMap(name => {
    const word = flags[name]
    return word === undefined ? [] : [`--${name}`, String(parseWhole(word, `a number of ${name}`, 1))]
  })
  const words = [
    ...numbers,
    ...(flags.output === undefined ? [] : ['--output', path.resolve(flags.output)]),
    ...(flags.json === true ? ['--json'] : []),
    ...(flags.quick === true ? ['--quick'] : []),
  ]
  const child = spawn(process.execPath, [program, ...words], {
    stdio: 'inherit',
    env: { ...environment, TMPDIR: directoryOf(flags, environment) },
  })
  // An interrupt reaches both; the program cleans up after itself, and ends before this one.
  const wait = () => undefined
  process.on('SIGINT', wait)
  process.once('SIGTERM', () => child.kill('SIGTERM'))
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  })
  process.off('SIGINT', wait)
  return code === 0 ? ExitStatus.Ok : ExitStatus.Failed
}

/** Where servers that are measured keep their journals: on the disk that the real one uses, where that is known. */
function directoryOf(flags: TuneFlags, environment: NodeJS.ProcessEnv): string | undefined {
  const configured =
    flags.config === undefined ? undefined : path.dirname(path.resolve(readConfig(flags.config).dataDirectory))
  const directory = flags.directory ?? configured
  if (directory === undefined) return environment.TMPDIR
  if (!fs.statSync(directory, { throwIfNoEntry: false })?.isDirectory()) {
    throw usageError(`'${directory}' is no directory.`, 'Give --directory one on the disk that journals will be on.')
  }
  return path.resolve(directory)
}
