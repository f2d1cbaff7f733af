// What a process writes to its log, in the words for people, as tests compare it.

import type { Readable } from 'node:stream'
import { readableLine } from '../../src/base/log-line.ts'

/** Hands over whole lines as they come; the last one even where its end is missing. */
export function onReadableLog(stream: Readable, heard: (text: string) => void): void {
  let rest = ''
  stream.setEncoding('utf8')
  stream.on('data', (text: string) => {
    const lines = (rest + text).split('\n')
    rest = lines.pop() ?? ''
    if (lines.length > 0) heard(lines.map(line => `${readableLine(line)}\n`).join(''))
  })
  stream.on('end', () => {
    if (rest !== '') heard(readableLine(rest))
  })
}
