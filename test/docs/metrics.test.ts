import { deepEqual } from 'node:assert/strict'
import fs from 'node:fs'
import { test } from 'node:test'
import { catalogue } from '../../src/metrics/catalogue.ts'
import { exposedName } from '../../src/metrics/exposition.ts'

const page = fs.readFileSync(new URL('../../docs/metrics.md', import.meta.url), 'utf8')

test('the page of metrics has each metric of the catalogue, in its order, with its kind and meaning', () => {
  const rows = [...page.matchAll(/^\| `(.*)` \| (.*) \| (.*) \|$/gm)].map(([, name, kind, help]) => [name, kind, help])
  deepEqual(
    rows,
    catalogue.map(entry => [exposedName(entry), entry.kind, entry.help]),
  )
})
