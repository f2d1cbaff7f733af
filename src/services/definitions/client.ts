// Clients of the definitions service. Every thread builds its own definitions from the plain data, which can be handed to
// it as it is.

import { isDeepStrictEqual } from 'node:util'
import type { Value } from '../../protocol/msgpack.ts'
import type { LocatorClient } from '../locator/client.ts'
import { locatedClient } from '../locator/located-client.ts'
import { type Elements, flagAt } from '../wire/elements.ts'
import type { AvailabilityListener, ReconnectingClient, Request } from '../wire/reconnecting-client.ts'
import { DEFINITIONS_SERVICE, DefinitionsKind } from './messages.ts'

/**
 * Loads the definitions once, as plain data, for `definitionsFromData`.
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

export interface DefinitionsClientOptions {
  /** Told of definitions that differ from those before. */
  readonly onChanged?: (data: Value) => void
  readonly onAvailability?: AvailabilityListener
}

/** Follows the definitions; while the service is away the last ones hold. */
export class DefinitionsClient {
  readonly #client: ReconnectingClient
  readonly #onChanged: DefinitionsClientOptions['onChanged']
  #data: Value = null

  private constructor(locator: LocatorClient, options: DefinitionsClientOptions) {
    this.#onChanged = options.onChanged
    this.#client = locatedClient(locator, DEFINITIONS_SERVICE, {
      onAvailability: options.onAvailability,
      renew: request => this.#renew(request),
      onPush: (kind, message) => this.#pushed(kind, message),
    })
  }

  /** Finds the service and loads what it has. @throws ServiceError SERVICE_UNAVAILABLE */
  static async open(locator: LocatorClient, options: DefinitionsClientOptions = {}): Promise<DefinitionsClient> {
    const client = new DefinitionsClient(locator, options)
    await client.#client.open()
    return client
  }

  /** Plain data, for `definitionsFromData`. */
  get data(): Value {
    return this.#data
  }

  /** Has the service read its file again. Administrators only. @returns whether anything changed. @throws ServiceError INVALID_DEFINITIONS */
  async reload(): Promise<boolean> {
    return flagAt(await this.#client.request(DefinitionsKind.Reload), 2)
  }

  close(): void {
    this.#client.close()
  }

  async #renew(request: Request): Promise<void> {
    this.#take((await request(DefinitionsKind.Follow, []))[2] ?? null)
  }

  #pushed(kind: number, message: Elements): void {
    if (kind === DefinitionsKind.DefinitionsChanged) this.#take(message[2] ?? null)
  }

  #take(data: Value): void {
    const previous = this.#data
    if (isDeepStrictEqual(previous, data)) return
    this.#data = data
    if (previous !== null) this.#onChanged?.(data)
  }
}
