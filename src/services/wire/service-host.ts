// The service side of the wire: listens on one port, lets connections log in or prove their session, and hands each
// request to the service that owns its kind. Every request is answered with its id, by elements or by a numbered
// refusal; a fault of our own code is told to `onFault` and refused as internal, and costs nobody else anything.
//
//   connection → Login (locator) or Challenge, Prove → requests … → closed
//        └ silent, malformed, too late with its login, too slow to read → Closing with a reason

import { createServer, type Server, type Socket } from 'node:net'
import { assert } from '../../base/assert.ts'
import type { Address } from '../../config/address.ts'
import { Reason } from '../../domain/reasons.ts'
import type { Value } from '../../protocol/msgpack.ts'
import { Connection, type ConnectionLimits, connectionLimitsDefault } from './connection.ts'
import { bytesAt, type Elements, integerAt, textAt } from './elements.ts'
import { ServiceError } from './service-error.ts'
import { newChallenge } from './session-proof.ts'
import { SERVICES_VERSION, WireKind } from './wire-kinds.ts'

/** Answers one request by the elements of its answer; throws a ServiceError to refuse it. */
export type Handler = (session: ServiceSession, message: Elements) => readonly Value[] | Promise<readonly Value[]>

/** What a service adds to a host. */
export interface Service {
  readonly name: string
  /** Its requests by kind. */
  readonly handlers: ReadonlyMap<number, Handler>
  /** Requests among them that are answered before the connection is logged in. */
  readonly greetings?: ReadonlySet<number>
  /** Forgets what the service kept for a session that ended. */
  sessionClosed?(session: ServiceSession): void
}

/** Asks the locator whose session the proof belongs to. */
export type ProofCheck = (sessionId: string, challenge: Uint8Array, proof: Uint8Array) => Promise<number>

export interface ServiceHostLimits extends ConnectionLimits {
  readonly connectionsMax: number
  /** Requests of one connection that may be unanswered. */
  readonly inFlightMax: number
  /** Time a connection has for its login. */
  readonly loginMs: number
}

export const serviceHostLimitsDefault: ServiceHostLimits = {
  ...connectionLimitsDefault,
  connectionsMax: 1_000,
  inFlightMax: 256,
  loginMs: 10_000,
}

const NO_ACCOUNT = -1

/** One connection as its services see it. */
export class ServiceSession {
  /** Account the connection is logged in as, or −1. */
  account = NO_ACCOUNT
  readonly connection: Connection
  /** Requests without an answer. */
  inFlight = 0
  /** The challenge this connection has to answer; each is good for one attempt. */
  challenge: Uint8Array | undefined

  constructor(connect: (session: ServiceSession) => Connection) {
    this.connection = connect(this)
  }

  get loggedIn(): boolean {
    return this.account !== NO_ACCOUNT
  }

  push(kind: number, elements: readonly Value[]): void {
    this.connection.send(kind, 0, elements)
  }

  /** Ends a session that follows what it may not see any more; it may come back for what it still may. */
  sendAway(): void {
    this.connection.close(new ServiceError(Reason.NotPermitted))
  }
}

export class ServiceHost {
  readonly #limits: ServiceHostLimits
  readonly #checkProof: ProofCheck
  readonly #onFault: (fault: unknown) => void
  readonly #server: Server
  readonly #sessions = new Set<ServiceSession>()
  readonly #services: Service[] = []
  readonly #handlers = new Map<number, Handler>()
  /** Requests whose answer is being worked out. */
  readonly #working = new Set<Promise<void>>()
  readonly #greetings = new Set<number>([WireKind.Challenge, WireKind.Prove])

  /**
   * @param options.checkProof how to find out whose session a proof belongs to.
   * @param options.onFault told of every failure of our own code; the connection is answered and goes on.
   */
  constructor(options: {
    limits?: Partial<ServiceHostLimits>
    checkProof: ProofCheck
    onFault: (fault: unknown) => void
  }) {
    this.#limits = { ...serviceHostLimitsDefault, ...options.limits }
    this.#checkProof = options.checkProof
    this.#onFault = options.onFault
    this.#server = createServer(socket => this.#accept(socket))
    this.#handlers.set(WireKind.Challenge, (session, message) => this.#challenge(session, message))
    this.#handlers.set(WireKind.Prove, (session, message) => this.#prove(session, message))
  }

