// Writes docs/reasons.md from the table of reasons. Run it after a change of the table: `node scripts/reasons.ts`.

import fs from 'node:fs'
import { Reason, reasons } from '../src/domain/reasons.ts'

export const REASONS_PAGE = new URL('../docs/reasons.md', import.meta.url)

/** The stage that the hundreds of a number name. */
const stages: Readonly<Record<number, string>> = {
  1: 'Form of the request',
  2: 'Reference data, permissions, the state of an order',
  3: 'Checks',
  4: 'Compliance',
  5: 'Risk state',
  6: 'Destination',
  9: 'The server itself: of the moment, the same may succeed later',
}

/** The page as it has to be. */
export function reasonsPage(): string {
  const lines = [
    '# Reasons',
    '',
    'Why something was refused, rejected, canceled or closed. The number tells the stage by its hundreds; number and name',
    'keep their meaning for ever, the text may change. `{0}`, `{1}` stand for the parameters that come with the number.',
    '',
    'This page is written by `scripts/reasons.ts` from [src/domain/reasons.ts](../src/domain/reasons.ts).',
  ]
  let stage = 0
  for (const { code, name, text } of reasons) {
    if (code === Reason.None) continue
    const hundreds = Math.floor(code / 100)
    if (hundreds !== stage) {
      stage = hundreds
      const title = stages[stage]
      if (title === undefined) throw new Error(`reasons ${stage}00 name no stage; give it a title here`)
      lines.push('', `## ${stage}00 ${title}`, '', '| code | name | text |', '|--:|---|---|')
    }
    lines.push(`| ${code} | ${name} | ${text} |`)
  }
  return `${lines.join('\n')}\n`
}

if (import.meta.main) fs.writeFileSync(REASONS_PAGE, reasonsPage())
