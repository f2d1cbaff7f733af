// Hands out order ids without asking for each: a block is used up while the next is fetched already. Blocks grow from 10
// to 10,000 ids, so a short-lived process wastes few and a busy one asks seldom. Ids ascend; those left over at the end
// of the process are lost.

import type { LocatorClient } from '../locator/client.ts'
import { locatedClient } from '../locator/located-client.ts'
import { integerAt } from '../wire/elements.ts'
import type { AvailabilityListener, ReconnectingClient } from '../wire/reconnecting-client.ts'
import { BLOCK_SIZE_MAX, UID_SERVICE, UidKind } from './messages.ts'

const BLOCK_SIZE_FIRST = 10

/** No id is ever 0. */
export const NO_UID = 0

export class UidClient {
  readonly #client: ReconnectingClient
  /** The block in use: the next id, and the first one after the block. */
  #next = NO_UID
  #end = NO_UID
  /** The block fetched ahead; empty where both are equal. */
  #aheadNext = NO_UID
  #aheadEnd = NO_UID
  #blockSize = BLOCK_SIZE_FIRST
  #fetch: Promise<void> | undefined

  private constructor(client: ReconnectingClient) {
    this.#client = client
  }

  /** Connects and fetches the first block. @throws ServiceError SERVICE_UNAVAILABLE */
  static async open(
    locator: LocatorClient,
    options: { onAvailability?: AvailabilityListener } = {},
  ): Promise<UidClient> {
    const client = locatedClient(locator, UID_SERVICE, options)
    await client.open()
    const uids = new UidClient(client)
    try {
      await uids.whenAvailable()
    } catch (error) {
      client.close()
      throw error
    }
    return uids
  }

  /** Whether the service can be asked; where it can, ids that have run out are on their way. */
  get available(): boolean {
    return this.#client.available
  }

  /** Ids at hand. */
  get remaining(): number {
    return this.#end - this.#next + (this.#aheadEnd - this.#aheadNext)
  }

  /** The next id, or NO_UID where none is at hand: the service is away, or slower than the demand. */
  next(): number {
    if (this.#next === this.#end) {
      this.#next = this.#aheadNext
      this.#end = this.#aheadEnd
      this.#aheadNext = this.#aheadEnd
    }
    // Fetched once half the block is gone, so that the next one is there in time.
    if (this.#aheadNext === this.#aheadEnd && 2 * this.remaining <= this.#blockSize) this.#fetchAhead()
    if (this.#next === this.#end) return NO_UID
    return this.#next++
  }

  /**
   * Waits until there is an id at hand. All who wait share one reservation.
   * @throws ServiceError where it failed; the next call tries again.
   */
  async whenAvailable(): Promise<void> {
    while (this.remaining === 0) await (this.#fetch ?? this.#startFetch())
  }

  close(): void {
    this.#client.close()
  }

  #fetchAhead(): void {
    if (this.#fetch !== undefined) return
    // A failed reservation shows as NO_UID, and the next call of `next` tries again.
    this.#startFetch().catch(() => undefined)
  }

  #startFetch(): Promise<void> {
    const size = this.#blockSize
    this.#fetch = this.#client
      .request(UidKind.Reserve, [size])
      .then(answer => {
        const first = integerAt(answer, 2)
        // At most one fetch is under way, and none starts before the block ahead has been taken into use.
        this.#aheadNext = first
        this.#aheadEnd = first + size
        this.#blockSize = Math.min(BLOCK_SIZE_MAX, 2 * size)
      })
      .finally(() => {
        this.#fetch = undefined
      })
    return this.#fetch
  }
}
