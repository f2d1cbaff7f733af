// A page on a terminal that is drawn over and over: on the alternate screen, so that what was there before is there again
// afterwards, without flicker, and with single keys.

export interface Terminal {
  readonly out: NodeJS.WriteStream
  readonly input: NodeJS.ReadStream
}

const ALTERNATE_SCREEN = '\u001b[?1049h\u001b[?25l'
const FORMER_SCREEN = '\u001b[?25h\u001b[?1049l'
const HOME = '\u001b[H'
const END_OF_LINE = '\u001b[K'
const REST_OF_SCREEN = '\u001b[J'

/** Of a terminal that does not know its own size, as one behind a serial line: it says 0. */
const SIZE_UNKNOWN = { columns: 80, rows: 24 }

export class Screen {
  readonly #terminal: Terminal
  readonly #onKey: (key: string) => void
  readonly #onResize: () => void

  constructor(terminal: Terminal, onKey: (key: string) => void, onResize: () => void) {
    this.#terminal = terminal
    this.#onKey = onKey
    this.#onResize = onResize
  }

  get width(): number {
    return Math.max(20, this.#terminal.out.columns || SIZE_UNKNOWN.columns)
  }

  get height(): number {
    return Math.max(4, this.#terminal.out.rows || SIZE_UNKNOWN.rows)
  }

  open(): void {
    const { out, input } = this.#terminal
    out.write(ALTERNATE_SCREEN)
    out.on('resize', this.#onResize)
    input.setRawMode(true)
    input.setEncoding('utf8')
    input.on('data', this.#keys)
    input.resume()
  }

  draw(lines: readonly string[]): void {
    const shown = lines.slice(0, this.height)
    this.#terminal.out.write(`${HOME}${shown.map(line => `${line}${END_OF_LINE}`).join('\r\n')}${REST_OF_SCREEN}`)
  }

  close(): void {
    const { out, input } = this.#terminal
    out.off('resize', this.#onResize)
    input.off('data', this.#keys)
    input.setRawMode(false)
    input.pause()
    out.write(FORMER_SCREEN)
  }

  readonly #keys = (typed: string | Buffer): void => {
    for (const key of String(typed)) this.#onKey(key)
  }
}
