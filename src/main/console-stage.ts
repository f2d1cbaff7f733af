// The last stage: the console, on a thread of its own, which speaks to this server as every client does. It is no part of
// the road of an order: where it fails, that is told, and the server goes on without it. Where the listener speaks TLS, the
// console is given the listener's certificate, and takes no other for the server.

import os from 'node:os'
import { MessageChannel } from 'node:worker_threads'
import type { Address } from '../config/address.ts'
import { Networks } from '../config/network.ts'
import type { Certificates } from './certificates.ts'
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
  certificates: Certificates | undefined,
  onListening: (address: Address) => void,
): void {
  const { console, server } = config
  if (console.http === 'off') return
  const { clientCa, clientCertificates } = server.tls
  if (clientCa !== undefined && clientCertificates === 'required' && certificates?.console === undefined) {
    log.warning(
      'the console is not served: server.tls.client_certificates is required, and console.client_certificate is not given',
    )
    return
  }
  const from = hostOfConsole(places.server)
  if (!new Networks(server.allowed).admits(from)) {
    log.warning('nobody can log in at the console: the host it comes from is not in server.allowed', { host: from })
  }
  const tlsOfConsole = () =>
    certificates && {
      pin: certificates.own.certificate,
      own: certificates.console,
      page: console.https === 'on' ? certificates.own : undefined,
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
  const data = { options, tls: tlsOfConsole(), log: log.share, nice: console.nice, port: port2 }
  const thread = threads.start('console', threadFile('../console/console-thread'), data, [port2])
  certificates?.watch(() => port1.postMessage(tlsOfConsole()))
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

/** Where the console's connections come from: the address they go to, since both ends are on this machine. */
function hostOfConsole({ host }: Address): string {
  if (host === '0.0.0.0') return '127.0.0.1'
  return host === '::' ? '::1' : host
}
