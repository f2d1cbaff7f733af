// A scripted server and a client connected to it, on a clock moved by hand; all of it ends with the test.

import type { TestContext } from 'node:test'
import { connect, type OesClient } from '../../src/client/client.ts'
import type { ConnectOptions, StateChange } from '../../src/client/connect-options.ts'
import { ManualTimers } from './manual-timers.ts'
import { type Peer, ScriptedServer } from './scripted-server.ts'

export interface Stage {
  server: ScriptedServer
  /** The server's end of the first connection. */
  peer: Peer
  client: OesClient
  timers: ManualTimers
  /** The next change of the connection, the first login left out. */
  nextState(): Promise<StateChange>
}

export async function startServer(context: TestContext): Promise<ScriptedServer> {
  const server = await ScriptedServer.start()
  context.after(() => server.stop())
  return server
}

export async function setStage(
  context: TestContext,
  facts: Parameters<ScriptedServer['login']>[0] = {},
  options: Partial<ConnectOptions> = {},
): Promise<Stage> {
  const server = await startServer(context)
  const timers = new ManualTimers()
  const changes: StateChange[] = []
  let wake = () => {}
  const connecting = connect({
    port: server.port,
    username: 'ada',
    password: 'secret',
    timers,
    random: () => 1,
    onState: change => {
      changes.push(change)
      wake()
    },
    ...options,
  })
  const peer = await server.login(facts)
  const client = await connecting
  context.after(() => client.close())
  changes.shift()
  const nextState = async () => {
    while (changes.length === 0) {
      await new Promise<void>(resolve => {
        wake = resolve
      })
    }
    return changes.shift()!
  }
  return { server, peer, client, timers, nextState }
}
