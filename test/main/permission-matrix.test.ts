// Who may ask the server for what: every request of clients, by every role, about the own account, one that is managed, one
// that is not, and one there is not. What has to come follows from one plain rule for each request; a request that stands
// in no row fails the test.

import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { reasonName } from '../../src/domain/reasons.ts'
import { RiskStateType } from '../../src/domain/risk-state.ts'
import { FindWhat, HaltScope, Kind, SWITCH_MS_MAX } from '../../src/protocol/kinds.ts'
import { MassCancelMode, MassCancelWho } from '../../src/protocol/mass-cancel.ts'
import type { Value } from '../../src/protocol/msgpack.ts'
import type { Rehearsal } from '../simulation/rehearsal.ts'
import type { RehearsedPeer } from '../simulation/rehearsed-peer.ts'
import { ScriptedDirectory } from '../simulation/scripted-directory.ts'
import { staged, submit, submitElements } from '../simulation/stage.ts'

/** Kinds that clients send lie below. */
const REQUESTS_END = 64
const NOBODY = 99_999
const NO_ORDER = 4_000_000_000

/** Who asks, and what he is. */
const roles = {
  alice: 'a trader of the desk',
  dora: 'a trader of the desk in risk state DISABLED',
  mona: 'a manager of the desk',
  root: 'an administrator',
  clerk: 'an account of a service',
  fay: 'who was a manager of the desk and is not any more',
  rex: 'who was an administrator and is not any more',
  nobody: 'who has not logged in',
} as const
type Role = keyof typeof roles

/** What an account or a group is to whoever asks. */
type Relation = 'own' | 'managed' | 'administered' | 'member' | 'foreign' | 'unknown'

/** Who is asked about; the role itself besides. */
const accounts = ['bob', 'eve', 'max', undefined] as const
const groups = ['desk', 'south', undefined] as const
const desk = ['alice', 'bob', 'dora']

function relationTo(role: Role, account: string | undefined): Relation {
  if (account === undefined) return 'unknown'
  if (role === account) return 'own'
  if (role === 'root') return 'administered'
  return role === 'mona' && desk.includes(account) ? 'managed' : 'foreign'
}

function relationToGroup(role: Role, group: string | undefined): Relation {
  if (group === undefined) return 'unknown'
  if (role === 'root') return 'administered'
  if (group === 'desk' && role === 'mona') return 'managed'
  return group === 'desk' && desk.includes(role) ? 'member' : 'foreign'
}

/** What a request is about. */
interface Subject {
  /** Id of the account or group; one that nobody has for the unknown one. */
  readonly id: number
  readonly name: string
  /** A live order of the account. */
  readonly orderId: number
}

interface Row {
  readonly kind: Kind
  /** What is named: an account, a group, or nothing that somebody could be related to. */
  readonly about: 'account' | 'group' | 'nothing'
  /** The account element of the frame, and what follows it. */
  readonly elements: (subject: Subject) => readonly Value[]
  /** The answer, by what the subject is to the role. */
  readonly answer: (relation: Relation, role: Role) => string
  /** What an administrator does before. */
  readonly before?: (subject: Subject) => readonly [kind: Kind, ...elements: Value[]]
}

const isOwnBusiness = (relation: Relation) =>
  relation === 'own' || relation === 'managed' || relation === 'administered'

/** Refused unless the account is there and may be dealt with. */
const ifPermitted = (answer: string) => (relation: Relation) => {
  if (relation === 'unknown') return 'UNKNOWN_ACCOUNT'
  return isOwnBusiness(relation) ? answer : 'NOT_PERMITTED'
}
const ifManaged = (answer: string) => (relation: Relation) => {
  if (relation === 'unknown') return 'UNKNOWN_GROUP'
  return isOwnBusiness(relation) ? answer : 'NOT_PERMITTED'
}
const ifAdministrator =
  (answer: string, absent = 'UNKNOWN_ACCOUNT') =>
  (relation: Relation, role: Role) => {
    if (relation === 'unknown') return absent
    return role === 'root' ? answer : 'NOT_PERMITTED'
  }
