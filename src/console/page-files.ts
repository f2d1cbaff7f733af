// What a browser is given: an explicit list, read into memory at the start, so that no path of a request ever names a
// file. The page's own modules are TypeScript, as everything else here; their types are taken off as they are read. The
// packages it uses are served from where npm put them. Nothing comes from another host.

import { createHash } from 'node:crypto'
import fs from 'node:fs'
import { stripTypeScriptTypes } from 'node:module'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'

export interface PageFile {
  readonly type: string
  readonly bytes: Uint8Array
  readonly gzip: Uint8Array
  readonly etag: string
}

/** As this file is: a source in a checkout, built in an installed package. */
const SUFFIX = import.meta.url.endsWith('.ts') ? '.ts' : '.js'
const SCRIPT_TYPE = 'text/javascript; charset=utf-8'

const MODULES = [
  'account-view',
  'audit-view',
  'blotter-view',
  'connection',
  'dialog',
  'format',
  'kill-view',
  'life-view',
  'line-chart',
  'login-view',
  'markup',
  'overview',
  'page',
  'sessions-view',
  'store',
  'theme',
  'violations-view',
  'virtual-table',
] as const

/** By the name under which the page imports them: the file that the package gives to browsers. */
const PACKAGES: Readonly<Record<string, string>> = {
  preact: import.meta.resolve('preact'),
  'preact/hooks': import.meta.resolve('preact/hooks'),
  htm: import.meta.resolve('htm'),
  uplot: import.meta.resolve('uplot/dist/uPlot.esm.js'),
}

export class PageFiles {
  readonly #files = new Map<string, PageFile>()
  /** The header Content-Security-Policy of everything that is served. */
  readonly contentPolicy: string

  constructor() {
    const imports: Record<string, string> = {}
    for (const [name, url] of Object.entries(PACKAGES)) {
      const path = `/packages/${name.replace('/', '-')}.js`
      imports[name] = path
      // Maps of the sources lie beside the package's file, which nobody asks for here.
      this.#add(path, SCRIPT_TYPE, readText(url).replace(/\n\/\/# sourceMappingURL=.*\s*$/, '\n'))
    }
    for (const name of MODULES) {
      const source = readText(new URL(`./page/${name}${SUFFIX}`, import.meta.url))
      const script = SUFFIX === '.ts' ? withoutTypes(source) : source
      this.#add(`/page/${name}${SUFFIX}`, SCRIPT_TYPE, script)
    }
    const styles = readText(new URL('./page/page.css', import.meta.url))
    this.#add('/page/page.css', 'text/css; charset=utf-8', styles)
    this.#add(
      '/packages/uplot.css',
      'text/css; charset=utf-8',
      readText(import.meta.resolve('uplot/dist/uPlot.min.css')),
    )
    this.#addBytes(
      '/packages/inter.woff2',
      'font/woff2',
      fs.readFileSync(
        fileURLToPath(import.meta.resolve('@fontsource-variable/inter/files/inter-latin-wght-normal.woff2')),
      ),
    )
    this.#add('/page/icon.svg', 'image/svg+xml', readText(new URL('./page/icon.svg', import.meta.url)))
    const map = JSON.stringify({ imports })
    const page = readText(new URL('./page/page.html', import.meta.url))
      .replace('<script type="importmap">{}</script>', () => `<script type="importmap">${map}</script>`)
      .replace('/page/page.ts', `/page/page${SUFFIX}`)
    this.#add('/', 'text/html; charset=utf-8', page)
    // The map of imports is the one thing inside the page that a browser reads as a script: it alone, word for word.
    const hash = createHash('sha256').update(map).digest('base64')
    this.contentPolicy = [
      "default-src 'none'",
      `script-src 'self' 'sha256-${hash}'`,
      "style-src 'self'",
      "font-src 'self'",
      "img-src 'self'",
      "connect-src 'self'",
      "base-uri 'none'",
      "form-action 'none'",
      "frame-ancestors 'none'",
    ].join('; ')
  }

  /** The file at a path, or undefined. */
  at(path: string): PageFile | undefined {
    return this.#files.get(path)
  }

  get paths(): Iterable<string> {
    return this.#files.keys()
  }

  #add(path: string, type: string, text: string): void {
    this.#addBytes(path, type, Buffer.from(text))
  }

  #addBytes(path: string, type: string, bytes: Buffer): void {
    const etag = `"${createHash('sha256').update(bytes).digest('base64url').slice(0, 22)}"`
    this.#files.set(path, { type, bytes, gzip: gzipSync(bytes), etag })
  }
}

/** Node says once for each thread that this function of its own may change; a log of a server is no place for that. */
function withoutTypes(source: string): string {
  const { emitWarning } = process
  process.emitWarning = () => {}
  try {
    return stripTypeScriptTypes(source)
  } finally {
    process.emitWarning = emitWarning
  }
}

function readText(file: string | URL): string {
  return fs.readFileSync(fileURLToPath(file), 'utf8')
}
