// Somebody who does what the pages say, in a home of his own. Two things are given to him that others have from
// elsewhere: `git` and `npm ci` put this checkout and its packages in place instead of fetching them.

import { equal, ok } from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Piece, type PieceKind, pageNames, piecesOf } from './pages.ts'
import { type Place, type Said, Shell, Terminal } from './terminal.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
/** What of the checkout the pages use. */
const PARTS = [
  ...['scripts', 'src', 'bench', 'package.json', 'package-lock.json'],
  ...['config.default.yml', 'platform.default.yml', 'risk.default.yml'],
]
/** Files of the checkout that know its usual ports. */
const WITH_PORTS = /^(?:src\/(?:cli|config)\/.*\.ts|scripts\/setup\.py|\w+\.default\.yml)$/

/** What stands in the pages and in the checkout, and what takes its place here. */
export type Replacements = ReadonlyMap<string, string>

/** Ends at once what listens, or waits, until it is interrupted. */
const GOES_ON = /^(?:scripts\/)?oes (?:serve|platform|risk-server)\b[^&]*$|^npm start\b/

export class Newcomer {
  readonly home = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'oes-newcomer-')))
  readonly shell: Shell
  readonly #replacements: Replacements
  readonly #env: NodeJS.ProcessEnv
  readonly #terminals = new Set<Terminal>()

  constructor(replacements: Replacements) {
    this.#replacements = replacements
    const tools = path.join(this.home, 'tools')
    const origin = path.join(this.home, 'origin')
    this.#makeOrigin(origin)
    fs.mkdirSync(tools)
    const program = (name: string, text: string) => {
      fs.writeFileSync(path.join(tools, name), `#!/bin/bash\nset -euo pipefail\n${text}\n`, { mode: 0o755 })
    }
    const npm = execFileSync('bash', ['-c', 'command -v npm'], { encoding: 'utf8' }).trim()
    program(
      'git',
      `case $1 in
        clone) to=\${3:-\${2##*/}} && cp -R '${origin}' "\${to%.git}" ;;
        pull) [[ -f config.default.yml ]] ;;
        *) exit 2 ;;
      esac`,
    )
    program(
      'npm',
      `if [[ $1 == ci ]]; then [[ -f package-lock.json ]] && ln -sfn '${ROOT}node_modules' node_modules
       else exec '${npm}' "$@"; fi`,
    )
    // Nothing of whoever runs the test says which server is meant, or as whom.
    const inherited = Object.entries(process.env).filter(([name]) => !/^(?:OES|npm)_/i.test(name))
    // A hundred commands read the same sources; what Node makes of them is kept.
    const NODE_COMPILE_CACHE = path.join(this.home, 'compiled')
    this.#env = { ...Object.fromEntries(inherited), HOME: this.home, NODE_COMPILE_CACHE, NO_COLOR: '1' }
    this.shell = new Shell({ cwd: this.home, env: { ...this.#env, PATH: `${tools}:${process.env.PATH}` } })
  }

  /** Text of a page with what stands for its ports and folders. */
  here(text: string): string {
    let replaced = text
    for (const [written, here] of this.#replacements) {
      replaced = replaced.replaceAll(new RegExp(`(?<!\\w)${RegExp.escape(written)}(?!\\w)`, 'g'), here)
    }
    return replaced
  }

  /** Puts a file into a folder of the home, which is made if need be. */
  write(name: string, text: string): void {
    const file = path.join(this.home, name)
    fs.mkdirSync(path.dirname(file), { recursive: true })
    fs.writeFileSync(file, text, { mode: 0o600 })
  }

  /** Gives the shell a command of the test's own, which has to succeed. */
  async does(command: string): Promise<string> {
    const { status, out, err } = await this.shell.run(this.here(command))
    equal(status, 0, `${command}\n${out}\n${err}`)
    return out
  }

  /** Gives the shell a command of a page, as it is written. It has to succeed. */
  async runs(piece: Piece): Promise<string> {
    return (await this.tries(piece, 0)).out
  }

  async tries(piece: Piece, expected: number): Promise<Said> {
    const said = await this.shell.run(this.here(piece.text))
    equal(said.status, expected, `${piece.page}:${piece.line}: ${piece.text}\n${said.out}\n${said.err}`)
    ran(piece)
    return said
  }

  /** Gives a command of a page in a terminal of its own. */
  opens(piece: Piece, options: { isReal?: boolean; folder?: string; as?: string } = {}): Terminal {
    ran(piece)
    const { as, folder = '.' } = options
    const who = as === undefined ? {} : { OES_USERNAME: as, OES_PASSWORD: as }
    // Who opens a terminal has the scripts in his path by now, as the first day says.
    const PATH = `${path.join(this.home, 'order-execution-server', 'scripts')}:${process.env.PATH}`
    const place: Place = { cwd: path.join(this.home, folder), env: { ...this.#env, PATH, ...who } }
    fs.mkdirSync(place.cwd, { recursive: true })
    const terminal = new Terminal(this.here(piece.text), place, options)
    this.#terminals.add(terminal)
    return terminal
  }

  /** Starts a server as a page says, and returns when clients may come. */
  async starts(piece: Piece, folder: string): Promise<Terminal> {
    ok(GOES_ON.test(piece.text), `${piece.text} does not start a server`)
    const terminal = this.opens(piece, { folder })
    await terminal.shows(/^ready \S+:\d+$/m)
    return terminal
  }

  /** Starts a server as a page says, and stops it again. */
  async startsAndStops(piece: Piece, folder: string): Promise<void> {
    await stops(await this.starts(piece, folder))
  }

  /** Ends everything that runs in the home, and removes it. */
  leave(): void {
    this.shell.end()
    for (const terminal of this.#terminals) terminal.kill()
    for (const pid of fs.readdirSync('/proc').filter(name => /^\d+$/.test(name))) {
      try {
        if (fs.readlinkSync(`/proc/${pid}/cwd`).startsWith(this.home)) process.kill(Number(pid), 'SIGKILL')
      } catch {
        // It has ended by itself, or belongs to somebody else.
      }
    }
    fs.rmSync(this.home, { recursive: true, maxRetries: 10 })
  }

  /** What is cloned: the checkout, with what stands for its usual ports. */
  #makeOrigin(origin: string): void {
    for (const part of PARTS) fs.cpSync(path.join(ROOT, part), path.join(origin, part), { recursive: true })
    for (const name of fs.readdirSync(origin, { recursive: true, encoding: 'utf8' })) {
      if (!WITH_PORTS.test(name)) continue
      const file = path.join(origin, name)
      const text = fs.readFileSync(file, 'utf8')
      const replaced = this.here(text)
      if (replaced !== text) fs.writeFileSync(file, replaced)
    }
  }
}

/** Interrupts a server, which has to stop in order. */
export async function stops(terminal: Terminal): Promise<void> {
  const { status, out, err } = await terminal.interrupt()
  equal(status, 0, `${out}\n${err}`)
}

const done = new Set<string>()
const keyOf = ({ page, line }: Piece) => `${page}:${line}`

/** Notes that a piece was tried, for `neverRun`. */
export function ran(piece: Piece): void {
  done.add(keyOf(piece))
}

/** Pieces of all pages that nobody has tried so far. */
export function neverRun(): string[] {
  const all = pageNames().flatMap(piecesOf)
  return all.filter(piece => !done.has(keyOf(piece))).map(piece => `${keyOf(piece)}: ${piece.text}`)
}

/** The pieces of one kind under a heading; there is one at least. */
export function under(page: string, heading: string, kind: PieceKind = 'command'): Piece[] {
  const found = piecesOf(page).filter(piece => piece.heading === heading && piece.kind === kind)
  ok(found.length > 0, `${page} has no ${kind} under ${heading}`)
  return found
}
