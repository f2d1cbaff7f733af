// `oes orders`: the orders of an account, newest last.

import {
  type OesClient,
  type OrderQuery,
  OrderTracker,
  type QueryFilter,
  type TrackedOrder,
} from '../../client/index.ts'
import { parsePoint, parseWhole } from '../arguments.ts'
import { usageError } from '../command-error.ts'
import { ExitStatus } from '../exit-status.ts'
import { orderColumns, orderJson } from '../order-columns.ts'
import type { Output } from '../output.ts'
import { accountOf } from '../server-options.ts'

export interface OrdersFlags {
  account?: string
  live?: boolean
  symbol?: string
  venue?: string
  from?: string
  to?: string
  first?: string
  last?: string
  all?: boolean
}

/** Orders shown where the flags set no limit. */
const LAST_DEFAULT = '50'

export async function orders(client: OesClient, output: Output, flags: OrdersFlags): Promise<ExitStatus> {
  const query = queryOf(flags)
  const account = await accountOf(client, flags.account)
  const rows: TrackedOrder[] = []
  for await (const record of client.queryOrders({ ...query, account })) {
    const order = new OrderTracker().load(record)
    // A table needs the widths of all its cells; JSON goes out as it comes.
    if (output.isJson) output.json(orderJson(order))
    else rows.push(order)
  }
  if (output.isJson) return ExitStatus.Ok
  if (rows.length === 0) output.note('No orders.')
  else output.table(orderColumns(output), rows)
  return ExitStatus.Ok
}

/** The query of a command line, its account left out. @throws CommandError */
export function queryOf(flags: OrdersFlags): OrderQuery {
  const limits = [flags.first, flags.last, flags.all].filter(flag => flag !== undefined)
  if (limits.length > 1) throw usageError('--first, --last and --all exclude one another.')
  const filters: QueryFilter[] = []
  if (flags.live === true) filters.push(['=', 'is_live', true])
  if (flags.symbol !== undefined) filters.push(['=', 'symbol', flags.symbol])
  if (flags.venue !== undefined) filters.push(['=', 'venue', flags.venue])
  return {
    ...(flags.from !== undefined && { start: parsePoint(flags.from) }),
    ...(flags.to !== undefined && { end: parsePoint(flags.to) }),
    ...(flags.all !== true && { limit: limitOf(flags) }),
    ...(filters.length > 0 && { filter: filters.length === 1 ? filters[0] : ['and', ...filters] }),
  }
}

function limitOf({ first, last }: OrdersFlags): { head: number } | { tail: number } {
  if (first !== undefined) return { head: parseWhole(first, 'a number of orders', 1) }
  return { tail: parseWhole(last ?? LAST_DEFAULT, 'a number of orders', 1) }
}
