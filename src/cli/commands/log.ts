// `oes log`: lines of a log for people, all of them or those about one order.

import fs from 'node:fs'
import { createInterface } from 'node:readline'
import { LOG_LEVEL_NAMES } from '../../base/log-levels.ts'
import { type LogRecord, readableLine, recordOf } from '../../base/log-line.ts'
import { parseWhole } from '../arguments.ts'
import { CommandError, usageError } from '../command-error.ts'
import { ExitStatus } from '../exit-status.ts'
import type { Output } from '../output.ts'

export interface LogFlags {
  readonly order?: string
  readonly account?: string
  readonly component?: string
  readonly level?: string
}

export async function showLog(output: Output, files: readonly string[], flags: LogFlags): Promise<ExitStatus> {
  const isWanted = filterOf(flags)
  const hasFilter = Object.keys(flags).length > 0
  for (const input of files.length === 0 ? [process.stdin] : files.map(file => fs.createReadStream(file))) {
    try {
      for await (const line of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
        const record = recordOf(line)
        // What is no line of the log, as the last words of a dying Node, is shown where everything is.
        if (record === undefined ? !hasFilter : isWanted(record)) output.line(readableLine(line))
      }
    } catch (error) {
      throw new CommandError(`The log cannot be read: ${error instanceof Error ? error.message : String(error)}.`, {
        cause: error,
      })
    }
  }
  return ExitStatus.Ok
}

function filterOf({ order, account, component, level }: LogFlags): (record: LogRecord) => boolean {
  const orderId = order === undefined ? undefined : parseWhole(order, 'an order id', 1)
  const accountId = account === undefined ? undefined : parseWhole(account, 'an account id', 1)
  const levels: readonly string[] = LOG_LEVEL_NAMES
  const least = level === undefined ? 0 : levels.indexOf(level)
  if (least === -1) throw usageError(`'${level}' is no level.`, `Write ${levels.join(', ')}.`)
  return record =>
    (orderId === undefined || record.orderId === orderId) &&
    (accountId === undefined || record.account === accountId) &&
    (component === undefined || record.component === component) &&
    levels.indexOf(record.level) >= least
}
