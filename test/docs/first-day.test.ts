// The first day of docs/operations.md as a newcomer lives it: every command of the section, in its order, in one shell.
// Two things are given to it that a newcomer has from elsewhere: `git` and `npm` put this checkout and its packages in
// place instead of fetching them, and the ports are free ones of this machine.

import { deepEqual, equal, match, ok } from 'node:assert/strict'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { run } from '../scripts/instance.ts'
import { freePort, type MariaDb, startMariaDb } from '../stores/mysql/mariadb-server.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/** The commands of a section, without the indent of the page. */
function commandsOf(section: string): string {
  const page = fs.readFileSync(path.join(ROOT, 'docs', 'operations.md'), 'utf8')
  const [, text] = page.split(`\n## ${section}\n`)
  ok(text !== undefined, `there is no section ${section}`)
  const lines = text.split('\n## ')[0]!.split('\n')
  return lines
    .filter(line => line.startsWith('    '))
    .map(line => line.slice(4))
    .join('\n')
}

/** Ends what the shell may have left, found by its folder. */
function endProcessesIn(folder: string): void {
  for (const pid of fs.readdirSync('/proc').filter(name => /^\d+$/.test(name))) {
    try {
      if (fs.readlinkSync(`/proc/${pid}/cwd`).startsWith(folder)) process.kill(Number(pid), 'SIGKILL')
    } catch {
      // It has ended by itself, or belongs to somebody else.
    }
  }
}

/** A home with programs that put the checkout and its packages in place. */
function homeOf(t: TestContext, serverPort: number): string {
  const home = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'oes-first-day-')))
  t.after(() => {
    endProcessesIn(home)
    fs.rmSync(home, { recursive: true, maxRetries: 10 })
  })
  const tools = path.join(home, 'tools')
  fs.mkdirSync(tools)
  const program = (name: string, text: string) => {
    fs.writeFileSync(path.join(tools, name), `#!/bin/bash\nset -euo pipefail\n${text}\n`, { mode: 0o755 })
  }
  const parts = 'scripts src package.json package-lock.json config.default.yml platform.default.yml risk.default.yml'
  program(
    'git',
    `case $1 in
      clone) mkdir "$3" && cd '${ROOT}' && cp -R ${parts} "$3" && sed -i s/:20700/:${serverPort}/ "$3/config.default.yml" ;;
      pull) [[ -f config.default.yml ]] ;;
    esac`,
  )
  program('npm', `[[ $1 == ci && -f package-lock.json ]] && ln -sfn '${ROOT}node_modules' node_modules`)
  return home
}

test('every command of the first day works as it is written', async t => {
  const databases: MariaDb[] = [await startMariaDb(), await startMariaDb()]
  t.after(() => Promise.all(databases.map(database => database.stop())))
  const [serverPort, platformPort] = [await freePort(), await freePort()]
  const home = homeOf(t, serverPort)
  const ports: [string, number][] = [
    ['3306', databases[0]!.port],
    ['3307', databases[1]!.port],
    ['20000', platformPort],
  ]
  let commands = commandsOf('The first day')
  for (const [written, free] of ports) {
    ok(commands.includes(written), `the page has no port ${written}`)
    commands = commands.replaceAll(written, String(free))
  }
  const env = { ...process.env, HOME: home, PATH: `${path.join(home, 'tools')}:${process.env.PATH}` }
  const { status, out, err } = await run('bash', ['-euo', 'pipefail', '-c', commands], { cwd: home, env })
  equal(status, 0, `${out}\n${err}`)
  match(out, /^config\.yml written\.\nconfig\.yml can be used\n# What is in force, from config\.yml/m)
  equal(out.includes('a good password'), false)
  match(
    out,
    /^OrderExecutionServer is running \(pid \d+\), its log is srv_\S+\.log\.\nOrderExecutionServer is running \(pid \d+\)\.$/m,
  )
  match(out, / ABX\.TSX /)
  match(out, /info main clients are welcome /)
  match(out, /^shard: debug\nlevels as configured$/m)
  for (const { port } of databases) match(out, new RegExp(`127\\.0\\.0\\.1:${port}/orders +up to date`))
  match(out, /^Trading is halted for .*alice; 1 working order.* canceled\.$/m)
  const kept = []
  for (const database of databases) kept.push(await database.value('SELECT COUNT(*) FROM orders.submissions'))
  deepEqual(kept.map(String), ['1', '1'])
  equal(fs.existsSync(path.join(home, 'oes', 'pid.lock')), false)
  equal(fs.statSync(path.join(home, 'oes', 'config.yml')).mode & 0o777, 0o600)
})
