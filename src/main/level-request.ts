// How somebody on the same machine asks a running server for other levels of its log: a file in the data directory, and
// a signal to look at it. The file is gone once the server has taken it.

import fs from 'node:fs'
import path from 'node:path'
import { LOG_LEVEL_NAMES, LOG_PARTS, type LogLevelName, type LogPart } from '../base/log-levels.ts'

export interface LevelRequest {
  readonly level: LogLevelName | 'configured'
  readonly part?: LogPart | undefined
}

export function levelRequestFile(dataDirectory: string): string {
  return path.join(dataDirectory, 'log-level')
}

/** The request as a line of the file: a level, and behind a space the part. */
export function levelRequestText({ level, part }: LevelRequest): string {
  return `${level}${part === undefined ? '' : ` ${part}`}\n`
}

/** What the words of a request mean; undefined where they mean nothing. */
export function levelRequestOf(levelWord: string, partWord: string | undefined): LevelRequest | undefined {
  const level = levelWord === 'configured' ? levelWord : LOG_LEVEL_NAMES.find(name => name === levelWord)
  const part = LOG_PARTS.find(name => name === partWord)
  if (level === undefined || (partWord !== undefined && part === undefined)) return undefined
  return { level, part }
}

/** Takes the request that is there; undefined where there is none. @throws where it means nothing. */
export function takeLevelRequest(dataDirectory: string): LevelRequest | undefined {
  const file = levelRequestFile(dataDirectory)
  let text: string
  try {
    text = fs.readFileSync(file, 'utf8')
    fs.rmSync(file)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
  const [level = '', part] = text.trim().split(' ')
  const request = levelRequestOf(level, part)
  if (request === undefined) throw new Error(`${file} has to be a level, and perhaps a part`)
  return request
}
