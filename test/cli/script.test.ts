import { deepEqual, equal, match } from 'node:assert/strict'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { start } from './command.ts'

const SCRIPT = fileURLToPath(new URL('../../scripts/oes', import.meta.url))

function temporaryFolder(context: TestContext): string {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'oes-script-'))
  context.after(() => fs.rmSync(folder, { recursive: true }))
  return folder
}

/** A checkout that holds nothing but the script. @returns the script in it. */
function bareCheckout(folder: string): string {
  const script = path.join(folder, 'scripts', 'oes')
  fs.mkdirSync(path.dirname(script))
  fs.copyFileSync(SCRIPT, script)
  fs.chmodSync(script, 0o755)
  return script
}

/** A node that tells `version`, and what it was asked to run. */
function fakeNode(file: string, version: string): void {
  fs.mkdirSync(path.dirname(file), { recursive: true })
  fs.writeFileSync(file, `#!/bin/bash\nif [ "$1" = --version ]; then echo ${version}; else echo "$0 runs $@"; fi\n`)
  fs.chmodSync(file, 0o755)
}

/** A PATH with the tools the script needs and no node. */
function toolsWithoutNode(folder: string): string {
  const bin = path.join(folder, 'tools')
  fs.mkdirSync(bin)
  for (const tool of ['bash', 'dirname', 'readlink', 'env']) {
    const found = ['/usr/bin', '/bin'].map(place => path.join(place, tool)).find(file => fs.existsSync(file))
    if (found !== undefined) fs.symlinkSync(found, path.join(bin, tool))
  }
  return bin
}

test('the script runs from any folder, through links to links', async context => {
  const folder = temporaryFolder(context)
  fs.symlinkSync(SCRIPT, path.join(folder, 'first'))
  fs.symlinkSync('first', path.join(folder, 'second'))
  const { status, out, err } = await start(path.join(folder, 'second'), ['--help'], { PATH: '/usr/bin:/bin' }, folder)
    .finished
  deepEqual([status, err], [0, ''])
  match(out, /^Usage: oes/)
})

test('the node of the dependencies comes before the one on the PATH', async context => {
  const folder = temporaryFolder(context)
  const script = bareCheckout(folder)
  const tools = toolsWithoutNode(folder)
  fs.mkdirSync(path.join(folder, 'src', 'cli'), { recursive: true })
  fs.writeFileSync(path.join(folder, 'src', 'cli', 'oes.ts'), '')
  fakeNode(path.join(tools, 'node'), 'v24.1.0')
  const onPath = await start(script, ['orders', 'a b'], { PATH: tools }).finished
  deepEqual(onPath, { status: 0, out: `${tools}/node runs ${folder}/src/cli/oes.ts orders a b\n`, err: '' })
  const own = path.join(folder, 'node_modules', '.bin', 'node')
  fakeNode(own, 'v26.10.0')
  const { out } = await start(script, [], { PATH: tools }).finished
  equal(out, `${own} runs ${folder}/src/cli/oes.ts\n`)
})

test('an installed package runs its built form', async context => {
  const folder = path.join(temporaryFolder(context), 'node_modules', 'order-execution-server')
  fs.mkdirSync(folder, { recursive: true })
  const script = bareCheckout(folder)
  const tools = toolsWithoutNode(folder)
  fakeNode(path.join(tools, 'node'), 'v24.0.0')
  const { out } = await start(script, ['--help'], { PATH: tools }).finished
  equal(out, `${tools}/node runs ${folder}/dist/cli/oes.js --help\n`)
})

test('a missing node, and one that is too old, are told with what to do', async context => {
  const folder = temporaryFolder(context)
  const script = bareCheckout(folder)
  const tools = toolsWithoutNode(folder)
  const missing = await start(script, [], { PATH: tools }).finished
  equal(missing.status, 1)
  match(missing.err, /^oes: there is no Node\.js\. Run 'npm ci' in .*, or install Node\.js 24 or newer\.\n$/)
  fakeNode(path.join(tools, 'node'), 'v18.20.1')
  const old = await start(script, [], { PATH: tools }).finished
  equal(old.status, 1)
  match(old.err, /^oes: .*\/node is v18\.20\.1, but Node\.js 24 or newer is needed\.\n/)
})
