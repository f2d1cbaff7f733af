// Holds the tree to its rules: floors, doors, no rings, a purpose at the top of each file. The rules themselves are
// tried on small planted trees first, since a checker that sees nothing approves of everything.

import { deepEqual } from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { cycleViolations, doors, doorViolations, floorViolations, pageViolations, type SourceFile } from './rules.ts'
import { importsOf } from './source-imports.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

function filesOfTree(): SourceFile[] {
  return ['src', 'bench', 'test', 'scripts'].flatMap(part =>
    (fs.readdirSync(path.join(ROOT, part), { recursive: true, encoding: 'utf8' }) as string[])
      .filter(name => name.endsWith('.ts'))
      .map(name => `${part}/${name.split(path.sep).join('/')}`)
      .sort()
      .map(file => ({ path: file, text: fs.readFileSync(path.join(ROOT, file), 'utf8') })),
  )
}

const tree = filesOfTree()

/** A file with a purpose and these lines. */
const planted = (file: string, ...lines: string[]): SourceFile => ({
  path: file,
  text: `// Planted.\n${lines.join('\n')}\n`,
})

test('imports are read in every form, and neither from comments nor from texts', () => {
  const source = [
    "import { a, type B } from './a.ts'",
    "import type { C } from './c.ts'",
    "import { type D, type E } from './d.ts'",
    "import './effect.ts'",
    'import {',
    '  f,',
    "} from './f.ts'",
    "export * from './g.ts'",
    "export type { H } from './h.ts'",
    "// import { no } from './comment.ts'",
    "/* import { no } from './comment.ts' */",
    'const text = "import { no } from \'./text.ts\'"',
    `const template = \`import './template.ts' \${await import('./i.ts')} from './template.ts'\``,
    "const pattern = /'/.test(x) ? import('./j.ts') : x / 2",
    "const thread = new URL('./k-thread.ts', import.meta.url)",
    "const page = new URL('./no.ts', base)",
    "const from = 'plain'",
  ].join('\n')
  deepEqual(importsOf(source), [
    { specifier: './a.ts', line: 1, form: 'value' },
    { specifier: './c.ts', line: 2, form: 'type' },
    { specifier: './d.ts', line: 3, form: 'type' },
    { specifier: './effect.ts', line: 4, form: 'value' },
    { specifier: './f.ts', line: 7, form: 'value' },
    { specifier: './g.ts', line: 8, form: 'value' },
    { specifier: './h.ts', line: 9, form: 'type' },
    { specifier: './i.ts', line: 13, form: 'dynamic' },
    { specifier: './j.ts', line: 14, form: 'dynamic' },
    { specifier: './k-thread.ts', line: 15, form: 'url' },
  ])
})

test('an import that points up, sideways, out of src or nowhere is found', () => {
  const files = [
    planted('src/base/clock.ts', "import { x } from '../domain/money.ts'"),
    planted('src/domain/money.ts', "import { y } from '../base/clock.ts'"),
    planted('src/shards/shard.ts', "import type { Gate } from '../main/gate.ts'"),
    planted('src/main/gate.ts', "import '../../test/gate.ts'"),
    planted('src/main/main.ts', "const entry = new URL('../shards/shard-thread.ts', import.meta.url)"),
    planted('src/shards/shard-thread.ts', "import '../base/lost.ts'"),
    planted('src/client/client.ts', "import '../journal/block.ts'", "import '../domain/money.ts'"),
    planted('src/journal/block.ts'),
    planted('src/cli/serve.ts', "await import('../main/main.ts')", "import '../main/gate.ts'"),
    planted('src/attic/old.ts'),
    planted('src/cli/commands/tune.ts', "const file = new URL('../../../bench/tune.ts', import.meta.url)"),
    planted('src/cli/commands/other.ts', "const file = new URL('../../../bench/tune.ts', import.meta.url)"),
    planted('bench/tune.ts'),
    planted('test/gate.ts', "import '../src/main/gate.ts'"),
  ]
  deepEqual(floorViolations(files), [
    'src/attic/old.ts lies on no floor',
    'src/base/clock.ts:2 imports src/domain/money.ts: base does not rest on domain',
    'src/shards/shard.ts:2 imports src/main/gate.ts: shards does not rest on main',
    'src/main/gate.ts:2 imports test/gate.ts, outside src',
    'src/shards/shard-thread.ts:2 imports src/base/lost.ts, which is not there',
    'src/client/client.ts:2 imports src/journal/block.ts: client does not rest on journal',
    'src/cli/serve.ts:3 imports src/main/gate.ts: cli does not rest on main',
    'src/cli/commands/other.ts:2 imports bench/tune.ts, outside src',
  ])
})

