// A client of any service that is found through the locator: it asks the locator where the service is, connects, and
// proves the session of the locator client instead of sending a password around.

import { Reason } from '../../domain/reasons.ts'
import { bytesAt, type Elements } from '../wire/elements.ts'
import { type AvailabilityListener, ReconnectingClient, type Request } from '../wire/reconnecting-client.ts'
import { ServiceError } from '../wire/service-error.ts'
import { proofOf } from '../wire/session-proof.ts'
import { SERVICES_VERSION, WireKind } from '../wire/wire-kinds.ts'
import { addressesOf, type LocatorClient } from './client.ts'

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
  return new ReconnectingClient({
    service,
    addresses: async () => {
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
    ...options,
  })
}
