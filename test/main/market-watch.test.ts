// Which tickers main follows: those that were asked for, told when their market stands in the table; a bounded number.

import { deepEqual, equal } from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { Log } from '../../src/base/log.ts'
import { MICROS } from '../../src/domain/money.ts'
import { Market } from '../../src/main/market.ts'
import { MarketWatch } from '../../src/main/market-watch.ts'
import { ShardLink } from '../../src/main/shard-link.ts'
import { MarketDataClient } from '../../src/services/market-data/client.ts'
import { MarketEventType } from '../../src/services/market-data/market-event.ts'
import { MarketDataPublisher } from '../../src/services/market-data/publisher.ts'
import { Doorbell } from '../../src/shared-memory/doorbell.ts'
import { createSharedMemory, shardThread } from '../../src/shared-memory/memory-map.ts'
import { QuoteTable } from '../../src/shared-memory/quote-table.ts'
import { COMMAND_HEADER_BYTES, Command, CommandAt } from '../../src/shared-memory/records.ts'
import { RingConsumer, RingProducer } from '../../src/shared-memory/ring.ts'
import { RunningPlatform } from '../services/running-platform.ts'

/** Whatever is waited for in vain ends the test. */
const BOUNDED = { timeout: 240_000 }

const TICKERS_MAX = 4

/** A platform whose market the test plays, the watch over it, and a shard's end of the command ring. */
async function staged(t: TestContext) {
  const platform = await RunningPlatform.start(t, { market: 'published' })
  const memory = createSharedMemory({
    shards: 1,
    commandRingBytes: 1 << 16,
    reportRingBytes: 1 << 16,
    accountsMax: 1,
    positionsPerShardMax: 1,
    tickersMax: TICKERS_MAX,
    ratesMax: 1,
    destinationsMax: 1,
    lanes: 3,
    laneBytes: 64,
  })
  const link = new ShardLink(new RingProducer(memory.commandRings[0]!), new Doorbell(memory.doorbells, shardThread(0)))
  const ring = new RingConsumer(memory.commandRings[0]!)
  const market = new Market(new QuoteTable(memory.quotes, TICKERS_MAX), [link], () => 1)
  const locator = await platform.login('order_execution_service')
  const data = await MarketDataClient.open(locator, event => market.take(event))
  t.after(() => data.close())
  const publisher = await MarketDataPublisher.open(locator)
  t.after(() => publisher.close())
  const watch = new MarketWatch({
    data,
    market,
    shards: [link],
    tickersMax: TICKERS_MAX,
    nowUs: () => 1,
    log: new Log({ component: 'main', level: 'error' }),
  })
  t.after(() => watch.close())
  const told: string[] = []
  const names = new Map<number, string>(Object.entries(Command).map(([name, type]) => [type, name]))
  /** What the shard was sent, in words, once there is as much as that. */
  const commands = async (count: number) => {
    while (told.length < count) {
      link.flush()
      while (ring.next()) {
        const { view, offset, length, bytes } = ring
        const type = view.getUint32(offset + CommandAt.type, true)
        const body = bytes.slice(offset + COMMAND_HEADER_BYTES, offset + length)
        if (type === Command.Quote) told.push(`Quote ${new DataView(body.buffer).getFloat64(0, true) / MICROS}`)
        else {
          const word = view.getFloat64(offset + CommandAt.orderId, true) === 0 ? '' : ' NO ROOM'
          told.push(`${names.get(type)} ${new TextDecoder().decode(body)}${word}`)
        }
      }
      ring.release()
      await new Promise(setImmediate)
    }
    return told.splice(0)
  }
  const quote = async (ticker: string, bid: number) => {
    const [size, ask] = [MICROS, (bid + 1) * MICROS]
    const event = { type: MarketEventType.Quote, ticker, bid: bid * MICROS, ask, bidSize: size, askSize: size }
    publisher.publish({ ...event, timestamp: 1 })
    await publisher.published()
  }
  return { platform, watch, data, commands, quote }
}

test('a ticker is told once its quote is there, and followed from then on', BOUNDED, async t => {
  const { watch, commands, quote } = await staged(t)
  await quote('ABX.TSX', 20)
  await quote('RY.TSX', 100)
  watch.firstUse(0, 'ABX.TSX')
  deepEqual(await commands(3), ['Ticker ABX.TSX', 'Quote 20', 'Watched ABX.TSX'])
  await quote('ABX.TSX', 21)
  await quote('RY.TSX', 101)
  deepEqual(await commands(1), ['Quote 21'])
  // One that is followed already is told at once, and one that nobody quotes when that is known.
  watch.firstUse(0, 'ABX.TSX')
  watch.firstUse(0, 'ZZZ.TSX')
  deepEqual(await commands(2), ['Watched ABX.TSX', 'Watched ZZZ.TSX'])
  await quote('ZZZ.TSX', 5)
  deepEqual(await commands(2), ['Ticker ZZZ.TSX', 'Quote 5'])
})

test(
  'what was asked for while the service was away, and what changed meanwhile, is told when it is back',
  BOUNDED,
  async t => {
    const { platform, watch, commands, quote } = await staged(t)
    await quote('ABX.TSX', 20)
    watch.firstUse(0, 'ABX.TSX')
    await commands(3)
    await platform.stop()
    watch.firstUse(0, 'RY.TSX')
    void quote('ABX.TSX', 22)
    void quote('RY.TSX', 100)
    await platform.start()
    const told = await commands(4)
    deepEqual(told.toSorted(), ['Quote 100', 'Quote 22', 'Ticker RY.TSX', 'Watched RY.TSX'])
    await quote('RY.TSX', 101)
    deepEqual(await commands(1), ['Quote 101'])
  },
)

test('a ticker that nobody quotes and no order uses makes way for a new one, others do not', BOUNDED, async t => {
  const { watch, data, commands, quote } = await staged(t)
  await quote('ABX.TSX', 20)
  await watch.watch('HELD.TSX', 10_000)
  for (const ticker of ['ABX.TSX', 'AAA.TSX', 'BBB.TSX']) watch.firstUse(0, ticker)
  await commands(5)
  equal(watch.size, TICKERS_MAX)
  watch.used('BBB.TSX')
  watch.firstUse(0, 'CCC.TSX')
  deepEqual(await commands(1), ['Watched CCC.TSX'])
  watch.used('CCC.TSX')
  watch.firstUse(0, 'DDD.TSX')
  deepEqual(await commands(1), ['Watched DDD.TSX NO ROOM'])
  equal(watch.size, TICKERS_MAX)
  // AAA is not followed any more: what comes of it is not told.
  await quote('AAA.TSX', 1)
  await quote('ABX.TSX', 21)
  deepEqual(await commands(1), ['Quote 21'])
  deepEqual(data.picture.tickers(), ['ABX.TSX'])
})
