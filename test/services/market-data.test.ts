// The market: the same seed gives the same events, a recording replays as recorded, subscribers get a snapshot and then
// changes, and a slow one the latest state.

import { deepEqual, equal, ok, throws } from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import fc from 'fast-check'
import { MICROS } from '../../src/domain/money.ts'
import { Reason } from '../../src/domain/reasons.ts'
import { Side } from '../../src/domain/side.ts'
import { MarketDataClient } from '../../src/services/market-data/client.ts'
import { type MarketEvent, MarketEventType } from '../../src/services/market-data/market-event.ts'
import { MarketPicture } from '../../src/services/market-data/market-picture.ts'
import { eventFromWire, eventKind, eventToWire } from '../../src/services/market-data/messages.ts'
import { MarketDataPublisher } from '../../src/services/market-data/publisher.ts'
import { InvalidRecording, ReplayFeed, readRecording } from '../../src/services/market-data/replay-feed.ts'
import { SimulatedFeed } from '../../src/services/market-data/simulated-feed.ts'
import { Subscriber } from '../../src/services/market-data/subscriber.ts'
import type { ServiceSession } from '../../src/services/wire/service-host.ts'
import { RunningPlatform, refusal } from './running-platform.ts'

const OES = fileURLToPath(new URL('../../src/cli/oes.ts', import.meta.url))
const START_US = 1_770_000_000_000_000
const SECOND_US = 1_000_000
const unit = (value: number) => value * MICROS

test('the same seed and clock give the same events, another seed others', () => {
  const run = (seed: number) => {
    const feed = new SimulatedFeed({ seed, eventsPerSecond: 500 })
    return [START_US, START_US + SECOND_US / 2, START_US + SECOND_US].flatMap(nowUs => feed.advance(nowUs))
  }
  deepEqual(run(1), run(1))
  equal(JSON.stringify(run(1)) === JSON.stringify(run(2)), false)
})

test('how often the clock is looked at makes no difference', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 2 * SECOND_US }), { maxLength: 20 }), looks => {
      const options = { seed: 3, eventsPerSecond: 40 }
      const once = new SimulatedFeed(options)
      const often = new SimulatedFeed(options)
      const times = [0, ...looks.sort((a, b) => a - b), SECOND_US, 2 * SECOND_US].sort((a, b) => a - b)
      deepEqual(
        times.flatMap(time => often.advance(START_US + time)),
        [0, SECOND_US, 2 * SECOND_US].flatMap(time => once.advance(START_US + time)),
      )
    }),
    { numRuns: 20 },
  )
})

test('the simulated market keeps its promises', () => {
  const feed = new SimulatedFeed({ seed: 5, eventsPerSecond: 1_000 })
  const picture = new MarketPicture()
  let [prints, last] = [0, 0]
  for (let second = 0; second < 30; second++) {
    for (const event of feed.advance(START_US + second * SECOND_US)) {
      ok(event.timestamp >= last)
      last = event.timestamp
      if (event.type === MarketEventType.Print) {
        const quote = picture.quote(event.ticker)!
        ok(event.price === quote.bid || event.price === quote.ask)
        ok(event.size > 0 && event.size % unit(100) === 0)
        prints += 1
      }
      picture.apply(event)
      if (event.type !== MarketEventType.Quote) continue
      ok(event.bid > 0 && event.ask > event.bid && event.bidSize > 0 && event.askSize > 0)
      const close = picture.previousClose(event.ticker)!.price
      ok(Math.abs(event.bid - close) <= 0.1 * close + 10 * 10_000, `${event.ticker} at ${event.bid} from ${close}`)
      const levels = [...picture.bookLevels(event.ticker)]
      const best = (side: Side) => levels.filter(level => level.side === side).map(level => level.price)
      deepEqual([Math.max(...best(Side.Bid)), Math.min(...best(Side.Ask))], [event.bid, event.ask])
      equal(levels.length, 6)
    }
  }
  equal(picture.tickers().length, 42)
  ok(prints > 5_000)
})

test('a stall is skipped, and a market without events stands still', () => {
  const feed = new SimulatedFeed({ seed: 1, eventsPerSecond: 10 })
  feed.advance(START_US)
  const events = feed.advance(START_US + 3_600 * SECOND_US)
  ok(events.every(event => event.timestamp >= START_US + 3_599 * SECOND_US))
  const still = new SimulatedFeed({ eventsPerSecond: 0 })
  equal(still.ended, false)
  ok(still.advance(START_US).length > 0)
  equal(still.ended, true)
  deepEqual(still.advance(START_US + SECOND_US), [])
})

