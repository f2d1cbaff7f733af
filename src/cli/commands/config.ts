// `oes config`: what a configuration comes to, as a file with every key in it, or whether it can be used at all.

import { ConfigInvalid, parseConfig, type ReadOptions } from '../../config/config.ts'
import { type InForce, inForce } from '../../config/in-force.ts'
import { parsePlatformConfig } from '../../config/platform-config.ts'
import { PLATFORM_SCHEMA } from '../../config/platform-schema.ts'
import { parseRiskConfig } from '../../config/risk-config.ts'
import { RISK_SCHEMA } from '../../config/risk-schema.ts'
import { SCHEMA } from '../../config/schema.ts'
import type { Reading, Settings } from '../../config/setting.ts'
import { CommandError, usageError } from '../command-error.ts'
import { ExitStatus } from '../exit-status.ts'
import type { Output } from '../output.ts'
import { readText } from '../server-options.ts'

export interface ConfigFlags {
  readonly config?: string
  /** Whose configuration it is: the server's where absent. */
  readonly for?: string
  /** Only tells whether it can be used. */
  readonly check?: boolean
}

interface Kind {
  readonly keys: Settings
  readonly example: string
  readonly parse: (text: string, file: string, options: ReadOptions) => unknown
}

const kinds: Readonly<Record<string, Kind>> = {
  server: { keys: SCHEMA.keys, example: 'config.default.yml', parse: parseConfig },
  platform: { keys: PLATFORM_SCHEMA.keys, example: 'platform.default.yml', parse: parsePlatformConfig },
  'risk-server': { keys: RISK_SCHEMA.keys, example: 'risk.default.yml', parse: parseRiskConfig },
}

export function showConfig(output: Output, flags: ConfigFlags): ExitStatus {
  const { config: file, for: whose = 'server', check = false } = flags
  const kind = Object.hasOwn(kinds, whose) ? kinds[whose] : undefined
  if (kind === undefined) throw usageError(`'${whose}' is no program.`, `Write ${Object.keys(kinds).join(', ')}.`)
  if (check && file === undefined) throw usageError('There is nothing to check.', 'Name a file with --config.')
  const text = file === undefined ? '' : readText(file)
  let reading: Reading | undefined
  let values: unknown
  try {
    values = kind.parse(text, file ?? 'no file', {
      onRead: read => {
        reading = read
      },
      onWarning: warning => output.note(`warning: ${warning}`),
    })
  } catch (error) {
    if (!(error instanceof ConfigInvalid)) throw error
    throw new CommandError(error.message, { hint: `${kind.example} explains each key.`, cause: error })
  }
  if (check || reading === undefined) {
    if (!output.isJson) output.line(`${file} can be used`)
    return ExitStatus.Ok
  }
  const lines = inForce({ keys: kind.keys, values, reading, file: file ?? 'no file' })
  if (output.isJson) {
    for (const { key, kind: is, text, unit, from } of lines) {
      if (is !== 'section')
        output.json({ key, ...(is === 'value' ? { value: text } : {}), ...(unit ? { unit } : {}), from })
    }
    return ExitStatus.Ok
  }
  output.line(
    `# What is in force${file === undefined ? ' without a file' : `, from ${file}`}; behind each value, its unit and where it comes from.`,
  )
  for (const line of asYaml(lines)) output.line(line)
  return ExitStatus.Ok
}

/** Where remarks begin, unless a value is longer. */
const REMARK_COLUMN = 44

/** A file that says what is in force; what has no value stands in it as a remark. */
function asYaml(lines: readonly InForce[]): string[] {
  const shown: string[] = []
  let opensEntry = false
  for (const { name, depth, kind, text, unit, from } of lines) {
    if (name === '-') {
      opensEntry = true
      continue
    }
    const indent = '  '.repeat(depth)
    if (kind === 'absent') {
      shown.push(`${indent}# ${name}: absent`)
      continue
    }
    // The first key of an entry carries its dash.
    const head = `${opensEntry ? `${indent.slice(2)}- ` : indent}${name}:${kind === 'value' ? ` ${text}` : ''}`
    opensEntry = false
    const measured = unit === undefined ? [] : [`${unit}${sizeText(text, unit)}`]
    const remark = kind === 'section' && from === 'default' ? '' : [...measured, from].join('; ')
    shown.push(remark === '' ? head : `${head.padEnd(REMARK_COLUMN)} # ${remark}`)
  }
  return shown
}

/** Large sizes as people say them. */
function sizeText(text: string, unit: string): string {
  if (unit === 'bytes' && Number(text) >= 1 << 20 && Number(text) % (1 << 20) === 0)
    return ` (${Number(text) / (1 << 20)} MiB)`
  if (unit === 'milliseconds' && Number(text) >= 1000) return ` (${Number(text) / 1000} s)`
  return ''
}
