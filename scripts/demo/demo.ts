// The demonstration, act by act: start, one order of each kind, load, SIGKILL, restart, proof, stop. Written in lines
// that read the same on a terminal and in a file.

import { tableLines } from '../../src/cli/table.ts'
import { connect, type OesClient } from '../../src/client/index.ts'
import { AccountBooks, type Proof } from './account-books.ts'
import { Latencies, latencyLines } from './latencies.ts'
import { Load } from './load.ts'
import { ServerProcess } from './server-process.ts'
import { type Desk, type Shown, showcase } from './showcase.ts'
import { Trouble } from './trouble.ts'

/** Accounts of the built-in world; each has its own name as password. */
const NAMES = ['alice', 'bob', 'carol', 'dave', 'erin', 'frank', 'margaret', 'administrator'] as const
const LOADED = ['alice', 'bob', 'dave'] as const
const ORDERS_PER_SECOND_EACH = 500
const LOAD_BEFORE_SECONDS = 4
const LOAD_AFTER_SECONDS = 2
const RECONNECT_MS_MAX = 10_000
const SETTLE_MS_MAX = 10_000
/** The whole demonstration; something stands still if it takes longer. */
const DEMO_MS_MAX = 60_000

const startedMs = performance.now()
const say = (text = '') => process.stdout.write(text === '' ? '\n' : `${text}\n`)
const act = (title: string) => say(`\n[${((performance.now() - startedMs) / 1000).toFixed(1).padStart(4)} s] ${title}`)
const ms = (value: number) => `${Math.round(value)} ms`
const sleep = (forMs: number) => new Promise<void>(resolve => setTimeout(resolve, forMs))

process.on('SIGINT', () => process.exit(130))
process.on('SIGTERM', () => process.exit(143))
setTimeout(() => end(new Trouble(`The demonstration took longer than ${DEMO_MS_MAX / 1000} s.`)), DEMO_MS_MAX).unref()

play().then(
  () => process.exit(0),
  (error: unknown) => end(error),
)

function end(error: unknown): never {
  const isTrouble = error instanceof Trouble
  process.stderr.write(`\nThe demonstration failed: ${isTrouble ? error.message : ((error as Error).stack ?? error)}\n`)
  process.exit(1)
}

async function play(): Promise<void> {
  act('starting the server: embedded platform, embedded store, loopback, an empty folder')
  const server = await ServerProcess.prepare(end)
  say(`  ready after ${ms(await server.start())}, port ${server.port}`)

  act('logging in, each account on a connection of its own')
  const filled = new Latencies('order due → filled')
  const acknowledged = new Latencies('order due → acknowledged')
  const desks = new Map<string, Desk>()
  for (const name of NAMES) desks.set(name, await openDesk(server.port, name, filled))
  await refusedLogin(server.port)
  const { session } = desks.get('alice')!.client
  say(`  ${NAMES.join(', ')}; durability ${session.durability}; a wrong password was refused`)

  act('one order of each kind, one refusal of each kind')
  const shown: Shown[] = []
  await showcase(desks, line => shown.push(line))
  table(shown, { who: 'account', what: 'does', outcome: 'outcome' })

  act(`load: ${LOADED.join(', ')}, ${ORDERS_PER_SECOND_EACH} orders a second each`)
  const loaded = LOADED.map(name => desks.get(name)!)
  const before = startLoad(loaded, acknowledged)
  await progress(loaded, LOAD_BEFORE_SECONDS)

  act('killing the server with SIGKILL, in the middle of the load')
  const killedUs = Date.now() * 1000
  await server.kill()
  await Promise.all(before.map(load => load.stop()))
  const unknown = loaded.map(({ books }) => [...books.unknown()])
  say(`  ${eventsOf(desks)} events received so far; ${unknown.flat().length} orders sent and not answered`)

  act('starting it again, on the same folder')
  const readyMs = await server.start()
  await allLive(desks)
  say(`  recovered and ready after ${ms(readyMs)}; every client is back and goes on from its next sequence`)

  act('settling what was not answered: sent again under the same ids')
  let hadArrived = 0
  for (const [at, { client, books }] of loaded.entries()) {
    for (const { order } of unknown[at]) {
      const settled = await client.settle(
        { outcome: 'unknown', order, cause: unknown[at][0].cause },
        { deadlineMs: SETTLE_MS_MAX },
      )
      if (settled.outcome !== 'accepted')
        throw new Trouble(`Order ${order.clOrdId} could not be settled: ${settled.outcome}.`)
      books.answered(order.clOrdId, settled)
      if (settled.order.timestamp <= killedUs) hadArrived += 1
    }
  }
  const count = unknown.flat().length
  say(`  ${hadArrived} of ${count} had arrived and gave their first outcome; ${count - hadArrived} arrived now`)

  act('load again')
  const after = startLoad(loaded, acknowledged)
  await progress(loaded, LOAD_AFTER_SECONDS)
  await Promise.all(after.map(load => load.stop()))

  act("holding the server's record against the clients' own books")
  const proofs = new Map<string, Proof>()
  for (const [name, { books }] of desks) proofs.set(name, await books.prove())
  const rows = [...proofs].map(([name, proof]) => ({ name, ...proof }))
  table(rows, { name: 'account', orders: 'orders', reports: 'reports', fills: 'fills', live: 'live' })
  say('  every acknowledged order is there once, every report as it was received, no sequence with a gap,')
  say('  every position as the fills add up')

  act('latencies under load, both halves together')
  lines(latencyLines([acknowledged, filled]))

  act('stopping the server in order')
  for (const { client } of desks.values()) client.close()
  await server.stop()
  const orders = rows.reduce((sum, row) => sum + row.orders, 0)
  const reports = rows.reduce((sum, row) => sum + row.reports, 0)
  say(
    `  stopped\n\nNothing acknowledged was lost and nothing doubled: ${orders} orders, ${reports} reports, one SIGKILL.`,
  )
}

