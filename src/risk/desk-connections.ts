// Connections to the order execution server. The accounts are spread over several, since a connection may have so many
// subscriptions only. Each connection is made when its first account needs it, however long the server takes to be there;
// once made it comes back by itself.

import { setTimeout as pause } from 'node:timers/promises'
import type { Log } from '../base/log.ts'
import { connect, type OesClient, OesError, Reason, type StateChange, type TlsOptions } from '../client/index.ts'
import { addressesOf, type LocatorClient } from '../services/locator/client.ts'
import { ServiceError } from '../services/wire/service-error.ts'

/** Connections that the accounts of the start are spread over, unless each had fewer or more accounts than this. */
const CONNECTIONS = 32
const ACCOUNTS_MIN = 32
/** Less than a server allows by default, with room for looks at the records of some. */
const ACCOUNTS_MAX = 800
const PAUSE_FIRST_MS = 100
const PAUSE_MAX_MS = 5_000

export interface DeskConnectionsOptions {
  readonly locator: LocatorClient
  /** How many accounts there are. */
  readonly accounts: number
  /** Name under which the server is registered. */
  readonly service: string
  readonly username: string
  readonly password: string
  /** How the server is spoken to; asked before each connection. */
  readonly tls: () => boolean | TlsOptions
  readonly log: Log
  /** Told of what no repetition mends; at most once. */
  readonly onFailure: (error: Error) => void
}

export class DeskConnections {
  readonly #options: DeskConnectionsOptions
  readonly #clients: Promise<OesClient>[] = []
  readonly #open = new Set<OesClient>()
  readonly #accountsPerConnection: number
  #accounts = 0
  #isClosed = false

  constructor(options: DeskConnectionsOptions) {
    this.#options = options
    const spread = Math.ceil(options.accounts / CONNECTIONS)
    this.#accountsPerConnection = Math.min(ACCOUNTS_MAX, Math.max(ACCOUNTS_MIN, spread))
  }

  /** The connection for one more account, once there is one; never settles where there will be none. */
  forAccount(): Promise<OesClient> {
    const index = Math.floor(this.#accounts / this.#accountsPerConnection)
    this.#accounts += 1
    this.#clients[index] ??= this.#connect(index)
    return this.#clients[index]
  }

  close(): void {
    this.#isClosed = true
    for (const client of this.#open) client.close()
  }

  async #connect(index: number): Promise<OesClient> {
    for (let pauseMs = PAUSE_FIRST_MS; ; pauseMs = Math.min(PAUSE_MAX_MS, 2 * pauseMs)) {
      if (this.#isClosed) return new Promise(() => undefined)
      try {
        return await this.#attempt(index)
      } catch (error) {
        if (!(error instanceof OesError || error instanceof ServiceError)) throw error
        if (error instanceof OesError && isFinal(error)) {
          this.#options.onFailure(error)
          return new Promise(() => undefined)
        }
        this.#options.log.warning('no connection to the order execution server yet', { pauseMs, error })
        await pause(pauseMs, undefined, { ref: false })
      }
    }
  }

  async #attempt(index: number): Promise<OesClient> {
    const { locator, service, username, password, tls, log, onFailure } = this.#options
    const [address] = addressesOf(await locator.locate(service))
    if (address === undefined) throw new ServiceError(Reason.ServiceUnavailable, [service])
    let wasLive = false
    const onState = (change: StateChange) => {
      if (change.state === 'live') {
        wasLive = true
        log.info('connected to the order execution server', { connection: index })
      } else if (change.state === 'lost') {
        log.warning('connection to the order execution server lost', { connection: index, cause: change.cause })
      } else if (change.cause !== undefined && wasLive) onFailure(change.cause)
    }
    const client = await connect({ ...address, tls, username, password, onState, pauseMaxMs: PAUSE_MAX_MS })
    if (this.#isClosed) client.close()
    else this.#open.add(client)
    if (!client.session.isAdministrator) {
      client.close()
      throw new OesError('NOT_PERMITTED', `${username} is no administrator of the order execution server.`, {
        reason: Reason.NotPermitted,
      })
    }
    return client
  }
}

// The same name, password and certificate will be refused again.
function isFinal({ reason }: OesError): boolean {
  return (
    reason === Reason.LoginFailed ||
    reason === Reason.ProtocolVersion ||
    reason === Reason.NotPermitted ||
    reason === Reason.CertificateAccount
  )
}
