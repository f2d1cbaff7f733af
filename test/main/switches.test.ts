import { deepEqual, equal } from 'node:assert/strict'
import path from 'node:path'
import { test } from 'node:test'
import { Recalls } from '../../src/main/recalls.ts'
import { SafetyStore } from '../../src/main/safety-store.ts'
import { SessionMarks } from '../../src/main/session-marks.ts'
import { Switches } from '../../src/main/switches.ts'
import { SwitchStatus } from '../../src/protocol/kinds.ts'
import { temporaryFolder } from '../simulation/stage.ts'

const HOUR_MS = 3_600_000
const silent = { info: () => undefined, warning: () => undefined, error: () => undefined }

/** Switches without shards: what fires is over at once. */
function process(file: string, clock: { ms: number; wallMs: number }) {
  const store = new SafetyStore(file)
  const nowUs = () => clock.wallMs * 1000
  const directory = { rowOf: (account: number) => (account > 0 ? -1 : 0) }
  const recalls = new Recalls({ store, marks: new SessionMarks(), directory, shards: [], nowUs, log: silent })
  const switches = new Switches({ store, recalls, nowMs: () => clock.ms, nowUs, log: silent })
  const pass = (ms: number) => {
    clock.ms += ms
    clock.wallMs += ms
    switches.tick()
    switches.tick()
  }
  return { store, switches, pass }
}

test('a wall clock that is set while the server runs neither fires a switch nor stays it', t => {
  const clock = { ms: 1_000, wallMs: 1_000_000_000 }
  const { store, switches, pass } = process(path.join(temporaryFolder(t), 'safety.db'), clock)
  t.after(() => store.close())
  switches.arm(1, 10_000, 0)
  clock.wallMs += 24 * HOUR_MS
  pass(9_999)
  equal(switches.stateOf(1).status, SwitchStatus.Armed)
  clock.wallMs -= 48 * HOUR_MS
  pass(1)
  equal(switches.stateOf(1).status, SwitchStatus.Fired)
})

test('from one process to the next the wall clock counts, and one that was set back gives one whole time at most', async t => {
  const file = path.join(temporaryFolder(t), 'safety.db')
  const clock = { ms: 1_000, wallMs: 1_000_000_000 }
  const before = process(file, clock)
  before.switches.arm(1, 10_000, 3)
  before.switches.arm(2, 60_000, 0)
  before.pass(4_000)
  before.store.close()
  clock.ms = 7 // counts from anywhere
  clock.wallMs -= HOUR_MS
  const back = process(file, clock)
  await back.switches.fireOverdue()
  back.pass(9_999)
  deepEqual(
    [1, 2].map(account => back.switches.stateOf(account).status),
    [SwitchStatus.Armed, SwitchStatus.Armed],
  )
  back.pass(1)
  deepEqual(
    [1, 2].map(account => back.switches.stateOf(account).status),
    [SwitchStatus.Fired, SwitchStatus.Armed],
  )
  back.store.close()
  clock.wallMs += 3 * HOUR_MS
  const later = process(file, clock)
  t.after(() => later.store.close())
  await later.switches.fireOverdue()
  equal(later.switches.stateOf(2).status, SwitchStatus.Fired)
})

test('refreshes are told when they are written down, many with one sync; what was disarmed meanwhile stays so', t => {
  const clock = { ms: 0, wallMs: 1_000_000_000 }
  const { store, switches } = process(path.join(temporaryFolder(t), 'safety.db'), clock)
  t.after(() => store.close())
  const told: string[] = []
  const outcome = (name: string) => ({ done: () => told.push(name), failed: () => told.push(`${name} failed`) })
  for (const account of [1, 2, 3]) switches.arm(account, 5_000, 0)
  clock.ms += 1_000
  clock.wallMs += 1_000
  for (const account of [1, 2, 1]) equal(switches.refresh(account, outcome(`refresh ${account}`)), true)
  equal(switches.refresh(4, outcome('refresh 4')), false)
  equal(switches.disarm(2), true)
  deepEqual(told, [])
  switches.tick()
  deepEqual(told, ['refresh 1', 'refresh 1', 'refresh 2'])
  deepEqual(
    store.switches().map(({ account, dueAt }) => [account, dueAt / 1000 - 1_000_000_000]),
    [
      [1, 6_000],
      [3, 5_000],
    ],
  )
})

test('a switch that is over is given a second look: what a client sent in time may not have been read yet', t => {
  const clock = { ms: 0, wallMs: 1_000_000_000 }
  const { store, switches } = process(path.join(temporaryFolder(t), 'safety.db'), clock)
  t.after(() => store.close())
  switches.arm(1, 5_000, 0)
  clock.ms += 9_000 // the process was held up
  switches.tick()
  equal(switches.refresh(1, { done: () => undefined, failed: () => undefined }), true)
  switches.tick()
  switches.tick()
  equal(switches.stateOf(1).status, SwitchStatus.Armed)
})
