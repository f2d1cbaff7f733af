import { deepEqual, match } from 'node:assert/strict'
import { Writable } from 'node:stream'
import { test } from 'node:test'
import { Progress } from '../../src/cli/progress.ts'

function written(isTTY: boolean): { out: Writable & { isTTY: boolean }; pieces: string[] } {
  const pieces: string[] = []
  const out = new Writable({
    write: (piece, _, done) => {
      pieces.push(String(piece))
      done()
    },
  })
  return { out: Object.assign(out, { isTTY }), pieces }
}

test('a terminal gets a bar that is drawn over itself and taken away at the end', () => {
  const { out, pieces } = written(true)
  const progress = new Progress(out, 'rows')
  progress.show(50, 200)
  progress.show(51, 200) // too soon after the first to be drawn
  progress.finish()
  const cleared = '\r\u001b[K'
  deepEqual([pieces.length, pieces[0]!.startsWith(cleared), pieces[1]], [2, true, cleared])
  match(pieces[0]!.slice(cleared.length), /^\[#{8}\.{22}\] rows 25 %, 50 of 200, \d+\/s$/)
})

test('more than all is all', () => {
  const { out, pieces } = written(true)
  new Progress(out, 'rows').show(210, 200)
  match(pieces[0]!, /\[#{30}\] rows 100 %, 210 of 210,/)
})

test('what is done quickly leaves no lines in a file', () => {
  const { out, pieces } = written(false)
  const progress = new Progress(out, 'rows')
  progress.show(50, 200)
  progress.finish()
  deepEqual(pieces, [])
})
