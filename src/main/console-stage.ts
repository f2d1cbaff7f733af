// The last stage: the console, on a thread of its own, which speaks to this server as every client does. It is no part of
// the road of an order: where it fails, that is told, and the server goes on without it.

import os from 'node:os'
import { MessageChannel } from 'node:worker_threads'
import type { Address } from '../config/address.ts'
import { type StageParts, settled, threadFile } from './stage.ts'
import type { Threads } from './threads.ts'

/** Where everything is that the console speaks to. */
export interface ConsolePlaces {
  readonly server: Address
  readonly locator: Address
  readonly admin: Address | undefined
}

/** @param onListening told where the page is served, once it is. */
export function startConsole(
  { config, log, onTheWayDown }: Pick<StageParts, 'config' | 'log' | 'onTheWayDown'>,
  threads: Threads,
  places: ConsolePlaces,
  onListening: (address: Address) => void,
): void {
  const { console, server } = config
  if (console.http === 'off') return
  if (server.tls.certificate !== undefined) {
    log.warning('the console is not served: it speaks to the server without TLS, which the server does not')
    return
  }
  const { port1, port2 } = new MessageChannel()
  port1.on('message', onListening)
  const options = {
    ...places,
    interface: console.interface,
    isLoopbackOnly: console.reach === 'loopback',
    connectionsMax: console.connectionsMax,
    requestMs: console.requestMs,
    sessionsMax: console.sessionsMax,
    sessionMs: console.sessionMs,
    idleMs: console.idleMs,
    cores: os.availableParallelism(),
  }
  const data = { options, log: log.share, nice: console.nice, port: port2 }
  const thread = threads.start('console', threadFile('../console/console-thread'), data, [port2])
  let isStopping = false
  onTheWayDown('console', async () => {
    isStopping = true
    port1.postMessage('stop')
    await settled(thread)
    port1.close()
  })
  thread.ended.catch((error: unknown) => {
    if (!isStopping) log.error('the console has ended; the server goes on without it', { error })
  })
}