test('a package imported past its door, or without one, is found', () => {
  const atDoors = Object.entries(doors).flatMap(([name, files]) => files.map(file => ({ file, name })))
  const allDoors = atDoors.map(({ file, name }) => planted(file, `import '${name}'`))
  deepEqual(doorViolations(allDoors), [])
  const strays = [
    planted('src/stores/store.ts', "import mysql from 'mysql2/promise'", "import '@scope/part/deep'"),
    planted('src/domain/money.ts', "import net from 'node:net'", "import path from 'node:path'"),
    planted('bench/a.ts', "import 'mysql2'", "import 'mysql2/promise'"),
    planted('bench/b.ts', "import 'mysql2'"),
    planted('test/a.test.ts', "import 'fast-check'", "import 'mysql2'"),
    planted('test/b.test.ts', "import 'fast-check'"),
  ]
  deepEqual(doorViolations([...allDoors, ...strays]), [
    'src/stores/store.ts:2 imports mysql2/promise past its door',
    'src/stores/store.ts:3 imports @scope/part/deep, which has no door',
    'src/domain/money.ts:2 imports node:net past its door',
    'bench/b.ts:2 imports mysql2, as bench/a.ts does already',
  ])
})

test('rings of folders and of files are found', () => {
  const files = [
    planted('src/checks/a.ts', "import '../accounting/b.ts'"),
    planted('src/accounting/b.ts', "import type { A } from '../checks/a.ts'"),
    planted('src/main/a.ts', "import './b.ts'"),
    planted('src/main/b.ts', "import './c.ts'"),
    planted('src/main/c.ts', "import './a.ts'", "import type { D } from './d.ts'"),
    planted('src/main/d.ts', "import './c.ts'"),
  ]
  deepEqual(cycleViolations(files), [
    'checks → accounting → checks is a ring',
    'src/main/a.ts → src/main/b.ts → src/main/c.ts → src/main/a.ts is a ring',
  ])
})

test('a file without a purpose and a file without a subject are found', () => {
  const files = [
    planted('src/base/clock.ts'),
    { path: 'scripts/run.ts', text: '#!/usr/bin/env node\n// Runs.\n' },
    { path: 'src/base/log.ts', text: "import 'node:fs'\n" },
    { path: 'test/base/log.test.ts', text: "import 'node:test'\n" },
    planted('test/utils/a.ts'),
    planted('src/base/helpers.ts'),
  ]
  deepEqual(pageViolations(files), [
    'src/base/log.ts does not open with its purpose',
    'test/utils/a.ts: utils names no subject',
    'src/base/helpers.ts: helpers.ts names no subject',
  ])
})

test('imports of the tree point down or stay in their folder', () => {
  deepEqual(floorViolations(tree), [])
})

test('each package is imported by exactly one file', () => {
  deepEqual(doorViolations(tree), [])
})

test('no folders and no files of the tree form a ring', () => {
  deepEqual(cycleViolations(tree), [])
})

test('every file of the tree opens with its purpose and is named by its subject', () => {
  deepEqual(pageViolations(tree), [])
})
