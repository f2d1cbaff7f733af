import { equal } from 'node:assert/strict'
import { Writable } from 'node:stream'
import { test } from 'node:test'
import { CommandError } from '../../src/cli/command-error.ts'
import { Output } from '../../src/cli/output.ts'

class Sheet extends Writable {
  text = ''
  readonly isTTY: boolean

  constructor(isTTY: boolean) {
    super({
      write: (chunk, _encoding, done) => {
        this.text += String(chunk)
        done()
      },
    })
    this.isTTY = isTTY
  }
}

const conditions: [name: string, isTTY: boolean, environment: NodeJS.ProcessEnv, coloured: boolean][] = [
  ['a terminal gets colours', true, {}, true],
  ['an empty NO_COLOR does not count', true, { NO_COLOR: '' }, true],
  ['NO_COLOR is respected', true, { NO_COLOR: '1' }, false],
  ['a dumb terminal gets none', true, { TERM: 'dumb' }, false],
  ['a pipe gets none', false, {}, false],
]
for (const [name, isTTY, environment, coloured] of conditions) {
  test(name, () => {
    const out = new Sheet(isTTY)
    const err = new Sheet(isTTY)
    const output = new Output(out, err, environment)
    output.line(output.paint('green', 'whole'))
    output.failure(new CommandError('It failed.', { hint: 'Try again.' }))
    equal(out.text, coloured ? '\u001b[32mwhole\u001b[0m\n' : 'whole\n')
    equal(
      err.text,
      coloured ? '\u001b[31moes:\u001b[0m It failed.\n     Try again.\n' : 'oes: It failed.\n     Try again.\n',
    )
  })
}