const recording = `
# time is µs or ISO 8601
close, 2026-02-02T14:30:00Z, ABX.TSX, 25.00
quote, 2026-02-02T14:30:00Z, ABX.TSX, 25.00, 25.01, 100, 200
{"type":"print","time":"2026-02-02T14:30:02Z","ticker":"ABX.TSX","price":25.01,"size":300,"condition":"@","market_center":"TSE"}
book, 1770042601000000, ABX.TSX, ANON, XTSE, BID, 25.00, 100
`

test('a recording is read in the order of its times and replayed at its speed', () => {
  const events = readRecording(recording, 'test')
  const close = { type: MarketEventType.PreviousClose, ticker: 'ABX.TSX', price: unit(25), timestamp: START_US }
  const quote = {
    type: MarketEventType.Quote,
    ticker: 'ABX.TSX',
    bid: unit(25),
    ask: 25_010_000,
    bidSize: unit(100),
    askSize: unit(200),
    timestamp: START_US,
  }
  const level = {
    type: MarketEventType.BookLevel,
    ticker: 'ABX.TSX',
    mpid: 'ANON',
    venue: 'XTSE',
    side: Side.Bid,
    price: unit(25),
    size: unit(100),
    timestamp: START_US + SECOND_US / 2,
  }
  const print = {
    type: MarketEventType.Print,
    ticker: 'ABX.TSX',
    price: 25_010_000,
    size: unit(300),
    condition: '@',
    marketCenter: 'TSE',
    timestamp: START_US + SECOND_US,
  }
  const feed = new ReplayFeed(events, 2)
  deepEqual(feed.advance(START_US), [close, quote])
  deepEqual(feed.advance(START_US + SECOND_US / 2 - 1), [])
  deepEqual(feed.advance(START_US + SECOND_US / 2), [level])
  equal(feed.ended, false)
  deepEqual(feed.advance(START_US + 10 * SECOND_US), [print])
  equal(feed.ended, true)
})

const badLines: [line: string, problem: string][] = [
  ['trade, 1, ABX.TSX, 1', 'the type is one of quote, print, book, close'],
  ['close, 1, ABX.TSX', 'type, time, ticker, price are expected'],
  ['close, yesterday, ABX.TSX, 1', 'time has to be ISO 8601 or µs since the epoch'],
  ['close, 1, , 1', 'ticker has to be a text'],
  ['close, 1, ABX.TSX, 1.0000001', 'price has to be a number with at most six decimals'],
  ['close, 1, ABX.TSX, -1', 'price has to be a number with at most six decimals'],
  ['close, 1, ABX.TSX, NaN', 'price has to be a number with at most six decimals'],
  ['book, 1, ABX.TSX, M, XTSE, BUY, 1, 1', 'side has to be BID or ASK'],
  ['{"type":"halt","time":1,"ticker":"ABX.TSX"}', 'the type is one of quote, print, book, close'],
]
for (const [line, problem] of badLines) {
  test(`a recording is refused at the line ${line}`, () => {
    throws(() => readRecording(`\n${line}\n`, 'day.csv'), new InvalidRecording('day.csv', 2, problem))
  })
}

test('events are the same after the wire', () => {
  const feed = new SimulatedFeed({ seed: 2, eventsPerSecond: 100 })
  const events = [...feed.advance(START_US), ...feed.advance(START_US + SECOND_US)]
  deepEqual(
    events.map(event => eventFromWire(eventKind(event), [eventKind(event), 0, ...eventToWire(event)])),
    events,
  )
})

test('the differences of two pictures turn one into the other', () => {
  const event = fc.oneof(
    fc.record({
      type: fc.constant(MarketEventType.BookLevel),
      ticker: fc.constantFrom('A.TSX', 'B.TSX'),
      mpid: fc.constant('M'),
      venue: fc.constant('XTSE'),
      side: fc.constantFrom(Side.Bid, Side.Ask),
      price: fc.integer({ min: 1, max: 3 }),
      size: fc.integer({ min: 0, max: 2 }),
      timestamp: fc.constant(0),
    }),
    fc.record({
      type: fc.constant(MarketEventType.PreviousClose),
      ticker: fc.constantFrom('A.TSX', 'B.TSX'),
      price: fc.integer({ min: 1, max: 3 }),
      timestamp: fc.constant(0),
    }),
  )
  const levelsOf = (picture: MarketPicture) =>
    ['A.TSX', 'B.TSX'].map(ticker => [...picture.bookLevels(ticker)].map(level => JSON.stringify(level)).sort())
  fc.assert(
    fc.property(fc.array(event), fc.array(event), (before, after) => {
      const [old, fresh] = [new MarketPicture(), new MarketPicture()]
      for (const one of before) old.apply(one)
      for (const one of after) fresh.apply(one)
      for (const difference of old.differencesTo(fresh)) old.apply(difference)
      deepEqual(levelsOf(old), levelsOf(fresh))
      deepEqual(
        old.differencesTo(fresh).filter(difference => old.apply(difference)),
        [],
      )
    }),
  )
})

