// Filters of order queries: expressions over the facts of an order, as clients send them in prefix form.
//
//   ['and', filter …]  ['or', filter …]  ['not', filter]  [comparison, member, value]
//   comparison: = != < <= > >=
//   member: order_id, timestamp (µs), short_flag, is_live (0/1 or false/true), symbol, venue (MIC)
//
// A filter is used in two ways: as a predicate, which decides, and as a condition of SQL, which only keeps rows away
// that the predicate would refuse: it may let through more, never less.

import { assert, unreachable } from '../base/assert.ts'
import type { Dialect, StoreValue } from './readable-store.ts'

/** What a filter may look at. `is_live`: the order has no terminal report. */
export interface FilterableOrder {
  readonly orderId: number
  /** µs since the epoch, UTC. */
  readonly timestamp: number
  readonly shortFlag: boolean
  readonly isLive: boolean
  readonly symbol: string
  /** MIC. */
  readonly venue: string
}

const memberTypes = {
  order_id: 'number',
  timestamp: 'number',
  short_flag: 'flag',
  is_live: 'flag',
  symbol: 'text',
  venue: 'text',
} as const
type Member = keyof typeof memberTypes

const comparisons = ['=', '!=', '<', '<=', '>', '>='] as const
type Comparison = (typeof comparisons)[number]

/** The comparison that holds exactly where the other does not. */
const negated: Record<Comparison, Comparison> = { '=': '!=', '!=': '=', '<': '>=', '<=': '>', '>': '<=', '>=': '<' }

type Leaf = { readonly op: Comparison; readonly member: Member; readonly value: number | string }

/** A checked filter without negations: those have moved into the comparisons. */
export type OrderFilter =
  | { readonly op: 'and'; readonly terms: readonly OrderFilter[] }
  | { readonly op: 'or'; readonly terms: readonly OrderFilter[] }
  | Leaf

/** Most parts of one filter; a list of order ids is the longest that makes sense. */
const PARTS_MAX = 10_000
/** Conditions longer than this are left to the predicate. */
const SQL_PARTS_MAX = 200

/** A filter that is not one; `at` tells where, as a path of element indexes: `[1][2]`. */
export class InvalidFilter extends Error {
  override name = 'InvalidFilter'
  readonly at: string
  constructor(at: string) {
    super(`the filter is not understood at ${at}`)
    this.at = at
  }
}

/** Checks what a client sent; nil and undefined are no filter. @throws InvalidFilter */
export function parseOrderFilter(value: unknown): OrderFilter | undefined {
  if (value === null || value === undefined) return undefined
  let parts = 0
  const parse = (part: unknown, at: string, isNegated: boolean): OrderFilter => {
    parts += 1
    if (!Array.isArray(part) || parts > PARTS_MAX) throw new InvalidFilter(at || '[]')
    const [op, ...operands] = part as unknown[]
    if (op === 'not') {
      if (operands.length !== 1) throw new InvalidFilter(`${at}[1]`)
      return parse(operands[0], `${at}[1]`, !isNegated)
    }
    if (op === 'and' || op === 'or') {
      const terms = operands.map((operand, index) => parse(operand, `${at}[${index + 1}]`, isNegated))
      return { op: (op === 'and') === isNegated ? 'or' : 'and', terms }
    }
    const comparison = comparisons.find(known => known === op)
    if (comparison === undefined) throw new InvalidFilter(`${at}[0]`)
    const member = operands[0]
    if (!isMember(member)) throw new InvalidFilter(`${at}[1]`)
    const operand = operandOf(member, operands[1])
    if (operand === undefined || operands.length !== 2) throw new InvalidFilter(`${at}[2]`)
    return { op: isNegated ? negated[comparison] : comparison, member, value: operand }
  }
  return parse(value, '', false)
}

function isMember(value: unknown): value is Member {
  return typeof value === 'string' && Object.hasOwn(memberTypes, value)
}

function operandOf(member: Member, value: unknown): number | string | undefined {
  const type = memberTypes[member]
  switch (type) {
    case 'number':
      return typeof value === 'number' && Number.isFinite(value) ? value : undefined
    case 'text':
      return typeof value === 'string' ? value : undefined
    case 'flag':
      if (typeof value === 'boolean') return value ? 1 : 0
      return value === 0 || value === 1 ? value : undefined
    default:
      return unreachable(type)
  }
}

