// The tables of docs/operations.md that repeat what the code has: nothing is missing in them, and nothing is made up.

import { deepEqual } from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import { test } from 'node:test'
import { SCHEMA } from '../../src/config/schema.ts'
import { ExitStatus } from '../../src/main/exit-status.ts'
import { builtInWorld } from '../../src/services/platform/built-in-world.ts'
import { SCRIPTS } from '../scripts/instance.ts'

const page = fs.readFileSync(new URL('../../docs/operations.md', import.meta.url), 'utf8')

/** First cells of the first table whose head begins so. */
function firstCells(head: string): string[] {
  const [, behind] = page.split(`\n${head}`)
  const [, ...rows] = behind!.split('\n\n')[0]!.split('\n')
  return rows.slice(1).map(row => row.split('|')[1]!.trim())
}

const quoted = (cell: string) => [...cell.matchAll(/`([^`]+)`/g)].map(([, word]) => word!)

test('the page explains every section of the configuration, in its order', () => {
  deepEqual(firstCells('| section | decides').flatMap(quoted), Object.keys(SCHEMA.keys))
})

test('the page tells every status with which the server ends', () => {
  deepEqual(firstCells('| exit status | |').map(Number), Object.values(ExitStatus))
})

test('the page tells every account of the demonstration that is no service', () => {
  const named = firstCells('| account | |').flatMap(cell => cell.split(', '))
  const people = builtInWorld.accounts.map(({ name }) => name).filter(name => !builtInWorld.services.includes(name))
  deepEqual(named.filter(name => !builtInWorld.services.includes(name) && name !== '…').sort(), people.sort())
})

test('the page tells every flag of the script that makes the configuration', () => {
  const help = execFileSync('python3', [`${SCRIPTS}/setup.py`, '--help'], { encoding: 'utf8' })
  const flags = [...help.matchAll(/^ {2}(-\w+)[^,\n]*, (--\w+)/gm)].flatMap(([, short, long]) => [short!, long!])
  const told = firstCells('| flag | default |').flatMap(quoted)
  deepEqual(told.sort(), flags.filter(flag => flag !== '-h' && flag !== '--help').sort())
})
