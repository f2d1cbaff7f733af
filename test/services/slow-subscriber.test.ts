// A subscriber that does not read, over a real socket: what waits for it stays bounded, and when it reads again it ends
// with the true picture.

import { deepEqual, equal, ok } from 'node:assert/strict'
import { connect } from 'node:net'
import { test } from 'node:test'
import { encodeFrame, FrameSplitter } from '../../src/protocol/frames.ts'
import { pack, unpack, type Value } from '../../src/protocol/msgpack.ts'
import { type MarketEvent, MarketEventType, type Quote } from '../../src/services/market-data/market-event.ts'
import { eventFromWire, MarketDataKind } from '../../src/services/market-data/messages.ts'
import { MarketDataServer } from '../../src/services/market-data/server.ts'
import { ServiceHost } from '../../src/services/wire/service-host.ts'
import { SERVICES_VERSION, WireKind } from '../../src/services/wire/wire-kinds.ts'

const TICKERS = ['ABX.TSX', 'RY.TSX', 'TD.TSX']

/** More than the buffers of any loopback connection take. */
const QUOTES = 150_000
const QUOTES_PER_TURN = 10_000

function quote(index: number): Quote {
  return {
    type: MarketEventType.Quote,
    ticker: TICKERS[index % TICKERS.length]!,
    bid: index + 1,
    ask: index + 2,
    bidSize: 1,
    askSize: 1,
    timestamp: index,
  }
}

test('a subscriber that stops reading is sent less, and ends with the latest quotes', async t => {
  const faults: unknown[] = []
  const server = new MarketDataServer({ isAdministrator: () => false, isService: () => false })
  const host = new ServiceHost({ onFault: fault => faults.push(fault), checkProof: async () => 1 })
  host.add(server)
  const { port } = await host.listen({ host: '127.0.0.1', port: 0 })
  t.after(() => host.close())

  const socket = connect({ port, host: '127.0.0.1', noDelay: true })
  t.after(() => socket.destroy())
  const splitter = new FrameSplitter(1 << 20)
  const events: MarketEvent[] = []
  const answers: Value[][] = []
  let arrived = () => {}
  const until = async (reached: () => boolean) => {
    while (!reached()) {
      await new Promise<void>(resolve => {
        arrived = resolve
      })
    }
  }
  socket.on('data', (chunk: Buffer) => {
    splitter.push(Buffer.from(chunk))
    while (splitter.next()) {
      const message = unpack(splitter.bytes, splitter.start, splitter.end) as Value[]
      const event = eventFromWire(message[0] as number, message)
      if (event !== undefined) events.push(event)
      else if (message[0] === WireKind.Answer) answers.push(message)
    }
    arrived()
  })
  socket.write(encodeFrame(pack([WireKind.Challenge, 1, SERVICES_VERSION])))
  await until(() => answers.length === 1)
  socket.write(encodeFrame(pack([WireKind.Prove, 2, 'session', new Uint8Array(32)])))
  await until(() => answers.length === 2)
  socket.write(encodeFrame(pack([MarketDataKind.SubscribeAll, 3])))
  await until(() => answers.length === 3)

  socket.pause()
  for (let index = 0; index < QUOTES; index++) {
    server.publish(quote(index))
    if (index % QUOTES_PER_TURN === 0) await new Promise(resolve => setImmediate(resolve))
  }
  socket.resume()
  const last = [QUOTES - 3, QUOTES - 2, QUOTES - 1].map(quote)
  await until(() => events.at(-1)?.timestamp === QUOTES - 1)
  deepEqual(events.slice(-3), last)
  ok(events.length < QUOTES, `${events.length} of ${QUOTES} quotes were sent`)
  equal(
    events.findIndex((event, index) => index > 0 && event.timestamp <= events[index - 1]!.timestamp),
    -1,
  )
  deepEqual(faults, [])
})