test('a subscriber that reads slowly gets the latest of each quote and every print', () => {
  const sent: MarketEvent[] = []
  let drained = () => {}
  const connection = {
    congested: false,
    onceDrained: (listener: () => void) => {
      drained = listener
    },
  }
  // Stands for a session whose socket a test cannot fill at will.
  const session = {
    connection,
    push: (kind: number, elements: unknown[]) => sent.push(eventFromWire(kind, [kind, 0, ...(elements as [])])!),
  }
  const subscriber = new Subscriber(session as unknown as ServiceSession)
  const quote = (bid: number): MarketEvent => ({
    type: MarketEventType.Quote,
    ticker: 'ABX.TSX',
    bid,
    ask: bid + 1,
    bidSize: 1,
    askSize: 1,
    timestamp: bid,
  })
  const print = (price: number): MarketEvent => ({
    type: MarketEventType.Print,
    ticker: 'ABX.TSX',
    price,
    size: 1,
    condition: '@',
    marketCenter: 'TSE',
    timestamp: price,
  })
  subscriber.publish(quote(1))
  connection.congested = true
  for (const event of [quote(2), print(2), quote(3), print(3), quote(4)]) subscriber.publish(event)
  deepEqual(sent, [quote(1)])
  connection.congested = false
  drained()
  subscriber.publish(quote(5))
  deepEqual(sent, [quote(1), print(2), print(3), quote(4), quote(5)])
})

test('a subscription begins with how things stand, and ends', async t => {
  const platform = await RunningPlatform.start(t)
  const heard: MarketEvent[] = []
  const client = await MarketDataClient.open(await platform.login('alice'), event => heard.push(event))
  t.after(() => client.close())
  equal((await client.loadTickers()).length, 42)
  await client.subscribe(['ABX.TSX', 'NOBODY.TSX'])
  deepEqual([...new Set(heard.map(event => `${event.ticker} ${event.type}`))], ['ABX.TSX 3', 'ABX.TSX 2', 'ABX.TSX 0'])
  equal(client.picture.previousClose('ABX.TSX')?.price, 25_370_000)
  await client.unsubscribe(['ABX.TSX'])
  equal(client.picture.quote('ABX.TSX'), undefined)
  await client.subscribeAll()
  equal(client.picture.tickers().length, 42)
  await client.unsubscribeAll()
  deepEqual(client.picture.tickers(), [])
})

test('a moving market reaches its subscribers as it happens', async t => {
  const platform = await RunningPlatform.start(t, { market: { seed: 1, eventsPerSecond: 1_000 } })
  const mirror = new MarketPicture()
  let moves = 0
  let moved = () => {}
  const whenMoved = new Promise<void>(resolve => {
    moved = resolve
  })
  const client = await MarketDataClient.open(await platform.login('alice'), event => {
    mirror.apply(event)
    moves += 1
    if (moves > 1_000) moved()
  })
  t.after(() => client.close())
  await client.subscribeAll()
  await whenMoved
  deepEqual(mirror.quote('ABX.TSX'), client.picture.quote('ABX.TSX'))
})

test('after a reconnect only what differs is told', async t => {
  const platform = await RunningPlatform.start(t)
  const heard: MarketEvent[] = []
  let available = (_: boolean) => {}
  const whenAvailable = (wanted: boolean) =>
    new Promise<void>(resolve => {
      available = is => {
        if (is === wanted) resolve()
      }
    })
  const client = await MarketDataClient.open(await platform.login('alice'), event => heard.push(event), {
    onAvailability: (_, is) => available(is),
  })
  t.after(() => client.close())
  await client.subscribe(['ABX.TSX'])
  heard.length = 0
  const away = whenAvailable(false)
  await platform.stop()
  await away
  const back = whenAvailable(true)
  await platform.start()
  await back
  // The same seed opens the same market: nothing but the time of the quote is new.
  deepEqual(
    heard.map(event => event.type),
    [MarketEventType.Quote],
  )
})

const FEED = 'market_data_service'

function quote(ticker: string, bid: number, timestamp = START_US): MarketEvent {
  const sizes = { bidSize: unit(100), askSize: unit(200) }
  return { type: MarketEventType.Quote, ticker, bid: unit(bid), ask: unit(bid + 1), ...sizes, timestamp }
}

function print(price: number): MarketEvent {
  const said = { size: unit(100), condition: '@', marketCenter: 'TSE', timestamp: START_US }
  return { type: MarketEventType.Print, ticker: 'ABX.TSX', price: unit(price), ...said }
}

