import { deepEqual, equal, notEqual, throws } from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import {
  InstallationUnreadable,
  newInstallationId,
  readInstallation,
  writeInstallation,
} from '../../src/stores/installation.ts'
import { temporaryFolder } from './generated-history.ts'

test('a data directory remembers which installation it is, and which journals it has had', t => {
  const folder = temporaryFolder(t)
  equal(readInstallation(folder), undefined)
  const first = { id: newInstallationId(), journals: ['shard-0'], begins: {} }
  writeInstallation(folder, first)
  deepEqual(readInstallation(folder), first)
  const second = { ...first, journals: ['shard-0', 'shard-1'], begins: { 'shard-1': 2 ** 40 } }
  writeInstallation(folder, second)
  deepEqual(readInstallation(folder), second)
  deepEqual(fs.readdirSync(folder), ['installation'])
  notEqual(newInstallationId(), newInstallationId())
})

test('a file that says nothing that can be understood is told, and not taken for a first start', t => {
  const folder = temporaryFolder(t)
  const texts = ['', '{', '[]', '7', 'null', '{}', '{"installation": ""}', '{"installation": 1, "journals": []}']
  for (const text of [
    ...texts,
    '{"installation": "a"}',
    '{"installation": "a", "journals": [1]}',
    '{"installation": "a", "journals": [], "begins": {"shard-0": "1"}}',
  ]) {
    fs.writeFileSync(path.join(folder, 'installation'), text)
    throws(() => readInstallation(folder), InstallationUnreadable, text)
  }
})
