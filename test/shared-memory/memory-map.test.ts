import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AccountTable, newAccountStanding, newAccountTerms } from '../../src/shared-memory/account-table.ts'
import { Doorbell } from '../../src/shared-memory/doorbell.ts'
import { HaltTable } from '../../src/shared-memory/halt-table.ts'
import { Lane } from '../../src/shared-memory/lanes.ts'
import { createSharedMemory, shardThread, threadCount } from '../../src/shared-memory/memory-map.ts'
import { newPosition, type Position, PositionTable } from '../../src/shared-memory/position-table.ts'
import { newQuote, QuoteTable } from '../../src/shared-memory/quote-table.ts'
import { newRate, RateTable } from '../../src/shared-memory/rate-table.ts'
import { RingConsumer, RingProducer } from '../../src/shared-memory/ring.ts'

const sizes = {
  shards: 2,
  commandRingBytes: 1024,
  reportRingBytes: 2048,
  accountsMax: 2,
  positionsPerShardMax: 3,
  tickersMax: 2,
  ratesMax: 2,
  destinationsMax: 3,
  lanes: threadCount(2),
  laneBytes: 128,
}

test('the shared memory is a plain object that another thread can open in full', () => {
  const memory = structuredClone(createSharedMemory(sizes))
  assert.deepEqual(memory.sizes, sizes)
  for (let shard = 0; shard < sizes.shards; shard++) {
    new RingProducer(memory.commandRings[shard]!)
    new RingConsumer(memory.reportRings[shard]!)
    new PositionTable(memory.positions[shard]!, sizes.positionsPerShardMax)
    new Doorbell(memory.doorbells, shardThread(shard))
    new Lane(memory.lanes, shardThread(shard), sizes.laneBytes)
  }
  assert.equal(new AccountTable(memory.accounts, sizes.accountsMax).rowsUsed(), 0)
  assert.equal(new QuoteTable(memory.quotes, sizes.tickersMax).tickers(), 0)
  assert.equal(new RateTable(memory.rates, sizes.ratesMax).rates(), 0)
})

test('an account row keeps what main and what the shard wrote, each by itself', () => {
  const memory = createSharedMemory(sizes)
  const main = new AccountTable(memory.accounts, sizes.accountsMax)
  const shard = new AccountTable(memory.accounts, sizes.accountsMax)
  const terms = { accountId: 77, currency: 124, buyingPowerLimit: 5e12, riskState: 1, riskStateExpiry: 0 }
  assert.equal(main.add(terms), 0)
  assert.equal(main.add({ ...terms, accountId: 78 }), 1)
  assert.equal(main.add({ ...terms, accountId: 79 }), -1)
  assert.equal(shard.rowsUsed(), 2)
  const standing = {
    usedBuyingPower: 1_000_001,
    gross: -5,
    fees: 3,
    openOrders: 2,
    lastReportSequence: 2 ** 40,
    lastOrderSequence: 12,
    firstPositionRow: 1,
  }
  shard.writeStanding(0, standing)
  main.writeTerms(0, { ...terms, riskState: 2, riskStateExpiry: 99 })
  const [readTerms, readStanding, untouched] = [newAccountTerms(), newAccountStanding(), newAccountStanding()]
  main.readTerms(0, readTerms)
  main.readStanding(0, readStanding)
  main.readStanding(1, untouched)
  assert.deepEqual(readTerms, { ...terms, riskState: 2, riskStateExpiry: 99 })
  assert.deepEqual(readStanding, standing)
  assert.deepEqual(untouched, newAccountStanding())
})