/** Whether the order passes; without filter every order does. */
export function passes(filter: OrderFilter | undefined, order: FilterableOrder): boolean {
  if (filter === undefined) return true
  switch (filter.op) {
    case 'and':
      return filter.terms.every(term => passes(term, order))
    case 'or':
      return filter.terms.some(term => passes(term, order))
    default:
      return compares(filter, order)
  }
}

function compares({ op, member, value }: Leaf, order: FilterableOrder): boolean {
  const fact = factOf(member, order)
  switch (op) {
    case '=':
      return fact === value
    case '!=':
      return fact !== value
    case '<':
      return fact < value
    case '<=':
      return fact <= value
    case '>':
      return fact > value
    case '>=':
      return fact >= value
    default:
      return unreachable(op)
  }
}

function factOf(member: Member, order: FilterableOrder): number | string {
  switch (member) {
    case 'order_id':
      return order.orderId
    case 'timestamp':
      return order.timestamp
    case 'short_flag':
      return order.shortFlag ? 1 : 0
    case 'is_live':
      return order.isLive ? 1 : 0
    case 'symbol':
      return order.symbol
    case 'venue':
      return order.venue
    default:
      return unreachable(member)
  }
}

/** Whether only live orders can pass. */
export function demandsLive(filter: OrderFilter | undefined): boolean {
  if (filter === undefined) return false
  if (filter.op === 'and') return filter.terms.some(demandsLive)
  if (filter.op === 'or') return filter.terms.length > 0 && filter.terms.every(demandsLive)
  if (filter.member !== 'is_live') return false
  return (filter.op === '=' && filter.value === 1) || (filter.op === '!=' && filter.value === 0)
}

/** The only order ids that can pass, or undefined where the filter does not say. */
export function demandedOrderIds(filter: OrderFilter | undefined): ReadonlySet<number> | undefined {
  if (filter === undefined) return undefined
  if (filter.op === 'and') return filter.terms.map(demandedOrderIds).find(ids => ids !== undefined)
  if (filter.op === 'or') {
    const all = new Set<number>()
    for (const term of filter.terms) {
      const ids = demandedOrderIds(term)
      if (ids === undefined) return undefined
      for (const id of ids) all.add(id)
    }
    return all
  }
  return filter.op === '=' && filter.member === 'order_id' && typeof filter.value === 'number'
    ? new Set([filter.value])
    : undefined
}

/** Whether the filter asks for the life of an order at all. */
export function asksForLife(filter: OrderFilter | undefined): boolean {
  if (filter === undefined) return false
  if (filter.op === 'and' || filter.op === 'or') return filter.terms.some(asksForLife)
  return filter.member === 'is_live'
}

const columns: Record<Member, string> = {
  order_id: 's.order_id',
  timestamp: 's.timestamp',
  short_flag: 's.shorting_flag',
  is_live: '',
  symbol: 's.symbol',
  venue: 's.venue',
}

export interface FilterCondition {
  readonly sql: string
  readonly parameters: readonly StoreValue[]
  /** Only orders that pass meet it: nothing was left open. */
  readonly isExact: boolean
}

const OPEN: FilterCondition = { sql: '1 = 1', parameters: [], isExact: false }

/**
 * A condition over the columns of `submissions s` that every order passing the filter meets, and its parameters. What
 * SQL and the predicate might judge differently (the order of texts, the life of an order) is left open.
 */
export function filterCondition(filter: OrderFilter | undefined, dialect: Dialect): FilterCondition {
  if (filter === undefined) return { ...OPEN, isExact: true }
  const parameters: StoreValue[] = []
  let parts = 0
  let isExact = true
  const leftOpen = () => {
    isExact = false
    return OPEN.sql
  }
  const condition = (part: OrderFilter): string => {
    parts += 1
    if (part.op === 'and' || part.op === 'or') {
      if (part.terms.length === 0) return part.op === 'and' ? '1 = 1' : '1 = 0'
      return `(${part.terms.map(condition).join(part.op === 'and' ? ' AND ' : ' OR ')})`
    }
    const { op, member, value } = part
    if (member === 'is_live') return leftOpen()
    if (memberTypes[member] === 'text' && op !== '=' && op !== '!=') return leftOpen()
    assert(columns[member] !== '')
    if (member === 'timestamp') {
      const time = dialect.timeLiteral(value as number) // its type was checked with the filter
      return time === undefined ? leftOpen() : `${columns[member]} ${op} ${time}`
    }
    parameters.push(value)
    return `${columns[member]} ${op} ?`
  }
  const sql = condition(filter)
  return parts > SQL_PARTS_MAX ? OPEN : { sql, parameters, isExact }
}
