// The definitions service: hands out countries, currencies, venues, destinations and exchange rates, as plain data that
// was checked once at the start. They do not change while the service runs.

import { definitionsData, definitionsFromData } from '../../domain/definitions.ts'
import type { Value } from '../../protocol/msgpack.ts'
import type { Handler, Service } from '../wire/service-host.ts'
import { DEFINITIONS_SERVICE, DefinitionsKind } from './messages.ts'

export class DefinitionsServer implements Service {
  readonly name = DEFINITIONS_SERVICE
  readonly handlers: ReadonlyMap<number, Handler>

  /** @param data content of a definitions file, the built-in one by default. @throws InvalidData */
  constructor(data: unknown = definitionsData) {
    definitionsFromData(data)
    // The check above saw nothing but records, lists, texts and numbers.
    this.handlers = new Map<number, Handler>([[DefinitionsKind.Load, () => [data as Value]]])
  }
}