const always = (answer: string) => () => answer

const halt = (scope: HaltScope, of: (subject: Subject) => Value) => ({
  elements: (subject: Subject) => [0, scope, of(subject)],
})
const lift = (scope: HaltScope, of: (subject: Subject) => Value) => ({
  ...halt(scope, of),
  before: (subject: Subject) => [Kind.Halt, scope, of(subject)] as const,
})
const { Account, Group, Destination, Everybody } = HaltScope

/** Of everything there is, at once. */
const massCancel = (who: MassCancelWho, group: number, mode: MassCancelMode) =>
  [who, group, '*', 0, 0, 0, mode, '', 0] as const

const rows: Record<string, Row> = {
  Login: {
    kind: Kind.Login,
    about: 'nothing',
    elements: () => [0, 'bob', 'bob', 1],
    answer: (_, role) => (role === 'nobody' ? 'LoggedIn' : 'ALREADY_LOGGED_IN'),
  },
  Heartbeat: { kind: Kind.Heartbeat, about: 'nothing', elements: () => [0], answer: always('silence') },
  Submit: {
    kind: Kind.Submit,
    about: 'account',
    elements: ({ id }) => [id, ...submitElements()],
    answer: ifPermitted('OrderAccepted'),
  },
  Cancel: {
    kind: Kind.Cancel,
    about: 'account',
    elements: ({ id, orderId }) => [id, orderId],
    answer: ifPermitted('Done'),
  },
  Replace: {
    kind: Kind.Replace,
    about: 'account',
    elements: ({ id, orderId }) => [id, orderId, 200, 10],
    answer: ifPermitted('ExecutionReport'),
  },
  Update: {
    kind: Kind.Update,
    about: 'account',
    elements: ({ id, orderId }) => [id, orderId, 3, 10, 1],
    answer: (relation, role) => ifPermitted(role === 'root' ? 'Done' : 'NOT_PERMITTED')(relation),
  },
  LoadOrder: {
    kind: Kind.LoadOrder,
    about: 'account',
    elements: ({ id, orderId }) => [id, orderId],
    answer: ifPermitted('OrderRecord'),
  },
  // An order that is somebody else's is told apart from none by nobody.
  'LoadOrder by id alone': {
    kind: Kind.LoadOrder,
    about: 'account',
    elements: ({ orderId }) => [0, orderId],
    answer: relation => (isOwnBusiness(relation) ? 'OrderRecord' : 'UNKNOWN_ORDER'),
  },
  QueryOrders: {
    kind: Kind.QueryOrders,
    about: 'account',
    elements: ({ id }) => [id, 0, -2, 3],
    answer: ifPermitted('QueryEnd'),
  },
  'QueryOrders and go on': {
    kind: Kind.QueryOrders,
    about: 'account',
    elements: ({ id }) => [id, 0, -1, 3],
    answer: ifPermitted('QueryEnd'),
  },
  QueryReports: {
    kind: Kind.QueryReports,
    about: 'account',
    elements: ({ id }) => [id, 0, -2, 3],
    answer: ifPermitted('QueryEnd'),
  },
  Subscribe: {
    kind: Kind.Subscribe,
    about: 'account',
    elements: ({ id }) => [id, 0, 1],
    answer: ifPermitted('Subscribed'),
  },
  'Subscribe to a group': {
    kind: Kind.Subscribe,
    about: 'group',
    elements: ({ id }) => [0, 1, 0, id],
    answer: ifManaged('Subscribed'),
  },
  Unsubscribe: {
    kind: Kind.Unsubscribe,
    about: 'nothing',
    elements: () => [0, NOBODY],
    answer: always('UNKNOWN_SUBSCRIPTION'),
  },
  Positions: {
    kind: Kind.Positions,
    about: 'account',
    elements: ({ id }) => [id],
    answer: ifPermitted('PositionList'),
  },
  'Find an account': {
    kind: Kind.Find,
    about: 'account',
    elements: ({ name }) => [0, FindWhat.Account, name],
    answer: relation => (relation === 'unknown' ? 'UNKNOWN_ACCOUNT' : 'Found'),
  },
  'Find a group': {
    kind: Kind.Find,
    about: 'group',
    elements: ({ name }) => [0, FindWhat.Group, name],
    answer: relation => (relation === 'unknown' ? 'UNKNOWN_GROUP' : 'Found'),
  },
  Accounts: { kind: Kind.Accounts, about: 'nothing', elements: () => [0, 0], answer: always('AccountList') },
  'Halt an account': {
    kind: Kind.Halt,
    about: 'account',
    ...halt(Account, ({ id }) => id),
    answer: ifPermitted('Halted'),
  },
  'Halt a group': { kind: Kind.Halt, about: 'group', ...halt(Group, ({ id }) => id), answer: ifManaged('Halted') },
  'Halt a destination': {
    kind: Kind.Halt,
    about: 'nothing',
    ...halt(Destination, () => 'CHIX'),
    answer: ifAdministrator('Halted'),
  },
  'Halt everybody': {
    kind: Kind.Halt,
    about: 'nothing',
    ...halt(Everybody, () => null),
    answer: ifAdministrator('Halted'),
  },
  'Lift an account': {
    kind: Kind.Lift,
    about: 'account',
    ...lift(Account, ({ id }) => id),
    answer: ifAdministrator('Done'),
  },
  'Lift a group': {
    kind: Kind.Lift,
    about: 'group',
    ...lift(Group, ({ id }) => id),
    answer: ifAdministrator('Done', 'UNKNOWN_GROUP'),
  },
  'Lift a destination': {
    kind: Kind.Lift,
    about: 'nothing',
    ...lift(Destination, () => 'CHIX'),
    answer: ifAdministrator('Done'),
  },
  'Lift everybody': {
    kind: Kind.Lift,
    about: 'nothing',
    ...lift(Everybody, () => null),
    answer: ifAdministrator('Done'),
  },
  'MassCancel, of an account': {
    kind: Kind.MassCancel,
    about: 'account',
    elements: ({ id }) => [id, ...massCancel(MassCancelWho.Account, 0, MassCancelMode.Cancel)],
    answer: ifPermitted('MassCanceled'),
  },
  'MassCancel, of an account by force': {
    kind: Kind.MassCancel,
    about: 'account',
    elements: ({ id }) => [id, ...massCancel(MassCancelWho.Account, 0, MassCancelMode.Force)],
    answer: (relation, role) => ifPermitted(role === 'root' ? 'MassCanceled' : 'NOT_PERMITTED')(relation),
  },
  'MassCancel, of a group': {
    kind: Kind.MassCancel,
    about: 'group',
    elements: ({ id }) => [0, ...massCancel(MassCancelWho.Group, id, MassCancelMode.Cancel)],
    answer: ifManaged('MassCanceled'),
  },
  'MassCancel, of a group by force': {
    kind: Kind.MassCancel,
    about: 'group',
    elements: ({ id }) => [0, ...massCancel(MassCancelWho.Group, id, MassCancelMode.Force)],
    answer: (relation, role) => ifManaged(role === 'root' ? 'MassCanceled' : 'NOT_PERMITTED')(relation),
  },
  'MassCancel, of everybody': {
    kind: Kind.MassCancel,
    about: 'nothing',
    elements: () => [0, ...massCancel(MassCancelWho.Everybody, 0, MassCancelMode.Cancel)],
    answer: always('MassCanceled'),
  },
  'MassCancel, of everybody by force': {
    kind: Kind.MassCancel,
    about: 'nothing',
    elements: () => [0, ...massCancel(MassCancelWho.Everybody, 0, MassCancelMode.Force)],
    answer: (_, role) => (role === 'root' ? 'MassCanceled' : 'NOT_PERMITTED'),
  },
  // Who is halted by what he may not touch may know of it; others see what they could have thrown.
  'Halts, of an account': {
    kind: Kind.Halts,
    about: 'account',
    elements: () => [0],
    before: ({ id }) => [Kind.Halt, Account, id],
    answer: relation => `HaltList of ${isOwnBusiness(relation) ? 1 : 0}`,
  },
  'Halts, of a group': {
    kind: Kind.Halts,
    about: 'group',
    elements: () => [0],
    before: ({ id }) => [Kind.Halt, Group, id],
    answer: relation => `HaltList of ${isOwnBusiness(relation) || relation === 'member' ? 1 : 0}`,
  },
  'Halts, of a destination': {
    kind: Kind.Halts,
    about: 'nothing',
    elements: () => [0],
    before: () => [Kind.Halt, Destination, 'CHIX'],
    answer: always('HaltList of 1'),
  },
  'Halts, of everybody': {
    kind: Kind.Halts,
    about: 'nothing',
    elements: () => [0],
    before: () => [Kind.Halt, Everybody, null],
    answer: always('HaltList of 1'),
  },
  Sessions: {
    kind: Kind.Sessions,
    about: 'nothing',
    elements: () => [0, 0],
    answer: (_, role) => (role === 'root' ? 'SessionList' : 'NOT_PERMITTED'),
  },
  Switch: {
    kind: Kind.Switch,
    about: 'account',
    elements: ({ id }) => [id],
    answer: ifPermitted('SwitchState'),
  },
  // Whoever may arm one may refresh and disarm it, in this order.
  ArmSwitch: {
    kind: Kind.ArmSwitch,
    about: 'account',
    elements: ({ id }) => [id, SWITCH_MS_MAX, 0],
    answer: ifPermitted('Done'),
  },
  RefreshSwitch: {
    kind: Kind.RefreshSwitch,
    about: 'account',
    elements: ({ id }) => [id],
    answer: ifPermitted('Done'),
  },
  DisarmSwitch: {
    kind: Kind.DisarmSwitch,
    about: 'account',
    elements: ({ id }) => [id],
    answer: ifPermitted('Done'),
  },
  // The last, since nothing comes after it.
  Logout: { kind: Kind.Logout, about: 'nothing', elements: () => [0], answer: always('Done') },
}

