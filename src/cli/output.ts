// Where a command writes: results to standard output, everything else to standard error. Colours only where a person
// looks at a terminal and has not asked to go without (NO_COLOR).

import type { CommandError } from './command-error.ts'
import { type Column, printable, tableLines } from './table.ts'

const Code = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33 } as const
export type Colour = keyof typeof Code

export class Output {
  /** Results are JSON, one value per line. */
  isJson = false
  readonly #out: NodeJS.WritableStream & { isTTY?: boolean }
  readonly #err: NodeJS.WritableStream & { isTTY?: boolean }
  readonly #isPlain: boolean

  constructor(
    out: NodeJS.WritableStream & { isTTY?: boolean },
    err: NodeJS.WritableStream & { isTTY?: boolean },
    environment: NodeJS.ProcessEnv,
  ) {
    this.#out = out
    this.#err = err
    this.#isPlain = (environment.NO_COLOR ?? '') !== '' || environment.TERM === 'dumb'
  }

  /** Colours text for standard output. */
  paint(colour: Colour, text: string): string {
    return this.#paint(this.#out, colour, text)
  }

  line(text: string): void {
    this.#out.write(`${text}\n`)
  }

  /** Text that has its ends of lines already. */
  text(text: string): void {
    this.#out.write(text)
  }

  json(value: unknown): void {
    this.line(JSON.stringify(value))
  }

  table<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): void {
    for (const line of tableLines(columns, rows, title => this.paint('bold', title))) this.line(line)
  }

  /** A remark that is no result. */
  note(text: string): void {
    this.#err.write(`${printable(text)}\n`)
  }

  failure(error: CommandError): void {
    // What is wrong with a configuration has a line for each problem.
    const message = error.message.split('\n').map(printable).join('\n     ')
    this.#err.write(`${this.#paint(this.#err, 'red', 'oes:')} ${message}\n`)
    if (error.hint !== '') this.#err.write(`     ${printable(error.hint)}\n`)
  }

  #paint(stream: { isTTY?: boolean }, colour: Colour, text: string): string {
    return this.#isPlain || stream.isTTY !== true ? text : `\u001b[${Code[colour]}m${text}\u001b[0m`
  }
}
