import { deepEqual, equal, ok } from 'node:assert/strict'
import fs from 'node:fs'
import { test } from 'node:test'
import { Reason } from '../../src/domain/reasons.ts'
import { FrameSplitter } from '../../src/protocol/frames.ts'
import { Kind } from '../../src/protocol/kinds.ts'
import { MessageReader } from '../../src/protocol/message-reader.ts'
import { unpack } from '../../src/protocol/msgpack.ts'
import {
  decodeReplace,
  decodeSubmit,
  decodeUpdate,
  replaceRequest,
  submitRequest,
  updateRequest,
} from '../../src/protocol/requests.ts'
import { examplesOf, frameOf } from './protocol-examples.ts'

const page = fs.readFileSync(new URL('../../docs/protocol.md', import.meta.url), 'utf8')
const examples = examplesOf(page)

test('the page has every kind, in the order of the table', () => {
  const headings = [...page.matchAll(/^### (\d+) (\w+)$/gm)].map(([, number, name]) => [name, Number(number)])
  const kinds = Object.entries(Kind).map(([name, number]) => [name, number])
  deepEqual(headings, kinds)
})

test('every kind that is sent has an example, but for the records that wrap events', () => {
  const shown = new Set(examples.map(({ message }) => message[0]))
  const missing = Object.entries(Kind)
    .filter(([, kind]) => !shown.has(kind))
    .map(([name]) => name)
  deepEqual(missing, ['InventorySnapshot', 'OrderRecord', 'ReportRecord'])
})

test('elements are counted without gap, from 3 to the last that the encoders write', () => {
  const lasts: Record<string, number> = {}
  for (const section of page.split(/^### /m).slice(1)) {
    const table = /^\| at \| element .*\n([\s\S]*?)\n\n/m.exec(section)?.[1] ?? ''
    const at = [...table.matchAll(/^\| (\d+) \|/gm)].map(match => Number(match[1]))
    deepEqual(
      at,
      at.map((_, i) => i + 3),
    )
    lasts[section.split('\n', 1)[0]!] = at.at(-1) ?? 2
  }
  equal(lasts['64 OrderAccepted'], 20)
  equal(lasts['65 ExecutionReport'], 26)
})

for (const { line, message, frame } of examples) {
  test(`the example in line ${line} is the frame that the codec writes and reads`, () => {
    equal(frame.toString('hex'), frameOf(message).toString('hex'))
    const splitter = new FrameSplitter(1 << 20)
    splitter.push(frame)
    ok(splitter.next())
    deepEqual(unpack(splitter.bytes, splitter.start, splitter.end), message)
    equal(splitter.pendingBytes, 0)
    if (message[0] !== Kind.Submit && message[0] !== Kind.Update && message[0] !== Kind.Replace) return
    const reader = new MessageReader()
    reader.start(splitter.bytes, splitter.start, splitter.end)
    const elements = reader.arrayHeader()
    for (let i = 0; i < 3; i++) reader.integer()
    const reason =
      message[0] === Kind.Submit
        ? decodeSubmit(reader, elements, submitRequest())
        : message[0] === Kind.Replace
          ? decodeReplace(reader, elements, replaceRequest())
          : decodeUpdate(reader, elements, updateRequest())
    equal(reason, Reason.None)
  })
}
