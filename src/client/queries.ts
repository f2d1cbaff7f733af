// Queries of stored orders and reports. A query is asked for page by page: the next page is fetched when the program
// has taken the last one, so a result of any length needs the memory of one page. The first page fixes where "present"
// is; the pages after it do not chase what happens meanwhile.

import { Kind, LimitKind, RangePoint } from '../protocol/kinds.ts'
import { ClientCode, OesError } from './client-error.ts'
import { type Elements, malformed } from './elements.ts'

/** A point of a range: a sequence (the first is 1), a time in µs since the epoch, or the present. */
export type QueryPoint = number | { timestamp: number } | 'present'

export type QueryMember = 'order_id' | 'short_flag' | 'timestamp' | 'is_live' | 'symbol' | 'venue'

/** A condition in prefix form: `['and', ['=', 'venue', 'XTSE'], ['=', 'is_live', true]]`. A venue is given by its MIC. */
export type QueryFilter =
  | readonly ['and' | 'or', ...QueryFilter[]]
  | readonly ['not', QueryFilter]
  | readonly ['=' | '!=' | '<' | '<=' | '>' | '>=', QueryMember, number | string | boolean]

export interface ReportQuery {
  /** The session's own account where absent. */
  account?: number
  /** First point wanted, itself included; the beginning where absent. */
  start?: QueryPoint
  /** Last point wanted, itself included; the present where absent. */
  end?: QueryPoint
  /** Only the first or the last so many; everything where absent. The last are held in memory at once. */
  limit?: { head: number } | { tail: number }
  /** Records fetched at once. */
  pageRowsMax?: number
}

export interface OrderQuery extends ReportQuery {
  filter?: QueryFilter
}

/** One answered page. */
export interface Page<T> {
  rows: T[]
  /** Account report sequence at which the server cut; live reports go on from the next. */
  lastReportSequence: number
  lastOrderSequence: number
}

/** Fetches one page of `message`. */
export type FetchPage = <T>(message: unknown[], readRow: (row: Elements) => T) => Promise<Page<T>>

const PAGE_ROWS = 500

/** Pages of the orders of an account. */
export function orderPages<T>(
  fetchPage: FetchPage,
  query: OrderQuery,
  readRow: (row: Elements) => T,
  sequenceOf: (row: T) => number,
): AsyncGenerator<Page<T>, void, undefined> {
  const cutOf = (page: Page<T>) => page.lastOrderSequence
  return pages(fetchPage, { kind: Kind.QueryOrders, query, filter: query.filter ?? null, readRow, sequenceOf, cutOf })
}

/** Pages of the reports of an account. */
export function reportPages<T>(
  fetchPage: FetchPage,
  query: ReportQuery,
  readRow: (row: Elements) => T,
  sequenceOf: (row: T) => number,
): AsyncGenerator<Page<T>, void, undefined> {
  const cutOf = (page: Page<T>) => page.lastReportSequence
  return pages(fetchPage, { kind: Kind.QueryReports, query, filter: undefined, readRow, sequenceOf, cutOf })
}

interface Paging<T> {
  kind: typeof Kind.QueryOrders | typeof Kind.QueryReports
  query: ReportQuery
  /** Not sent where undefined. */
  filter: QueryFilter | null | undefined
  readRow(row: Elements): T
  /** The sequence that ranges of this query count. */
  sequenceOf(row: T): number
  /** The last such sequence when the page was cut. */
  cutOf(page: Page<T>): number
}

async function* pages<T>(fetchPage: FetchPage, paging: Paging<T>): AsyncGenerator<Page<T>, void, undefined> {
  const { kind, query, filter, readRow, sequenceOf, cutOf } = paging
  const { account = 0, limit, pageRowsMax = PAGE_ROWS } = query
  const ask = (start: unknown, end: unknown, limitKind: LimitKind, limitSize: number) => {
    const message = [kind, 0, account, start, end, limitKind, limitSize]
    return fetchPage(filter === undefined ? message : [...message, filter], readRow)
  }
  let start = point(query.start ?? 1)
  let end = point(query.end ?? 'present')
  if (limit !== undefined && 'tail' in limit) {
    yield await ask(start, end, LimitKind.Tail, rows(limit.tail))
    return
  }
  let wanted = limit === undefined ? Number.POSITIVE_INFINITY : rows(limit.head)
  while (true) {
    const size = Math.min(rows(pageRowsMax), wanted)
    const page = await ask(start, end, LimitKind.Head, size)
    if (page.rows.length > size) throw malformed(`${page.rows.length} rows where ${size} were asked for`)
    yield page
    wanted -= page.rows.length
    const last = page.rows.at(-1)
    if (last === undefined || page.rows.length < size || wanted === 0) return
    if (end === RangePoint.Present) end = cutOf(page)
    start = sequenceOf(last) + 1
    if (typeof end === 'number' && end < start) return
  }
}

function point(value: QueryPoint): number | [number] {
  if (value === 'present') return RangePoint.Present
  if (typeof value === 'object') return [value.timestamp]
  if (Number.isSafeInteger(value) && value >= 0) return value
  throw new OesError(ClientCode.InvalidArgument, `${value} is no sequence.`, { params: [value] })
}

function rows(value: number): number {
  if (Number.isSafeInteger(value) && value > 0) return value
  throw new OesError(ClientCode.InvalidArgument, `${value} is no number of rows.`, { params: [value] })
}
