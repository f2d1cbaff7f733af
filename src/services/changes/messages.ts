// How records of changes travel: each service that keeps a change log answers a request of its own for them, all in this
// form.
//
//   subject (−1 any), after number (0 = from the start), count → [change, …], more (0/1), ascending. Administrators.
//   change   [number, time (µs since the epoch), account that made it, what, subject, before, after]

import type { Value } from '../../protocol/msgpack.ts'
import { type Elements, integerAt, textAt } from '../wire/elements.ts'
import { loadPages, pageRowsAt, pageToWire } from '../wire/pages.ts'
import { type Roles, requireAdministrator } from '../wire/permission.ts'
import type { Request } from '../wire/reconnecting-client.ts'
import type { Handler } from '../wire/service-host.ts'
import { ANY_SUBJECT, type Change, type ChangeLog } from './change-log.ts'

/** Rows of one page: a change may be as large as what it changed, twice. */
const PAGE_CHANGES_MAX = 100

/** Answers the request for changes. */
export function changesHandler(log: ChangeLog, roles: Roles): Handler {
  return (session, message) => {
    requireAdministrator(roles, session.account)
    const rowsMax = Math.min(PAGE_CHANGES_MAX, pageRowsAt(message, 4))
    return pageToWire(log.after(integerAt(message, 2, ANY_SUBJECT), integerAt(message, 3, 0, 0), rowsMax), changeToWire)
  }
}

/** All changes of a subject, in the order in which they were made. */
export async function loadChanges(request: Request, kind: number, subject = ANY_SUBJECT): Promise<Change[]> {
  const changes: Change[] = []
  await loadPages(request, kind, {
    first: [subject],
    after: [0],
    keyOf: row => row.slice(0, 1),
    take: row => changes.push(changeFromWire(row)),
  })
  return changes
}

function changeToWire({ number, timestamp, by, what, subject, before, after }: Change): Value[] {
  return [number, timestamp, by, what, subject, before, after]
}

function changeFromWire(row: Elements): Change {
  return {
    number: integerAt(row, 0),
    timestamp: integerAt(row, 1),
    by: integerAt(row, 2),
    what: textAt(row, 3),
    subject: integerAt(row, 4),
    before: row[5] ?? null,
    after: row[6] ?? null,
  }
}