function kindName(kind: Value | undefined): string {
  return Object.entries(Kind).find(([, each]) => each === kind)?.[0] ?? `kind ${String(kind)}`
}

/** What came back, in one word: the kind, the reason of a refusal, or that of a connection that was closed. */
function word(answers: readonly Value[][], requestId: number): string {
  const answer = answers.filter(message => message[1] === requestId).at(-1)
  const closed = answers.find(([kind]) => kind === Kind.Closing)
  if (closed !== undefined) return `closed: ${reasonName(Number(closed[3]))}`
  if (answer === undefined) return 'silence'
  if (answer[0] === Kind.Refused) return reasonName(Number(answer[3]))
  if (answer[0] === Kind.HaltList) return `HaltList of ${(answer[3] as Value[]).length}`
  return kindName(answer[0])
}

function directory(): ScriptedDirectory {
  const made = new ScriptedDirectory(
    ['alice', 'bob', 'dora', 'eve', 'mona', 'max', 'root', 'clerk', 'fay', 'rex'],
    ['root', 'rex'],
  )
  // A manager has nothing to say about another of the same desk.
  made.addGroup('desk', ['mona', 'fay', 'max'], desk)
  made.addGroup('south', ['max'], ['eve'])
  return made
}

/** The account or group of that name, with a live order where it is an account. */
async function subjectOf(
  rehearsal: Rehearsal,
  root: RehearsedPeer,
  row: Row,
  name: string | undefined,
): Promise<Subject> {
  const { directory } = rehearsal
  if (name === undefined) return { id: NOBODY, name: 'nobody', orderId: NO_ORDER }
  if (row.about === 'group') return { id: directory.findGroup(name)!, name, orderId: NO_ORDER }
  const id = directory.id(name)
  if (row.about === 'nothing') return { id, name, orderId: NO_ORDER }
  submit(root, { account: id })
  await rehearsal.settle()
  const accepted = root.take().find(([kind]) => kind === Kind.OrderAccepted)!
  return { id, name, orderId: Number(accepted[4]) }
}

