// A setting that names a file of certificates or of a key. The file is looked at when the configuration is read, so that a
// wrong path is told with the place of the key; whoever does not need secrets need not be able to read it.

import fs from 'node:fs'
import { optional, type Setting, text } from './setting.ts'

const PEM_BEGIN = '-----BEGIN '

/** The path of a PEM file; undefined where the file is silent. */
export function pemFile(said: { comment: string }): Setting<string | undefined> {
  const path = optional(text({ ...said, what: 'the path of a PEM file', byDefault: '' }))
  return {
    ...path,
    read(node, key, reading) {
      const problemsBefore = reading.problems.length
      const file = path.read(node, key, reading)
      if (reading.problems.length > problemsBefore) return undefined
      if (file === undefined || reading.withholdsSecrets === true) return file
      const why = faultOf(file)
      if (why !== undefined) reading.problems.push({ place: node.place, key, what: `names ${file}, which ${why}` })
      return file
    },
  }
}

function faultOf(file: string): string | undefined {
  try {
    return fs.readFileSync(file, 'latin1').includes(PEM_BEGIN) ? undefined : 'holds nothing in PEM form'
  } catch (error) {
    return `cannot be read: ${error instanceof Error ? error.message : String(error)}`
  }
}
