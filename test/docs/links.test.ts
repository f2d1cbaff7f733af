import { deepEqual } from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const docs = fs.readdirSync(path.join(ROOT, 'docs')).filter(name => name.endsWith('.md'))
const pages = ['README.md', 'ARCHITECTURE.md', ...docs.map(name => `docs/${name}`)]

/** The anchor that a heading gets where pages are shown. */
function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .replaceAll(' ', '-')
}

function anchorsOf(file: string): Set<string> {
  const text = fs.readFileSync(file, 'utf8')
  return new Set([...text.matchAll(/^#+ (.*)$/gm)].map(([, heading]) => anchorOf(heading!)))
}

for (const page of pages) {
  test(`what ${page} points at is there`, () => {
    const text = fs.readFileSync(path.join(ROOT, page), 'utf8')
    const lost: string[] = []
    for (const [, target] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
      const [file, anchor] = target!.split('#')
      const found = path.resolve(ROOT, file === '' ? page : path.join(path.dirname(page), file!))
      if (!fs.existsSync(found)) lost.push(target!)
      else if (anchor !== undefined && !anchorsOf(found).has(anchor)) lost.push(target!)
    }
    // Files and folders of the tree that are named in passing.
    for (const [, named] of text.matchAll(/`((?:src|test|bench|scripts)\/[^`\s…]*)`/g)) {
      if (!fs.existsSync(path.join(ROOT, named!))) lost.push(named!)
    }
    deepEqual(lost, [])
  })
}
