import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { BuyingPowerModel, BuyingPowerPool } from '../../src/accounting/buying-power.ts'
import { OrderStatus } from '../../src/domain/order-status.ts'
import { AccountBook } from '../../src/shards/account-book.ts'
import { AwaitedEnds, OrderSweeps, type SweepPiece } from '../../src/shards/order-sweeps.ts'
import { NO_SLOT, OrderTable } from '../../src/shards/order-table.ts'

const ACCOUNTS = 4
const CAPACITY = 64

/** Live orders of a few accounts, chained as the shard chains them. */
class Table {
  readonly orders = new OrderTable(CAPACITY)
  readonly books: (AccountBook | undefined)[]
  readonly sweeps: OrderSweeps
  #nextId = 1

  constructor(piece: SweepPiece) {
    const pool = new BuyingPowerPool(CAPACITY)
    // The account in row 2 has no book yet.
    this.books = Array.from({ length: ACCOUNTS }, (_, row) =>
      row === 2 ? undefined : new AccountBook(row, 100 + row, 124, new BuyingPowerModel(pool)),
    )
    this.sweeps = new OrderSweeps(this.orders, this.books, piece)
  }

  /** A new order; 0 where there is no room or no book. */
  begin(row: number): number {
    const book = this.books[row]
    if (book === undefined || this.orders.full) return 0
    const { orders } = this
    const id = this.#nextId++
    const slot = orders.add(id)
    orders.accountRow[slot] = row
    orders.next[slot] = book.liveHead
    orders.previous[slot] = NO_SLOT
    if (book.liveHead !== NO_SLOT) orders.previous[book.liveHead] = slot
    book.liveHead = slot
    return id
  }

  end(id: number): void {
    const { orders } = this
    const slot = orders.find(id)
    if (slot === NO_SLOT) return
    const next = orders.next[slot]
    const previous = orders.previous[slot]
    if (previous === NO_SLOT) this.books[orders.accountRow[slot]]!.liveHead = next
    else orders.next[previous] = next
    if (next !== NO_SLOT) orders.previous[next] = previous
    this.sweeps.left(slot, next)
    orders.remove(slot)
  }

  rowOf(id: number): number {
    return this.orders.accountRow[this.orders.find(id)]!
  }

  live(): number[] {
    const ids: number[] = []
    for (let slot = 0; slot < this.orders.slotsUsed; slot++) {
      if (this.orders.isLive(slot)) ids.push(this.orders.orderId[slot]!)
    }
    return ids
  }
}

/** A sweep, with what it has to meet and what it has met. */
class Sweeper {
  readonly rows: readonly number[] | undefined
  readonly met = new Map<number, number>()
  /** Live when it began, and not ended before it came. */
  readonly due: Set<number>
  isOver = false
  readonly #table: Table
  readonly #ends: boolean

  constructor(table: Table, rows: readonly number[] | undefined, ends: boolean) {
    this.#table = table
    this.#ends = ends
    this.rows = rows
    this.due = new Set(table.live().filter(id => rows === undefined || rows.includes(table.rowOf(id))))
  }