function lines(texts: readonly string[]): void {
  for (const text of texts) say(`  ${text}`)
}

/** A column for each title; numbers to the right. */
function table<Row extends object>(rows: readonly Row[], titles: { [Key in keyof Row]: string }): void {
  const keys = Object.keys(titles) as (keyof Row)[] // the titles have the keys of a row and no others
  const columns = keys.map(key => {
    const isNumber = typeof rows[0]?.[key] === 'number'
    return { title: titles[key], align: isNumber ? 'right' : 'left', cell: (row: Row) => String(row[key]) } as const
  })
  lines(tableLines(columns, rows))
}

async function openDesk(port: number, name: string, filled: Latencies): Promise<Desk> {
  const client = await connect({ port, username: name, password: name, pauseMinMs: 50, pauseMaxMs: 250 })
  return { client, books: await AccountBooks.open(name, client, filled) }
}

async function refusedLogin(port: number): Promise<void> {
  const refusal = await connect({ port, username: 'alice', password: 'guessed', reconnect: false }).then(
    (client: OesClient) => {
      client.close()
      return 'nothing'
    },
    (error: { code?: string }) => error.code,
  )
  if (refusal !== 'LOGIN_FAILED')
    throw new Trouble(`A wrong password led to ${refusal}, where LOGIN_FAILED was expected.`)
}

function startLoad(desks: readonly Desk[], acknowledged: Latencies): Load[] {
  return desks.map(desk => new Load(desk, ORDERS_PER_SECOND_EACH, acknowledged))
}

/** Tells every second how far the load has come. */
async function progress(desks: readonly Desk[], seconds: number): Promise<void> {
  for (let second = 0; second < seconds; second++) {
    await sleep(1_000)
    const orders = desks.reduce((sum, { books }) => sum + books.outcomes.size, 0)
    const events = desks.reduce((sum, { books }) => sum + books.events.size, 0)
    const live = desks.reduce((sum, { books }) => sum + [...books.live()].length, 0)
    say(`  ${orders} orders sent, ${events} events received, ${live} orders live`)
  }
}

function eventsOf(desks: ReadonlyMap<string, Desk>): number {
  return [...desks.values()].reduce((sum, { books }) => sum + books.events.size, 0)
}

async function allLive(desks: ReadonlyMap<string, Desk>): Promise<void> {
  const untilMs = performance.now() + RECONNECT_MS_MAX
  while ([...desks.values()].some(({ client }) => !client.isLive)) {
    if (performance.now() > untilMs) throw new Trouble(`Not every client came back within ${RECONNECT_MS_MAX} ms.`)
    await sleep(20)
  }
}
