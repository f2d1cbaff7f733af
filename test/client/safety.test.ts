import { deepEqual, equal, match, rejects } from 'node:assert/strict'
import { test } from 'node:test'
import { connect } from '../../src/client/index.ts'
import { Reason } from '../../src/domain/reasons.ts'
import { Kind } from '../../src/protocol/kinds.ts'
import { setStage, startServer } from './stage.ts'

test('the login carries what was chosen, and the same key after a lost connection', async t => {
  const server = await startServer(t)
  for (const [choice, elements] of [
    [{}, []],
    [{ sessionKey: 'a' }, ['a']],
    [{ sessionKey: 'a', cancelOn: 'loss' }, ['a', 1, 5_000, 0]],
    [{ sessionKey: 'a', cancelOn: 'logout', graceMs: 7 }, ['a', 2, 7, 0]],
    [{ sessionKey: 'a', cancelOn: 'both', alsoCancel: { gtc: true, gtd: true } }, ['a', 3, 5_000, 3]],
  ] as const) {
    const connecting = connect({ port: server.port, username: 'ada', password: 'secret', ...choice })
    const peer = await server.accept()
    const login = await peer.receive()
    deepEqual(login.slice(6), elements)
    peer.send([Kind.Closing, 0, 0, Reason.LoginFailed, [], ''])
    await rejects(connecting, { code: 'LOGIN_FAILED' })
  }
  const connecting = connect({
    port: server.port,
    username: 'ada',
    password: 'secret',
    cancelOn: 'loss',
    pauseMinMs: 1,
  })
  const keys: unknown[] = []
  for (let i = 0; i < 2; i++) {
    const peer = await server.accept()
    keys.push((await peer.receive())[6])
    peer.send([Kind.LoggedIn, 1, 7, 1, 'none', 10_000, 'scripted', 0, 10, 65_536])
    await connecting
    peer.destroy()
  }
  match(String(keys[0]), /^[\w-]{16}$/)
  equal(keys[0], keys[1])
  ;(await connecting).close()
})

test('a logout is answered before the client closes, and one that is not leaves it open', async t => {
  const { client, peer } = await setStage(t)
  const leaving = client.logout()
  const refused = await peer.receive()
  deepEqual(refused.slice(0, 1), [Kind.Logout])
  peer.send([Kind.Refused, refused[1], 0, Reason.SafetyNotKept, ['disk full'], 'not kept'])
  await rejects(leaving, { code: 'SAFETY_NOT_KEPT' })
  equal(client.isLive, true)
  const left = client.logout()
  peer.send([Kind.Done, (await peer.receive())[1], 7])
  await left
  await rejects(client.positions(), { code: 'NOT_SENT' })
})

test('the switch is armed, refreshed, disarmed and read', async t => {
  const { client, peer } = await setStage(t)
  const calls: [() => Promise<unknown>, unknown[], unknown[], unknown][] = [
    [() => client.armSwitch(5_000), [Kind.ArmSwitch, 0, 5_000, 0], [Kind.Done], undefined],
    [
      () => client.armSwitch(5_000, { account: 9, alsoCancel: { gtd: true } }),
      [Kind.ArmSwitch, 9, 5_000, 2],
      [Kind.Done],
      undefined,
    ],
    [() => client.refreshSwitch({ account: 9 }), [Kind.RefreshSwitch, 9], [Kind.Done], undefined],
    [() => client.disarmSwitch(), [Kind.DisarmSwitch, 0], [Kind.Done], undefined],
    [() => client.switchState(), [Kind.Switch, 0], [Kind.SwitchState, 0, 0, 0, 0, 0], { status: 'off' }],
    [
      () => client.switchState(),
      [Kind.Switch, 0],
      [Kind.SwitchState, 1, 5_000, 1, 77, 0],
      { status: 'armed', timeoutMs: 5_000, alsoCancel: { gtc: true, gtd: false }, dueAt: 77 },
    ],
    [
      () => client.switchState(),
      [Kind.Switch, 0],
      [Kind.SwitchState, 2, 5_000, 2, 77, 3],
      { status: 'fired', timeoutMs: 5_000, alsoCancel: { gtc: false, gtd: true }, firedAt: 77, canceled: 3 },
    ],
  ]
  for (const [call, sent, [kind, ...answer], result] of calls) {
    const calling = call()
    const [asked, requestId, ...elements] = await peer.receive()
    deepEqual([asked, ...elements], sent)
    peer.send([kind, requestId, 7, ...answer])
    deepEqual(await calling, result)
  }
})