  visit(slot: number): boolean {
    const { orders } = this.#table
    ok(orders.isLive(slot), 'an order was met that is not live')
    const id = orders.orderId[slot]!
    this.met.set(id, (this.met.get(id) ?? 0) + 1)
    this.due.delete(id)
    if (this.#ends) this.#table.end(id)
    return this.#ends
  }

  advanced(isOver: boolean): void {
    this.isOver = isOver
  }
}

test('every order that lives when the sweep comes is met once, whatever begins and ends meanwhile', () => {
  const event = fc.oneof(
    { weight: 4, arbitrary: fc.record({ what: fc.constant('begin' as const), row: fc.nat(ACCOUNTS - 1) }) },
    { weight: 3, arbitrary: fc.record({ what: fc.constant('end' as const), pick: fc.nat() }) },
    { weight: 3, arbitrary: fc.record({ what: fc.constant('advance' as const) }) },
    {
      weight: 1,
      arbitrary: fc.record({
        what: fc.constant('sweep' as const),
        rows: fc.option(fc.uniqueArray(fc.nat(ACCOUNTS - 1), { maxLength: ACCOUNTS }), { nil: undefined }),
        ends: fc.boolean(),
      }),
    },
  )
  fc.assert(
    fc.property(fc.array(event, { maxLength: 200 }), fc.integer({ min: 1, max: 9 }), (events, size) => {
      const table = new Table({ lookedMax: size + 2, doneMax: size })
      const sweepers: Sweeper[] = []
      for (const event of events) {
        if (event.what === 'begin') table.begin(event.row)
        else if (event.what === 'advance') table.sweeps.advance()
        else if (event.what === 'sweep') {
          const sweeper = new Sweeper(table, event.rows, event.ends)
          sweepers.push(sweeper)
          table.sweeps.begin(sweeper)
        } else {
          const live = table.live()
          const id = live[event.pick % Math.max(1, live.length)]
          if (id === undefined) continue
          for (const { due } of sweepers) due.delete(id)
          table.end(id)
        }
        // What another sweep has ended is due no more.
        for (const { due } of sweepers) for (const id of due) if (table.orders.find(id) === NO_SLOT) due.delete(id)
      }
      for (let pieces = 0; table.sweeps.isUnderWay; pieces++) {
        ok(pieces < 10_000, 'the sweeps do not end')
        table.sweeps.advance()
        for (const { due } of sweepers) for (const id of due) if (table.orders.find(id) === NO_SLOT) due.delete(id)
      }
      for (const { due, met, isOver } of sweepers) {
        deepEqual([...due], [])
        ok([...met.values()].every(times => times === 1))
        equal(isOver, true)
      }
    }),
  )
})

test('a piece is as long as it may be, and sweeps take turns by pieces', () => {
  const table = new Table({ lookedMax: 100, doneMax: 3 })
  for (let i = 0; i < 8; i++) for (const row of [0, 1]) table.begin(row)
  const [first, second] = [new Sweeper(table, [0], true), new Sweeper(table, [1], true)]
  for (const sweeper of [first, second]) table.sweeps.begin(sweeper)
  const told: [number, number][] = []
  while (table.sweeps.isUnderWay) {
    table.sweeps.advance()
    told.push([first.met.size, second.met.size])
  }
  deepEqual(told.slice(0, 5), [
    [3, 0],
    [3, 3],
    [6, 3],
    [6, 6],
    // The first is over, and what is left of the piece is the second's.
    [8, 7],
  ])
})

test('looking is bounded too, where nothing is to be done', () => {
  const table = new Table({ lookedMax: 5, doneMax: 3 })
  for (let i = 0; i < 12; i++) table.begin(0)
  const sweeper = new Sweeper(table, undefined, false)
  table.sweeps.begin(sweeper)
  let pieces = 0
  for (; table.sweeps.isUnderWay; pieces++) table.sweeps.advance()
  equal(sweeper.met.size, 12)
  // Twelve orders, four accounts, and the look that finds no further one.
  equal(pieces, Math.ceil((12 + ACCOUNTS + 1) / 5))
})

test('who waits for the end of an order hears of it once, and not after he has given up', () => {
  const ends = new AwaitedEnds()
  const told: string[] = []
  const waiter = (name: string) => ({ ended: (status: OrderStatus) => void told.push(`${name} ${status}`) })
  const [a, b] = [waiter('a'), waiter('b')]
  ends.await(7, a)
  ends.await(7, b)
  ends.await(8, a)
  ends.await(9, b)
  ends.ended(7, OrderStatus.Canceled)
  ends.ended(7, OrderStatus.Filled)
  ends.forget(a)
  ends.ended(8, OrderStatus.Canceled)
  ends.ended(9, OrderStatus.Filled)
  deepEqual(told, [`a ${OrderStatus.Canceled}`, `b ${OrderStatus.Canceled}`, `b ${OrderStatus.Filled}`])
  // Eight may wait for one order, and no more.
  deepEqual(
    Array.from({ length: 10 }, () => ends.await(5, a)),
    [...Array<boolean>(8).fill(true), false, false],
  )
})
