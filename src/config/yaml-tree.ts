// The door to the yaml package: turns a YAML text into a plain tree in which each node knows its line and column, so
// that whatever is wrong with a value can be told at its place.

import { isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument } from 'yaml'

/** Line and column, both counted from 1. */
export interface Place {
  readonly line: number
  readonly column: number
}

export interface YamlScalar {
  readonly kind: 'scalar'
  readonly place: Place
  /** The value as written, without quotes. */
  readonly text: string
  /** True where the value stands in quotes or as a block, so that it is text whatever it looks like. */
  readonly isQuoted: boolean
}

export interface YamlList {
  readonly kind: 'list'
  readonly place: Place
  readonly items: readonly YamlNode[]
}

export interface YamlMap {
  readonly kind: 'map'
  readonly place: Place
  readonly entries: readonly YamlEntry[]
}

export interface YamlEntry {
  readonly key: string
  readonly place: Place
  readonly value: YamlNode
}

export type YamlNode = YamlScalar | YamlList | YamlMap

/** A text that is not YAML, or uses what a configuration has no use for. */
export class YamlInvalid extends Error {
  override name = 'YamlInvalid'
  readonly place: Place

  constructor(place: Place, what: string, cause?: unknown) {
    super(what, { cause })
    this.place = place
  }
}

/** Our words for what the package tells by quoting the text. */
const wordsFor: Readonly<Record<string, string>> = {
  BAD_ALIAS: 'a configuration has no aliases: put a value that begins with * in quotes',
  BAD_DIRECTIVE: 'a configuration has no directives: put what begins with % in quotes',
  BAD_DQ_ESCAPE:
    'a backslash in double quotes begins an escape sequence, but this is none: put the value in single quotes',
  BAD_SCALAR_START: 'a value cannot begin with this character: put it in quotes',
  TAG_RESOLVE_FAILED: 'a configuration has no tags: put a value that begins with ! in quotes',
  UNEXPECTED_TOKEN: 'something stands here that does not belong to the value before it: put the whole value in quotes',
}

/**
 * The tree of a YAML text; an empty text is an empty map.
 * @throws YamlInvalid
 */
export function parseYaml(text: string): YamlNode {
  const lines = new LineCounter()
  const document = parseDocument(text, {
    lineCounter: lines,
    version: '1.2',
    schema: 'core',
    strict: true,
    uniqueKeys: true,
    stringKeys: true,
    prettyErrors: false,
  })
  const placeAt = (offset: number): Place => {
    const { line, col } = lines.linePos(offset)
    return { line: Math.max(line, 1), column: Math.max(col, 1) }
  }
  const error = document.errors[0] ?? document.warnings[0]
  // The package's own words may quote the file, and with it a password.
  if (error) throw new YamlInvalid(placeAt(error.pos[0]), wordsFor[error.code] ?? error.message)

  const treeOf = (node: Node | null | undefined, at: Place): YamlNode => {
    const place = node?.range ? placeAt(node.range[0]) : at
    if (isScalar(node)) {
      const isPlain = node.type === 'PLAIN'
      const text = isPlain ? (node.source ?? '') : String(node.value ?? '')
      return { kind: 'scalar', place, text: isPlain && node.value === null ? '' : text, isQuoted: !isPlain }
    }
    if (isSeq(node)) {
      return { kind: 'list', place, items: node.items.map(item => treeOf(item as Node, place)) }
    }
    if (isMap(node)) {
      const entries = node.items.map(({ key, value }): YamlEntry => {
        // Keys are scalars: the option `stringKeys` refuses all others.
        const name = treeOf(key as Node, place)
        return {
          key: name.kind === 'scalar' ? name.text : '',
          place: name.place,
          value: treeOf(value as Node, name.place),
        }
      })
      return { kind: 'map', place, entries }
    }
    if (isAlias(node)) throw new YamlInvalid(place, 'a configuration has no aliases: write the value itself')
    return { kind: 'scalar', place, text: '', isQuoted: false }
  }

  if (document.contents === null) return { kind: 'map', place: { line: 1, column: 1 }, entries: [] }
  return treeOf(document.contents, { line: 1, column: 1 })
}
