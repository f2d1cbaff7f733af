// The uid service hands out ids in blocks, never the same twice: the counter is stored durably before a block leaves,
// so that a crash at any moment loses ids at most.

import type { Database, Statement } from '../../base/sqlite.ts'
import { Reason } from '../../domain/reasons.ts'
import { integerAt } from '../wire/elements.ts'
import { type Roles, requireService } from '../wire/permission.ts'
import { ServiceError } from '../wire/service-error.ts'
import type { Handler, Service } from '../wire/service-host.ts'
import { BLOCK_SIZE_MAX, UID_SERVICE, UidKind } from './messages.ts'

/** The first id of all. */
const ID_FIRST = 1

export class UidServer implements Service {
  readonly name = UID_SERVICE
  readonly handlers: ReadonlyMap<number, Handler>
  readonly #reserve: Statement

  /** @param database one whose commits are durable. */
  constructor(database: Database, roles: Roles) {
    database.exec(`
      CREATE TABLE IF NOT EXISTS uid_counter (id INTEGER PRIMARY KEY CHECK (id = 0), next INTEGER NOT NULL);
      INSERT OR IGNORE INTO uid_counter (id, next) VALUES (0, ${ID_FIRST});
    `)
    this.#reserve = database.prepare('UPDATE uid_counter SET next = next + ?1 RETURNING next - ?1 AS first')
    this.handlers = new Map<number, Handler>([
      [
        UidKind.Reserve,
        (session, message) => {
          requireService(roles, session.account)
          return [this.reserve(integerAt(message, 2))]
        },
      ],
    ])
  }

  /** @returns the first id of the block. @throws ServiceError CAPACITY where the size is out of range. */
  reserve(size: number): number {
    if (size < 1 || size > BLOCK_SIZE_MAX) throw new ServiceError(Reason.Capacity, ['ids per block', BLOCK_SIZE_MAX])
    return Number(this.#reserve.get(size)?.first)
  }
}
