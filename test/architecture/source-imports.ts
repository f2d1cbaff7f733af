// Reads what a source file imports, without running it: every `import` and `export … from`, every `import()` of a plain
// text, and every `new URL(…, import.meta.url)`, which is how a thread's entry is named. Comments and the inside of
// texts are passed over, so that a line of documentation or of generated code imports nothing.

export interface SourceImport {
  /** As it is written: `../base/assert.ts`, `node:net`, `piscina`. */
  readonly specifier: string
  readonly line: number
  /** `value` is followed when the file is loaded, `type` never, `dynamic` when the line is reached; `url` only names a file. */
  readonly form: 'value' | 'type' | 'dynamic' | 'url'
}

interface TextToken {
  readonly value: string
  readonly start: number
  readonly end: number
}

/** All imports of a source file, in its order. */
export function importsOf(source: string): SourceImport[] {
  const { code, texts } = blanked(source)
  const imports: SourceImport[] = []
  for (const { value, start, end } of texts) {
    const before = code.slice(0, start)
    const form = formOf(before, code.slice(end))
    if (form !== undefined) imports.push({ specifier: value, line: before.split('\n').length, form })
  }
  return imports
}

function formOf(before: string, after: string): SourceImport['form'] | undefined {
  if (/\bimport\s*\(\s*$/.test(before)) return 'dynamic'
  if (/\bnew\s+URL\s*\(\s*$/.test(before)) return /^\s*,\s*import\.meta\.url\b/.test(after) ? 'url' : undefined
  // From the last `import` or `export` on there is nothing but names, braces, commas, a star.
  const clause = /(?:^|[;}\n])\s*(?:import|export)\b((?:(?!\b(?:import|export)\b)[\w\s{},*$])*)\bfrom\s*$/.exec(before)
  if (clause !== null) return isOfTypes(clause[1]!) ? 'type' : 'value'
  return /(?:^|[;}\n])\s*import\s*$/.test(before) ? 'value' : undefined
}

/** `type { A, B }`, `type * as x`, or braces in which every name is marked. */
function isOfTypes(clause: string): boolean {
  if (/^\s*type\b(?!\s*,)/.test(clause)) return true
  const names = /^\s*\{([^}]*)\}\s*$/.exec(clause)?.[1]
  const listed = names?.split(',').filter(name => name.trim() !== '') ?? []
  return listed.length > 0 && listed.every(name => /^\s*type\s/.test(name))
}

/** The source with comments and the inside of texts turned into blanks, and the plain texts it holds. */
function blanked(source: string): { code: string; texts: TextToken[] } {
  const texts: TextToken[] = []
  let code = ''
  let at = 0
  const blank = (end: number) => {
    code += source.slice(at, end).replace(/[^\n]/g, ' ')
    at = end
  }
  /** Depth of braces at which each template that is open goes on. */
  const templates: number[] = []
  let depth = 0
  while (at < source.length) {
    const char = source[at]!
    if (source.startsWith('//', at)) blank(endOf(source, /\n|$/g, at))
    else if (source.startsWith('/*', at)) blank(endOf(source, /\*\/|$/g, at + 2))
    else if (char === "'" || char === '"') {
      const end = endOfText(source, at, char)
      texts.push({ value: source.slice(at + 1, end - 1), start: at, end })
      blank(end)
    } else if (char === '`' || (char === '}' && templates.at(-1) === depth)) {
      if (char === '}') templates.pop()
      const end = endOfTemplatePart(source, at + 1)
      if (source[end - 1] === '{') templates.push(depth)
      blank(end)
    } else if (char === '/' && isRegExpNext(code)) blank(endOfRegExp(source, at))
    else {
      if (char === '{') depth += 1
      if (char === '}') depth -= 1
      code += char
      at += 1
    }
  }
  return { code, texts }
}

function endOf(source: string, pattern: RegExp, from: number): number {
  pattern.lastIndex = from
  const match = pattern.exec(source)
  return match === null ? source.length : match.index + match[0].length
}

function endOfText(source: string, start: number, quote: string): number {
  let at = start + 1
  while (at < source.length && source[at] !== quote) at += source[at] === '\\' ? 2 : 1
  return at + 1
}

/** Behind the closing backtick, or behind the `${` at which code begins. */
function endOfTemplatePart(source: string, start: number): number {
  let at = start
  while (at < source.length && source[at] !== '`' && !source.startsWith('${', at)) at += source[at] === '\\' ? 2 : 1
  return source[at] === '`' ? at + 1 : at + 2
}

/** A slash divides behind a value, and opens a regular expression everywhere else. */
function isRegExpNext(code: string): boolean {
  const before = code.trimEnd()
  if (/\b(return|typeof|case|of|in)$/.test(before)) return true
  return before === '' || /[(,=:[!&|?{};+\-*%<>~^]$/.test(before)
}

function endOfRegExp(source: string, start: number): number {
  let isInClass = false
  let at = start + 1
  while (at < source.length && source[at] !== '\n') {
    const char = source[at]
    if (char === '\\') at += 1
    else if (char === '[') isInClass = true
    else if (char === ']') isInClass = false
    else if (char === '/' && !isInClass) return at + 1
    at += 1
  }
  return at
}
