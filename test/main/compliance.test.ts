import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { type JudgeMessage, ToJudge, unpackToJudge } from '../../src/compliance/pooled-messages.ts'
import { nodesOfBody, ruleOfBody } from '../../src/compliance/rule-messages.ts'
import { type NodeKind, type RuleSchema, RuleState, wrapSchema } from '../../src/compliance/schema.ts'
import { MICROS } from '../../src/domain/money.ts'
import { Reason } from '../../src/domain/reasons.ts'
import { Compliance } from '../../src/main/compliance.ts'
import { ShardLink } from '../../src/main/shard-link.ts'
import { RuleBook, type StoredRule } from '../../src/services/compliance/rule-book.ts'
import { DirectoryGraph, EntryType } from '../../src/services/locator/directory-graph.ts'
import { createDoorbells, Doorbell } from '../../src/shared-memory/doorbell.ts'
import { COMMAND_HEADER_BYTES, Command, CommandAt } from '../../src/shared-memory/records.ts'
import { createRing, RingConsumer, RingProducer } from '../../src/shared-memory/ring.ts'

const GROUP = 10
const TRADERS = 11
const DESK = 20
/** Accounts 1 and 2; both trade in the group, 3 is alone. Rows count from 0. */
const ACCOUNTS = [1, 2, 3]

const count: RuleSchema = {
  name: 'order_count_limit',
  parameters: [{ name: 'count', value: { kind: 'quantity', value: MICROS } }],
}
const never: RuleSchema = { name: 'reject_submissions', parameters: [] }

function world() {
  const directory = new DirectoryGraph()
  for (const id of ACCOUNTS) directory.storeEntry({ id, type: EntryType.Account, name: `account ${id}` })
  directory.storeEntry({ id: GROUP, type: EntryType.Directory, name: 'north' })
  directory.storeEntry({ id: TRADERS, type: EntryType.Directory, name: 'traders' })
  directory.storeEntry({ id: DESK, type: EntryType.Directory, name: 'desk' })
  directory.associate(0, GROUP)
  directory.associate(GROUP, TRADERS)
  for (const id of ACCOUNTS) directory.associate(0, id)
  directory.associate(TRADERS, 1)
  directory.associate(TRADERS, 2)
  return directory
}

/** Main's part alone, over the command rings of `shards` shards, which are read here. */
function staged(shards: number, stored: readonly StoredRule[] = []) {
  const directory = world()
  const rules = new RuleBook()
  for (const rule of stored) rules.store(rule)
  const rings = Array.from({ length: shards }, () => createRing(1 << 16))
  const doorbells = createDoorbells(2 + shards)
  const told: string[] = []
  const reported: unknown[] = []
  const judged: string[] = []
  const compliance = new Compliance({
    world: {
      directory,
      rules,
      compliance: {
        reportViolation: (violation: unknown) => reported.push(violation),
        reportTripped: ({ id, revision }: { id: number; revision: number }) => reported.push(`${id} of ${revision}`),
      } as never, // the two calls that it makes
    },
    accounts: { rowOf: account => ACCOUNTS.indexOf(account), accountOf: row => ACCOUNTS[row]!, size: ACCOUNTS.length },
    shards: rings.map((ring, shard) => new ShardLink(new RingProducer(ring), new Doorbell(doorbells, 2 + shard))),
    shardOf: row => row % shards,
    relay: { toJudge: body => judged.push(judgedLine(unpackToJudge(body))) },
    nowUs: () => 0,
    log: { info: () => undefined, warning: line => told.push(line), error: line => told.push(line) },
  })
  directory.listen({
    associated: (_, child) => compliance.moved(child),
    detached: (_, child) => compliance.moved(child),
  })
  rules.listen({ ruleChanged: rule => compliance.ruleChanged(rule) })
  const consumers = rings.map(ring => new RingConsumer(ring))
  /** What each shard was sent since the last call. */
  const sent = () =>
    consumers.map(ring => {
      const commands: string[] = []
      while (ring.next()) {
        const { bytes, view, offset, length } = ring
        const type = view.getUint32(offset + CommandAt.type, true)
        const body = bytes.slice(offset + COMMAND_HEADER_BYTES, offset + length)
        if (type === Command.Nodes) {
          const row = view.getUint32(offset + CommandAt.accountRow, true)
          commands.push(`account ${ACCOUNTS[row]} in ${nodesOfBody(body).slice(1)}`)
        } else if (type === Command.Pool) {
          const account = ACCOUNTS[view.getUint32(offset + CommandAt.accountRow, true)]
          const epoch = view.getFloat64(offset + CommandAt.orderId, true)
          commands.push(`account ${account} asks in epoch ${epoch}${body[0] === 1 ? ', cancels too' : ''}`)
        } else {
          const { id, node, state, schema } = ruleOfBody(body)
          commands.push(`rule ${id} on ${node} ${schema.name}${state === RuleState.Deleted ? ' is gone' : ''}`)
        }
      }
      ring.release()
      return commands
    })
  return { compliance, directory, rules, sent, told, reported, judged }
}

function judgedLine(message: JudgeMessage): string {
  switch (message[0]) {
    case ToJudge.Rule: {
      const { id, schema, state } = ruleOfBody(message[1])
      return `rule ${id} ${schema.name}${state === RuleState.Deleted ? ' is gone' : ''}`
    }
    case ToJudge.Expect:
      return `expect ${message[1]} in epoch ${message[2]}, of ${message[3]}`
    case ToJudge.Nodes:
      return `${message[1]} of ${message[3]}`
    case ToJudge.Leave:
      return `${message[1]} leaves epoch ${message[2]}`
    default:
      throw new Error(`main says ${message[0]} to the judge`)
  }
}

