// The definitions service: hands out countries, currencies, venues, destinations and exchange rates, as plain data that
// was checked as a whole. They are read again when they are told to be; what cannot be used changes nothing.

import { isDeepStrictEqual } from 'node:util'
import { definitionsFromData } from '../../domain/definitions.ts'
import { InvalidData } from '../../domain/plain-data.ts'
import { Reason } from '../../domain/reasons.ts'
import type { Value } from '../../protocol/msgpack.ts'
import { type Roles, requireAdministrator } from '../wire/permission.ts'
import { ServiceError } from '../wire/service-error.ts'
import type { Handler, Service, ServiceSession } from '../wire/service-host.ts'
import { DEFINITIONS_SERVICE, DefinitionsKind } from './messages.ts'

export class DefinitionsServer implements Service {
  readonly name = DEFINITIONS_SERVICE
  readonly handlers: ReadonlyMap<number, Handler>
  readonly #read: () => unknown
  readonly #followers = new Set<ServiceSession>()
  #data: Value

  /** @param read the content of the definitions file as it is now. @throws InvalidData, and whatever `read` does. */
  constructor(read: () => unknown, roles: Roles) {
    this.#read = read
    this.#data = checked(read())
    this.handlers = new Map<number, Handler>([
      [DefinitionsKind.Load, () => [this.#data]],
      [
        DefinitionsKind.Follow,
        session => {
          this.#followers.add(session)
          return [this.#data]
        },
      ],
      [
        DefinitionsKind.Reload,
        session => {
          requireAdministrator(roles, session.account)
          return [this.#reloadFor() ? 1 : 0]
        },
      ],
    ])
  }

  sessionClosed(session: ServiceSession): void {
    this.#followers.delete(session)
  }

  /** Reads the definitions again and tells whoever follows. @returns whether they changed. @throws as the constructor; then the old ones hold. */
  reload(): boolean {
    const data = checked(this.#read())
    if (isDeepStrictEqual(data, this.#data)) return false
    this.#data = data
    for (const session of this.#followers) session.push(DefinitionsKind.DefinitionsChanged, [data])
    return true
  }

  /** The same for somebody who is to be told what is wrong with them. */
  #reloadFor(): boolean {
    try {
      return this.reload()
    } catch (error) {
      if (error instanceof InvalidData || (error instanceof Error && 'code' in error)) {
        throw new ServiceError(Reason.InvalidDefinitions, [error.message], { cause: error })
      }
      throw error
    }
  }
}

function checked(data: unknown): Value {
  definitionsFromData(data)
  return data as Value // the check saw nothing but records, lists, texts and numbers
}
