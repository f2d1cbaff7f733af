// Commands that pages name in passing, in the midst of a sentence: they are there, with the flags that are named. Whether
// they do what is said, the tests of each tell.

import { deepEqual } from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { pageNames } from './pages.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/** What stands between backticks on the pages, outside of blocks; each once, with the first page that has it. */
function mentions(beginning: RegExp): Map<string, string> {
  const found = new Map<string, string>()
  for (const page of [...pageNames(), 'ARCHITECTURE.md']) {
    const text = fs.readFileSync(path.join(ROOT, page), 'utf8').replaceAll(/^ {4}.*$|^```[\s\S]*?^```$/gm, '')
    for (const [, code] of text.matchAll(/`([^`]+)`/g)) {
      const words = code!.replaceAll('\n', ' ')
      if (beginning.test(words) && !found.has(words)) found.set(words, page)
    }
  }
  return found
}

test('every oes command that a page names in passing is there, with its flags', t => {
  const compiled = fs.mkdtempSync(path.join(os.tmpdir(), 'oes-mentions-'))
  t.after(() => fs.rmSync(compiled, { recursive: true }))
  const helps = new Map<string, string>()
  /** The help of a command, which ends with another status where there is no such command. */
  const helpOf = (command: string[]) => {
    const key = command.join(' ')
    const known = helps.get(key)
    if (known !== undefined) return known
    const env = { ...process.env, NODE_COMPILE_CACHE: compiled }
    const help = execFileSync(path.join(ROOT, 'scripts', 'oes'), [...command, '--help'], { encoding: 'utf8', env })
    helps.set(key, help)
    return help
  }
  const lost: string[] = []
  for (const [mention, page] of mentions(/^(?:scripts\/)?oes /)) {
    const [, ...words] = mention.split(/ +/)
    let command: string[] = []
    for (const word of words) {
      // A command is listed by its group as `  name …`; what is not is an argument.
      if (!new RegExp(`^  ${RegExp.escape(word)}(?: |$)`, 'm').test(helpOf(command))) break
      command = [...command, word]
    }
    const flags = words.filter(word => word.startsWith('--'))
    const missing = flags.filter(flag => !new RegExp(`${flag}(?![\\w-])`).test(helpOf(command)))
    if (command.length === 0 || missing.length > 0) lost.push(`${page}: ${mention}`)
  }
  deepEqual(lost, [])
})

test('every script of npm that a page names in passing is there', () => {
  const { scripts } = JSON.parse(fs.readFileSync(path.join(ROOT, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>
  }
  const named = [...mentions(/^npm (?:run )?\w+/)].map(([mention, page]) => ({ mention, page }))
  const lost = named.filter(({ mention }) => {
    const [, script] = /^npm (?:run )?([\w-]+)/.exec(mention)!
    return script !== 'ci' && scripts[script!] === undefined
  })
  deepEqual(lost, [])
})