let revisions = 0
function rule(
  id: number,
  node: number,
  nodeKind: NodeKind,
  schema: RuleSchema,
  state: RuleState = RuleState.Active,
): StoredRule {
  revisions += 1
  return { id, node, nodeKind, schema, state, revision: revisions, tripped: false }
}

test('shards learn where accounts lie once a directory has rules, and of what changes then', () => {
  const { compliance, directory, rules, sent } = staged(1, [rule(1, 3, 'account', count)])
  compliance.start()
  deepEqual(sent(), [['rule 1 on 3 order_count_limit']])
  directory.associate(TRADERS, 3)
  deepEqual(sent(), [[]])
  rules.store(rule(2, GROUP, 'directory', count))
  deepEqual(sent(), [
    [
      `account 1 in ${[TRADERS, GROUP, 0]}`,
      `account 2 in ${[TRADERS, GROUP, 0]}`,
      `account 3 in ${[TRADERS, GROUP, 0]}`,
      `rule 2 on ${GROUP} order_count_limit`,
    ],
  ])
  directory.detach(TRADERS, 3)
  deepEqual(sent(), [['account 3 in ']])
  directory.associate(DESK, TRADERS)
  deepEqual(sent(), [[`account 1 in ${[TRADERS, GROUP, DESK, 0]}`, `account 2 in ${[TRADERS, GROUP, DESK, 0]}`]])
  // What is no trading group does not count.
  directory.associate(DESK, 3)
  deepEqual(sent(), [[]])
})

test('a rule that counts accounts of several shards together goes to the judge, behind the accounts under it', () => {
  const { compliance, directory, rules, sent, judged, told } = staged(2)
  const asks = () => sent().map(commands => commands.filter(command => command.includes('asks')))
  const ofRules = () => sent().map(commands => commands.filter(command => command.startsWith('rule')))
  const heard = () => judged.splice(0)
  compliance.start()
  rules.store(rule(1, GROUP, 'directory', count))
  const traders = [TRADERS, GROUP, 0]
  deepEqual(heard(), [
    `expect 1 in epoch 1, of ${[1, ...traders]}`,
    `expect 2 in epoch 2, of ${[2, ...traders]}`,
    'rule 1 order_count_limit',
  ])
  deepEqual(asks(), [['account 1 asks in epoch 1'], ['account 2 asks in epoch 2']])
  // What a shard can judge by itself it does.
  rules.store(rule(2, GROUP, 'directory', never))
  deepEqual([heard(), ofRules()], [[], Array(2).fill([`rule 2 on ${GROUP} reject_submissions`])])
  directory.associate(DESK, TRADERS)
  const moved = [TRADERS, GROUP, DESK, 0]
  deepEqual(heard(), [`1 of ${[1, ...moved]}`, `2 of ${[2, ...moved]}`])
  directory.associate(TRADERS, 3)
  deepEqual([heard(), asks()], [[`expect 3 in epoch 3, of ${[3, ...moved]}`], [['account 3 asks in epoch 3'], []]])
  directory.detach(TRADERS, 3)
  deepEqual(
    [heard(), asks()],
    [
      ['3 of 3', '3 leaves epoch 3'],
      [['account 3 asks in epoch 0'], []],
    ],
  )
  const rate: RuleSchema = {
    name: 'message_rate',
    parameters: [{ name: 'interval', value: { kind: 'duration', value: MICROS } }],
  }
  rules.store(rule(3, GROUP, 'directory', wrapSchema('per_ticker', [], rate), RuleState.Passive))
  deepEqual(heard(), ['rule 3 per_ticker'])
  deepEqual(asks(), [['account 1 asks in epoch 1, cancels too'], ['account 2 asks in epoch 2, cancels too']])
  rules.store(rule(3, GROUP, 'directory', rate, RuleState.Disabled))
  deepEqual(
    [heard(), asks()],
    [['rule 3 message_rate is gone'], [['account 1 asks in epoch 1'], ['account 2 asks in epoch 2']]],
  )
  // The entry becomes one that no judge is needed for, and back.
  rules.store(rule(1, GROUP, 'directory', never))
  deepEqual(heard(), ['rule 1 reject_submissions is gone', '1 leaves epoch 1', '2 leaves epoch 2'])
  deepEqual(ofRules(), Array(2).fill([`rule 1 on ${GROUP} reject_submissions`]))
  rules.store(rule(1, GROUP, 'directory', count))
  equal(heard().length, 3)
  deepEqual(ofRules(), Array(2).fill([`rule 1 on ${GROUP} order_count_limit is gone`]))
  deepEqual(told, [])
})

test('a rule of an unknown name ends what its entry was before', () => {
  const { compliance, rules, sent, told } = staged(1, [rule(1, 3, 'account', count)])
  compliance.start()
  sent()
  rules.store(rule(1, 3, 'account', { name: 'of_the_future', parameters: [] }))
  deepEqual([sent(), told.length], [[['rule 1 on 3 of_the_future is gone']], 1])
})

test('violations are handed to the service with their text, and a rule that shut itself is noted', () => {
  const stored = rule(7, 3, 'account', count)
  const { compliance, reported } = staged(1, [stored])
  const violation = { account: 3, orderId: 42, ruleId: 7, schemaName: 'order_count_limit', params: [1] }
  compliance.violated({ ...violation, reason: Reason.OrderLimitReached, trippedRevision: 0 })
  compliance.violated({ ...violation, reason: Reason.RepeatedExecutions, params: [], trippedRevision: 41 })
  deepEqual(reported.length, 3)
  const { params, schemaName, ...common } = violation
  deepEqual(reported[0], {
    ...common,
    ruleName: schemaName,
    reason: Reason.OrderLimitReached,
    text: `The permitted number of ${params[0]} open orders has been reached.`,
  })
  deepEqual(reported[2], '7 of 41')
})
