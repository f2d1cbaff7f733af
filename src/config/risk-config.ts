// The configuration of the risk server: read from a YAML file, checked as a whole, and after that exactly of its type.

import fs from 'node:fs'
import { type ReadOptions, readSections } from './config.ts'
import { RISK_SCHEMA } from './risk-schema.ts'
import type { Reading, ValuesOf } from './setting.ts'

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
  return readSections(RISK_SCHEMA, text, file, checkRelations, options)
}

/** What holds between two keys; noted at the one that the file gives. */
function checkRelations({ orderExecutionTls }: RiskConfig, reading: Reading): void {
  const { use, ca, certificate, key, serverName } = orderExecutionTls
  const note = (name: string, what: string) => {
    const at = `order_execution_tls.${name}`
    reading.problems.push({ place: reading.places.get(at) ?? { line: 1, column: 1 }, key: at, what })
  }
  const given = { ca, certificate, key, server_name: serverName }
  for (const [name, value] of Object.entries(given)) {
    if (value !== undefined && use === 'off') note(name, 'is of no use where use is off: make that on')
  }
  if (certificate !== undefined && key === undefined) note('certificate', 'needs key, the key that belongs to it')
  if (key !== undefined && certificate === undefined) note('key', 'needs certificate, to which it belongs')
}
