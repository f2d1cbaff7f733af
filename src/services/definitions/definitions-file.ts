// Definitions out of a file: JSON with the sections of the built-in ones.

import fs from 'node:fs'
import { InvalidData } from '../../domain/plain-data.ts'

/** The content of `file`, not checked yet. @throws InvalidData where it is not JSON; the system's error where it cannot be read. */
export function readDefinitionsFile(file: string): unknown {
  const text = fs.readFileSync(file, 'utf8')
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new InvalidData(file, `is not JSON: ${(error as Error).message}`)
  }
}