/** Lifts whatever is halted. */
async function liftAll(rehearsal: Rehearsal, root: RehearsedPeer): Promise<void> {
  for (const { scope, target } of [...rehearsal.halts.inForce()]) root.request(Kind.Lift, 0, scope, target)
  await rehearsal.settle()
  root.take()
}

function orderSequences({ shards }: Rehearsal): number {
  return shards.flatMap(({ state }) => state.books).reduce((sum, book) => sum + (book?.orderSequence ?? 0), 0)
}

test('every request of clients is in the matrix', () => {
  const requests = Object.entries(Kind).filter(([, kind]) => kind < REQUESTS_END)
  const covered = new Set(Object.values(rows).map(({ kind }) => kind))
  deepEqual(
    requests.filter(([, kind]) => !covered.has(kind)).map(([name]) => name),
    [],
  )
})

for (const [role, what] of Object.entries(roles) as [Role, string][]) {
  test(`${what} is answered as the matrix says`, async t => {
    const terms = (name: string) => (name === 'dora' ? { riskState: RiskStateType.Disabled } : {})
    const rehearsal = await staged(t, { directory: directory(), terms })
    const root = await rehearsal.login('root')
    const peer = role === 'nobody' ? undefined : await rehearsal.login(role)
    // They had the role when they came.
    rehearsal.directory.change(administrators => {
      administrators.delete('rex')
      rehearsal.directory.group('desk').managers.delete('fay')
    })
    rehearsal.membershipsChanged()

    const found: Record<string, string> = {}
    const due: Record<string, string> = {}
    for (const [title, row] of Object.entries(rows)) {
      const own = role === 'nobody' ? [] : [role]
      const subjects =
        row.about === 'account' ? new Set([...own, ...accounts]) : row.about === 'group' ? groups : [undefined]
      for (const name of subjects) {
        // What is about nobody has no one to be related to.
        const about = row.about === 'nothing' ? role : name
        const relation =
          row.about === 'group'
            ? relationToGroup(role, name)
            : row.about === 'nothing'
              ? 'foreign'
              : relationTo(role, name)
        const subject = await subjectOf(rehearsal, root, row, row.about === 'nothing' ? 'bob' : name)
        if (row.before !== undefined) {
          const [kind, ...elements] = row.before(subject)
          root.request(kind, 0, ...elements)
          await rehearsal.settle()
        }
        const asking = peer ?? rehearsal.connect()
        asking.take()
        const [before, nextOrderId] = [orderSequences(rehearsal), rehearsal.nextOrderId]
        const [account, ...elements] = row.elements(subject)
        const requestId = asking.request(row.kind, account as number, ...elements)
        await rehearsal.settle()
        // What is answered when a clock has turned: refreshed switches, written down together, and logouts.
        rehearsal.gate.tick(rehearsal.nowMs)
        await rehearsal.settle()
        const cell = `${title}: ${about ?? 'nobody'}`
        found[cell] = word(asking.take(), requestId)
        due[cell] = expected(row, role, relation)
        // An order that is refused uses up no id, and leaves nothing in the account.
        const orders = found[cell] === 'OrderAccepted' ? 1 : 0
        equal(orderSequences(rehearsal) - before, orders, cell)
        // A mass cancel looks at the next one, which stays for the next order.
        const looked = row.kind === Kind.MassCancel ? 1 : 0
        const ids = rehearsal.nextOrderId - nextOrderId
        ok(ids >= orders && ids <= orders + looked, cell)
        await liftAll(rehearsal, root)
      }
    }
    deepEqual(found, due)
  })
}

function expected({ kind, answer }: Row, role: Role, relation: Relation): string {
  if (role !== 'nobody') return answer(relation, role)
  // Heartbeats are answered by nobody, and a login is what it is about.
  return kind === Kind.Login || kind === Kind.Heartbeat ? answer(relation, role) : 'closed: NOT_LOGGED_IN'
}
