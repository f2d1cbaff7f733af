// The section `log`, which all three configurations have.

import { LOG_LEVEL_NAMES } from '../base/log-levels.ts'
import { choice, integer, optional, text } from './setting.ts'

export const LOG_COMMENT =
  'The log: a line for each event, as JSON. Levels and the rules for old files are read again on SIGHUP.'

export const logLevel = choice({
  comment: 'The least serious lines that are written.',
  words: LOG_LEVEL_NAMES,
  byDefault: 'info',
})

/** The level of one part, where it is not that of everything. */
export function partLevel(comment: string) {
  return optional(choice({ comment, words: LOG_LEVEL_NAMES, byDefault: 'info' }))
}

export const logFile = {
  file: optional(
    text({
      comment: 'File to write to; absent, standard error. Old files go into the folder logs beside it.',
      what: 'a path',
      byDefault: '',
    }),
  ),
  format: choice({
    comment: 'json, or text for people; auto is text where standard error is a terminal.',
    words: ['auto', 'json', 'text'],
    byDefault: 'auto',
  }),
  file_bytes_max: integer({
    comment: 'Size at which the file is put aside and a new one begun. Looked at every five seconds.',
    unit: 'bytes',
    min: 1 << 10,
    max: 1024 ** 4,
    byDefault: 256 << 20,
  }),
  file_hours_max: integer({
    comment: 'Age at which it is.',
    unit: 'hours',
    min: 1,
    max: 8_760,
    byDefault: 24,
  }),
  keep_files: integer({
    comment: 'Old files that are kept; the oldest beyond them are thrown away whenever one is put aside.',
    unit: 'files',
    min: 0,
    max: 100_000,
    byDefault: 100,
  }),
}
