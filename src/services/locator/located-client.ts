// A client of any service that is found through the locator: it asks the locator where the service is, connects, and
// proves the session of the locator client instead of sending a password around. The locator also tells when the service
// is there again, so that nobody waits out a long pause.

import { Reason } from '../../domain/reasons.ts'
import { bytesAt, type Elements } from '../wire/elements.ts'
import { type AvailabilityListener, ReconnectingClient, type Request } from '../wire/reconnecting-client.ts'
import { ServiceError } from '../wire/service-error.ts'
import { proofOf } from '../wire/session-proof.ts'
import { SERVICES_VERSION, WireKind } from '../wire/wire-kinds.ts'
import { addressesOf, type LocatorClient, type ServiceListener } from './client.ts'

/** A client of `service` that is not connected yet: call `open`. */
export function locatedClient(
  locator: LocatorClient,
  service: string,
  options: {
    renew?: (request: Request) => Promise<void>
    onPush?: (kind: number, message: Elements) => void
    onAvailability?: AvailabilityListener | undefined
  },
): ReconnectingClient {
  let watched = false
  const listener: ServiceListener = (_, available) => {
    if (available) client.retryNow()
  }
  const watch = () => {
    if (watched) return
    watched = true
    // Where the locator is away, it is asked as soon as it is there again.
    locator.watchService(service, listener).catch(() => undefined)
  }
  const client = new ReconnectingClient({
    service,
    addresses: async () => {
      watch()
      const addresses = addressesOf(await locator.locate(service))
      if (addresses.length === 0) throw new ServiceError(Reason.ServiceUnavailable, [service])
      return addresses
    },
    greet: async request => {
      const challenge = bytesAt(await request(WireKind.Challenge, [SERVICES_VERSION]), 2)
      const { ticket } = locator
      if (ticket === undefined) throw new ServiceError(Reason.ServiceUnavailable, ['service_locator'])
      await request(WireKind.Prove, [ticket.id, proofOf(ticket.key, challenge)])
    },
    limits: locator.limits,
    times: locator.times,
    onClosed: () => {
      // Where the connection breaks on the way, the locator forgets by itself who watched.
      if (watched) locator.unwatchService(service, listener).catch(() => undefined)
    },
    ...options,
  })
  return client
}
