// What README.md and the pages of docs/ show in blocks, cut into pieces that can be run: commands of a shell one by one,
// statements of SQL, parts of configurations, programs, recordings. What a block is, its shape tells: one that looks like
// nothing else is commands, so that nothing escapes by looking strange. Pictures of bytes and records are no pieces, nor
// are blocks marked `frame`, which test/docs/protocol.test.ts reads.

import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

export type PieceKind = 'command' | 'configuration' | 'program' | 'recording' | 'sql'

export interface Piece {
  readonly kind: PieceKind
  /** As `docs/operations.md`. */
  readonly page: string
  /** Of the page, from 1. */
  readonly line: number
  /** The nearest above it. */
  readonly heading: string
  /** Without the indent of the page. */
  readonly text: string
}

interface Block {
  readonly line: number
  readonly heading: string
  readonly lines: readonly string[]
}

/** Names of the pages whose blocks are run. */
export function pageNames(): string[] {
  const docs = fs.readdirSync(path.join(ROOT, 'docs')).filter(name => name.endsWith('.md'))
  return ['README.md', ...docs.sort().map(name => `docs/${name}`)]
}

/** The pieces of a page, in its order. */
export function piecesOf(page: string): Piece[] {
  return piecesOfText(page, fs.readFileSync(path.join(ROOT, page), 'utf8'))
}

export function piecesOfText(page: string, text: string): Piece[] {
  const pieces: Piece[] = []
  for (const block of blocksOf(text)) {
    const kind = kindOf(block.lines)
    if (kind === undefined) continue
    for (const { line, text } of cut(block, kind)) pieces.push({ kind, page, heading: block.heading, line, text })
  }
  return pieces
}

/** Blocks that are indented, and those between fences without a mark that says otherwise. */
function blocksOf(text: string): Block[] {
  const blocks: Block[] = []
  let heading = ''
  let open: { line: number; heading: string; lines: string[] } | undefined
  let fence: string | undefined
  text.split('\n').forEach((line, index) => {
    if (line.startsWith('```')) {
      fence = fence === undefined ? line.slice(3) : undefined
      open = undefined
    } else if (fence === 'frame') return
    else if (fence !== undefined || /^ {4}/.test(line)) {
      if (open === undefined) {
        open = { line: index + 1, heading, lines: [] }
        blocks.push(open)
      }
      open.lines.push(fence === undefined ? line.slice(4) : line)
    } else {
      open = undefined
      heading = /^#+ (.*)$/.exec(line)?.[1] ?? heading
    }
  })
  return blocks
}

/** Undefined for a picture. */
function kindOf(lines: readonly string[]): PieceKind | undefined {
  const first = lines[0]!
  if (/^[|[]|^\d{20}\.log|[─►]/.test(first)) return undefined
  if (/^\w+:( |$)/.test(first)) return 'configuration'
  if (/^(SELECT|WITH)\b/.test(first)) return 'sql'
  if (/^(const|import)\b/.test(first)) return 'program'
  if (/^(quote|print|book|close),/.test(first)) return 'recording'
  return 'command'
}

function cut({ line, lines }: Block, kind: PieceKind): { line: number; text: string }[] {
  if (kind !== 'command' && kind !== 'sql') return [{ line, text: lines.join('\n') }]
  const isWhole = kind === 'sql' ? (text: string) => text.endsWith(';') : isWholeCommand
  const pieces: { line: number; text: string }[] = []
  let from = 0
  for (let end = 1; end <= lines.length; end++) {
    const text = lines.slice(from, end).join('\n')
    if (!isWhole(text) && end < lines.length) continue
    pieces.push({ line: line + from, text })
    from = end
  }
  return pieces
}

/** Whether a shell would begin to run it, and not wait for more lines. */
function isWholeCommand(text: string): boolean {
  return !text.endsWith('\\') && spawnSync('bash', ['-n'], { input: `${text}\n` }).status === 0
}
