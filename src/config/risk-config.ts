// The configuration of the risk server: read from a YAML file, checked as a whole, and after that exactly of its type.

import fs from 'node:fs'
import { type ReadOptions, readSections } from './config.ts'
import { RISK_SCHEMA } from './risk-schema.ts'
import type { ValuesOf } from './setting.ts'

/** Names are those of the file in camel case; bounds, units and defaults are in the schema. */
export type RiskConfig = ValuesOf<typeof RISK_SCHEMA.keys>

/**
 * The configuration in `file`; without one everything has its default.
 * @throws ConfigInvalid for what is wrong in it; the system's own error where it cannot be read.
 */
export function loadRiskConfig(file: string | undefined, options: ReadOptions = {}): RiskConfig {
  if (file === undefined) return parseRiskConfig('', 'no file', options)
  return parseRiskConfig(fs.readFileSync(file, 'utf8'), file, options)
}

/** The configuration in `text`, which stands in `file`. @throws ConfigInvalid */
export function parseRiskConfig(text: string, file: string, options: ReadOptions = {}): RiskConfig {
  return readSections(RISK_SCHEMA, text, file, () => undefined, options)
}
