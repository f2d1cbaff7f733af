// Client of the definitions service. Definitions are loaded once, at the start; every thread builds its own from the
// plain data, which can be handed to it as it is.

import type { Value } from '../../protocol/msgpack.ts'
import type { LocatorClient } from '../locator/client.ts'
import { locatedClient } from '../locator/located-client.ts'
import { DEFINITIONS_SERVICE, DefinitionsKind } from './messages.ts'

/**
 * Loads the definitions as plain data, for `definitionsFromData`.
 * @throws ServiceError SERVICE_UNAVAILABLE
 */
export async function loadDefinitionsData(locator: LocatorClient): Promise<Value> {
  const client = locatedClient(locator, DEFINITIONS_SERVICE, {})
  await client.open()
  try {
    return (await client.request(DefinitionsKind.Load))[2] ?? null
  } finally {
    client.close()
  }
}