  /** Adds a service; its requests are refused as unknown before that. */
  add(service: Service): void {
    this.#services.push(service)
    for (const [kind, handler] of service.handlers) {
      assert(!this.#handlers.has(kind), `two services answer requests of kind ${kind}`)
      this.#handlers.set(kind, handler)
    }
    for (const kind of service.greetings ?? []) this.#greetings.add(kind)
  }

  /** Binds the port, 0 for any free one. @returns the address that clients connect to. */
  listen(address: Address): Promise<Address> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen(address.port, address.host, () => {
        this.#server.off('error', reject)
        // From here on: a connection that could not be accepted, for want of descriptors perhaps.
        this.#server.on('error', error => this.#onFault(error))
        const bound = this.#server.address()
        assert(bound !== null && typeof bound === 'object')
        resolve({ host: address.host, port: bound.port })
      })
    })
  }

  /** Ends the sessions of an account that is gone. */
  sendAway(account: number): void {
    for (const session of this.#sessions) if (session.account === account) session.sendAway()
  }

  /** Stops accepting, tells every connection that the service is stopping, and ends when all work is done. */
  async close(): Promise<void> {
    const closed = new Promise<void>(resolve => this.#server.close(() => resolve()))
    for (const session of this.#sessions) session.connection.close(new ServiceError(Reason.Stopping))
    await closed
    await Promise.all(this.#working)
  }

  #accept(socket: Socket): void {
    const session = new ServiceSession(
      session =>
        new Connection(socket, this.#limits, WireKind.ServerHeartbeat, {
          onMessage: (kind, requestId, message) => this.#request(session, kind, requestId, message),
          onClosed: () => {
            clearTimeout(loginTimeout)
            this.#sessions.delete(session)
            for (const service of this.#services) service.sessionClosed?.(session)
          },
        }),
    )
    const { connection } = session
    const loginTimeout = setTimeout(() => {
      if (!session.loggedIn) connection.close(new ServiceError(Reason.LoginTimeout, [this.#limits.loginMs]))
    }, this.#limits.loginMs)
    this.#sessions.add(session)
    if (this.#sessions.size > this.#limits.connectionsMax) {
      connection.close(new ServiceError(Reason.TooManyConnections, [this.#limits.connectionsMax]))
    }
  }

  #request(session: ServiceSession, kind: number, requestId: number, message: Elements): void {
    const { connection } = session
    try {
      const answer = this.#handlerFor(session, kind)(session, message)
      if (answer instanceof Promise) this.#answerLater(session, requestId, answer)
      else connection.send(WireKind.Answer, requestId, answer)
    } catch (error) {
      this.#refuse(session, requestId, error)
    }
  }

  #handlerFor(session: ServiceSession, kind: number): Handler {
    const handler = this.#handlers.get(kind)
    if (handler === undefined) throw new ServiceError(Reason.UnknownKind, [kind])
    if (!session.loggedIn && !this.#greetings.has(kind)) throw new ServiceError(Reason.NotLoggedIn)
    const { inFlightMax } = this.#limits
    if (session.inFlight >= inFlightMax) throw new ServiceError(Reason.TooManyInFlight, [inFlightMax])
    return handler
  }

  #answerLater(session: ServiceSession, requestId: number, answer: Promise<readonly Value[]>): void {
    session.inFlight += 1
    const work = answer
      .then(
        elements => session.connection.send(WireKind.Answer, requestId, elements),
        error => this.#refuse(session, requestId, error),
      )
      .finally(() => {
        session.inFlight -= 1
        this.#working.delete(work)
      })
    this.#working.add(work)
  }

  #refuse(session: ServiceSession, requestId: number, error: unknown): void {
    if (!(error instanceof ServiceError)) this.#onFault(error)
    const refusal = error instanceof ServiceError ? error : new ServiceError(Reason.Internal)
    session.connection.send(WireKind.Refused, requestId, [refusal.code, [...refusal.params], refusal.message])
  }

  #challenge(session: ServiceSession, message: Elements): readonly Value[] {
    const version = integerAt(message, 2)
    if (version !== SERVICES_VERSION) throw new ServiceError(Reason.ProtocolVersion, [version, SERVICES_VERSION])
    session.challenge = newChallenge()
    return [session.challenge]
  }

  async #prove(session: ServiceSession, message: Elements): Promise<readonly Value[]> {
    const { challenge } = session
    session.challenge = undefined
    if (session.loggedIn) throw new ServiceError(Reason.AlreadyLoggedIn)
    if (challenge === undefined) throw new ServiceError(Reason.NotLoggedIn)
    const account = await this.#checkProof(textAt(message, 2), challenge, bytesAt(message, 3))
    // Looked at again after the wait, since two greetings of one connection may have been under way.
    if (session.loggedIn) throw new ServiceError(Reason.AlreadyLoggedIn)
    session.account = account
    return [account]
  }
}
