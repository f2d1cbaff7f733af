import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { ShardLink } from '../../src/main/shard-link.ts'
import { createDoorbells, Doorbell } from '../../src/shared-memory/doorbell.ts'
import { COMMAND_HEADER_BYTES, Command, CommandAt } from '../../src/shared-memory/records.ts'
import { createRing, RingConsumer, RingProducer } from '../../src/shared-memory/ring.ts'

function staged() {
  const ring = createRing(1024)
  const link = new ShardLink(new RingProducer(ring), new Doorbell(createDoorbells(1), 0))
  const consumer = new RingConsumer(ring)
  /** Number and body of what arrives, until nothing does any more. */
  const taken = () => {
    const commands: [number, string][] = []
    for (let any = true; any; ) {
      any = false
      link.flush()
      while (consumer.next()) {
        any = true
        const { bytes, view, offset, length } = consumer
        const number = view.getFloat64(offset + CommandAt.orderId, true)
        commands.push([number, Buffer.from(bytes.slice(offset + COMMAND_HEADER_BYTES, offset + length)).toString()])
      }
      consumer.release()
    }
    return commands
  }
  return { link, taken }
}

test('what waits for room keeps the bytes it was given, whose buffer serves for the next', () => {
  const { link, taken } = staged()
  const body = Buffer.alloc(40)
  for (let number = 1; number <= 50; number++) {
    const length = body.write(`command ${number}`)
    ok(link.post(Command.Quote, 0, 0, number, body.subarray(0, length)))
  }
  ok(link.isWaiting)
  body.fill(0)
  deepEqual(
    taken(),
    Array.from({ length: 50 }, (_, index) => [index + 1, `command ${index + 1}`]),
  )
  equal(link.isWaiting, false)
})

test('an urgent command goes before all that wait, and one that is insisted on waits however many do', () => {
  const { link, taken } = staged()
  let number = 0
  while (link.post(Command.Quote, 0, 0, ++number, Buffer.from('q')));
  const body = Buffer.from('rule')
  link.insist(Command.Rule, 0, 0, -1, body)
  link.urge(Command.Sweep, 0, 0, -2, body)
  body.fill(0)
  const commands = taken()
  equal(commands.length, number - 1 + 2)
  deepEqual(commands.at(-1), [-1, 'rule'])
  const firstThatWaited = commands.findIndex(([at]) => at === -2)
  ok(firstThatWaited > 0 && firstThatWaited < 40)
  deepEqual(commands[firstThatWaited], [-2, 'rule'])
})