test('what a feed publishes over the wire reaches whoever subscribed, in order', async t => {
  const platform = await RunningPlatform.start(t, { market: 'published' })
  const publisher = await MarketDataPublisher.open(await platform.login(FEED))
  t.after(() => publisher.close())
  const heard: MarketEvent[] = []
  const client = await MarketDataClient.open(await platform.login('alice'), event => heard.push(event))
  t.after(() => client.close())
  publisher.publish(quote('ABX.TSX', 24))
  publisher.publish(quote('RY.TSX', 130))
  await publisher.published()
  await client.subscribe(['ABX.TSX'])
  const events = [print(25), quote('ABX.TSX', 25), print(25.5), quote('ABX.TSX', 26)]
  for (const event of [...events, quote('RY.TSX', 131), quote('ABX.TSX', 26)]) publisher.publish(event)
  await publisher.published()
  // An answer on the same connection comes after the pushes before it.
  deepEqual(await client.loadTickers(), ['ABX.TSX', 'RY.TSX'])
  deepEqual(heard, [quote('ABX.TSX', 24), ...events])
})

test('only services publish, and what they publish is checked', async t => {
  const platform = await RunningPlatform.start(t, { market: 'published' })
  const alice = await MarketDataPublisher.open(await platform.login('alice'))
  t.after(() => alice.close())
  alice.publish(quote('ABX.TSX', 24))
  equal(await refusal(alice.published()), Reason.NotPermitted)
  const feed = await MarketDataPublisher.open(await platform.login(FEED))
  t.after(() => feed.close())
  feed.publish({ ...quote('ABX.TSX', 24), timestamp: 0.5 })
  equal(await refusal(feed.published()), Reason.MalformedMessage)
  throws(() => feed.publish(quote('ABX.TSX', 25)), { code: Reason.MalformedMessage })
})

test('a market data service that starts anew is handed the market as it stands, and no print of the meantime', async t => {
  const platform = await RunningPlatform.start(t, { market: 'published' })
  let available = (_: boolean) => {}
  const whenAvailable = (wanted: boolean) =>
    new Promise<void>(resolve => {
      available = is => {
        if (is === wanted) resolve()
      }
    })
  const publisher = await MarketDataPublisher.open(await platform.login(FEED), {
    onAvailability: (_, is) => available(is),
  })
  t.after(() => publisher.close())
  publisher.publish(quote('ABX.TSX', 24))
  publisher.publish(quote('RY.TSX', 130))
  await publisher.published()
  const away = whenAvailable(false)
  await platform.stop()
  await away
  for (const bid of [25, 26, 27]) publisher.publish(quote('ABX.TSX', bid))
  publisher.publish(print(27))
  const back = whenAvailable(true)
  await platform.start()
  await back
  await publisher.published()
  const heard: MarketEvent[] = []
  const client = await MarketDataClient.open(await platform.login('alice'), event => heard.push(event))
  t.after(() => client.close())
  await client.subscribeAll()
  deepEqual(heard, [quote('ABX.TSX', 27), quote('RY.TSX', 130)])
})

test('the example feed publishes a recording to its end', async t => {
  const platform = await RunningPlatform.start(t, { market: 'published' })
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'feed-'))
  t.after(() => fs.rmSync(folder, { recursive: true }))
  const file = path.join(folder, 'day.csv')
  fs.writeFileSync(file, '# a short day\nclose,1000,ABX.TSX,24\nquote,2000,ABX.TSX,25,26,100,200\n')
  const heard: MarketEvent[] = []
  let ended = () => {}
  const whole = new Promise<void>(resolve => {
    ended = resolve
  })
  const client = await MarketDataClient.open(await platform.login('alice'), event => {
    heard.push(event)
    if (heard.length === 2) ended()
  })
  t.after(() => client.close())
  await client.subscribe(['ABX.TSX'])
  const { host, port } = platform.address
  const flags = ['feed', file, '--locator', `${host}:${port}`, '--username', FEED, '--password', FEED]
  const child = spawn(process.execPath, [OES, ...flags], { stdio: ['ignore', 'ignore', 'pipe'] })
  t.after(() => child.kill('SIGKILL'))
  let said = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text
  })
  const [status] = await once(child, 'close')
  await whole
  const told = ['market_data_service takes market data.', '2 events were published.']
  deepEqual([status, said], [0, `${told.join('\n')}\n`])
  deepEqual(
    heard.map(({ timestamp: _, ...event }) => event),
    [
      { type: MarketEventType.PreviousClose, ticker: 'ABX.TSX', price: unit(24) },
      {
        type: MarketEventType.Quote,
        ticker: 'ABX.TSX',
        ...{ bid: unit(25), ask: unit(26), bidSize: unit(100), askSize: unit(200) },
      },
    ],
  )
})
