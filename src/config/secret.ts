// A setting that nobody else may read: a password. It stands in the file itself, or the file says where it is: in a
// variable of the environment, `{env: NAME}`, or in a file of its own, `{file: PATH}`. Whatever is wrong with it, its
// value is never part of what is told.

import fs from 'node:fs'
import type { Reading, Setting } from './setting.ts'
import type { YamlMap, YamlNode } from './yaml-tree.ts'

const SECRET_LENGTH_MAX = 4096

/** Rights to a file that only its owner, and those whom its group lets read, should have. */
export const OTHERS_RIGHTS = 0o027

/** A text that is hidden wherever the configuration is shown. */
export function secret(said: { comment: string; byDefault: string; template?: string }): Setting<string> {
  const { comment, byDefault, template } = said
  const allowed = 'a text, {env: NAME} or {file: PATH}'
  return {
    comment,
    allowed,
    written: byDefault,
    template,
    isRequired: false,
    isSecret: true,
    absent: () => byDefault,
    read(node, key, reading) {
      const refuse = (what: string) => {
        reading.problems.push({ place: node.place, key, what })
        return byDefault
      }
      if (node.kind === 'list') return refuse(`must be ${allowed}, not a list`)
      if (node.kind === 'map') {
        const source = sourceIn(node)
        if (source === undefined) return refuse(`must be ${allowed}, not another map`)
        reading.origins?.set(key, source.env === undefined ? `file ${source.file}` : `environment ${source.env}`)
        if (reading.withholdsSecrets === true) return ''
        const found = source.env === undefined ? fileSecret(source.file, node, key, reading) : variable(source.env)
        if (typeof found !== 'string') return refuse(found.wrong)
        return found
      }
      if (node.text === '') return refuse(`must be ${allowed}, not ${node.isQuoted ? '""' : 'nothing'}`)
      if (node.text.length > SECRET_LENGTH_MAX) return refuse(`is longer than ${SECRET_LENGTH_MAX} characters`)
      reading.holdsSecrets = true
      return node.text
    },
  }
}

type Source = { readonly env: string; readonly file?: undefined } | { readonly env?: undefined; readonly file: string }

function sourceIn(node: YamlMap): Source | undefined {
  const [entry, ...others] = node.entries
  if (entry === undefined || others.length > 0) return undefined
  const { key, value } = entry
  const name = wordIn(value)
  if (name === undefined) return undefined
  if (key === 'env') return { env: name }
  return key === 'file' ? { file: name } : undefined
}

function wordIn(node: YamlNode): string | undefined {
  return node.kind === 'scalar' && node.text !== '' && node.text.length <= SECRET_LENGTH_MAX ? node.text : undefined
}

function variable(name: string): string | { wrong: string } {
  const value = process.env[name]
  if (value === undefined) return { wrong: `is to come from the environment, which has no ${name}` }
  if (value === '') return { wrong: `is to come from the environment, where ${name} is empty` }
  if (value.length > SECRET_LENGTH_MAX) return { wrong: `is longer than ${SECRET_LENGTH_MAX} characters in ${name}` }
  return value
}

/** The first line of a file, which has to be the only one. */
function fileSecret(file: string, node: YamlNode, key: string, reading: Reading): string | { wrong: string } {
  let text: string
  let mode: number
  try {
    const descriptor = fs.openSync(file, 'r')
    try {
      mode = fs.fstatSync(descriptor).mode
      const bytes = Buffer.alloc(4 * SECRET_LENGTH_MAX + 2)
      text = bytes.toString('utf8', 0, fs.readSync(descriptor, bytes)).replace(/\r?\n$/, '')
    } finally {
      fs.closeSync(descriptor)
    }
  } catch (error) {
    const why = error instanceof Error && 'code' in error ? String(error.code) : String(error)
    return { wrong: `is to come from the file ${file}, which cannot be read: ${why}` }
  }
  if (text === '') return { wrong: `is to come from the file ${file}, which is empty` }
  if (text.length > SECRET_LENGTH_MAX || /[\r\n]/.test(text)) {
    return {
      wrong: `is to come from the file ${file}, which has to be one line of at most ${SECRET_LENGTH_MAX} characters`,
    }
  }
  if ((mode & OTHERS_RIGHTS) !== 0) {
    const what = `is in ${file}, which others may read or change (mode ${modeText(mode)}): chmod 600 ${file}`
    reading.warnings?.push({ place: node.place, key, what })
  }
  return text
}

/** The rights of a file as chmod takes them. */
export function modeText(mode: number): string {
  return (mode & 0o777).toString(8).padStart(3, '0')
}