test('the positions of an account can be walked from its row', () => {
  const memory = createSharedMemory(sizes)
  const accounts = new AccountTable(memory.accounts, sizes.accountsMax)
  const positions = new PositionTable(memory.positions[0]!, sizes.positionsPerShardMax)
  const row = accounts.add(newAccountTerms())
  const standing = newAccountStanding()
  for (const tickerIndex of [4, 9]) {
    const position = { ...newPosition(), accountRow: row, tickerIndex, quantity: -tickerIndex }
    standing.firstPositionRow = positions.add({ ...position, nextRow: standing.firstPositionRow })
    accounts.writeStanding(row, standing)
  }
  const flat = { ...newPosition(), accountRow: row, tickerIndex: 4, gross: 8 }
  positions.write(0, flat)

  const reader = new PositionTable(memory.positions[0]!, sizes.positionsPerShardMax)
  const seen: Position[] = []
  accounts.readStanding(row, standing)
  for (let at = standing.firstPositionRow; at >= 0; at = seen.at(-1)!.nextRow) {
    const position = newPosition()
    reader.read(at, position)
    seen.push(position)
  }
  assert.deepEqual(seen, [{ ...newPosition(), accountRow: row, tickerIndex: 9, quantity: -9, nextRow: 0 }, flat])
  assert.deepEqual([positions.add(flat), positions.add(flat), positions.rowsUsed()], [2, -1, 3])
})

test('a ticker has an empty quote until one is written', () => {
  const memory = createSharedMemory(sizes)
  const quotes = new QuoteTable(memory.quotes, sizes.tickersMax)
  assert.deepEqual([quotes.add(), quotes.add(), quotes.add(), quotes.tickers()], [0, 1, -1, 2])
  const quote = { bid: 1, ask: 2, bidSize: 3, askSize: 4, previousClose: 5, closeTime: 6, quoteTime: 1.7e15 }
  quotes.write(1, quote)
  const seen = [newQuote(), newQuote()]
  for (const [tickerIndex, into] of seen.entries()) quotes.read(tickerIndex, into)
  assert.deepEqual(seen, [newQuote(), quote])
})

test('everybody, destinations and accounts are halted each by itself', () => {
  const memory = createSharedMemory(sizes)
  const main = new HaltTable(memory.halts, sizes.destinationsMax)
  const shard = new HaltTable(memory.halts, sizes.destinationsMax)
  const seen = () => [
    shard.isEverybodyHalted,
    [-1, 0, 1, 2].map(destination => shard.isDestinationHalted(destination)),
    [0, 1].map(row => shard.isAccountHalted(row)),
  ]
  assert.deepEqual(seen(), [false, [false, false, false, false], [false, false]])
  main.setDestination(2, true)
  assert.deepEqual(seen(), [false, [false, false, false, true], [false, false]])
  main.setAccount(0, true)
  main.setDestination(2, false)
  assert.deepEqual(seen(), [false, [false, false, false, false], [true, false]])
  main.setEverybody(true)
  main.setAccount(1, true)
  main.setAccount(0, false)
  assert.deepEqual(seen(), [true, [false, false, false, false], [false, true]])
})

test('a rate is replaced in its row, and every change is noticed', () => {
  const memory = createSharedMemory(sizes)
  const rates = new RateTable(memory.rates, sizes.ratesMax)
  const shard = new RateTable(memory.rates, sizes.ratesMax)
  const changes = [shard.changes()]
  const written = [
    { base: 840, counter: 124, numerator: 4, denominator: 3 },
    { base: 978, counter: 124, numerator: 3, denominator: 2 },
    { base: 840, counter: 124, numerator: 7, denominator: 5 },
  ]
  for (const rate of written) {
    assert.equal(rates.write(rate), true)
    changes.push(shard.changes())
  }
  assert.equal(rates.write({ base: 1, counter: 2, numerator: 1, denominator: 1 }), false)
  assert.deepEqual([...changes, shard.changes()], [0, 1, 2, 3, 3])
  const seen = [newRate(), newRate()]
  for (const [row, into] of seen.entries()) shard.read(row, into)
  assert.deepEqual([seen, shard.rates()], [[written[2], written[1]], 2])
})
