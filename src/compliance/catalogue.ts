// All compliance rules, in one table: their parameters with types, units, bounds and defaults, what they remember, by
// which reasons they refuse, and how they are made. `check-schema.ts` judges schemas by it, `docs/compliance.md` is
// generated from it.

import type { CurrencyId } from '../domain/currencies.ts'
import { MICROS } from '../domain/money.ts'
import { Reason } from '../domain/reasons.ts'
import { GLOBAL_SCOPE, type Scope } from '../domain/scopes.ts'
import { Side } from '../domain/side.ts'
import { US_PER_DAY } from '../domain/venue-time.ts'
import type { Rule, RuleContext } from './rule.ts'
import { BuyingPower } from './rules/buying-power.ts'
import { DuplicateOrder } from './rules/duplicate-order.ts'
import { ScopeFilter, TimeFilter } from './rules/filters.ts'
import { GrossExposure } from './rules/gross-exposure.ts'
import { KeyedRule } from './rules/keyed-rule.ts'
import { MaximumPosition } from './rules/maximum-position.ts'
import { MessageRate } from './rules/message-rate.ts'
import { OpposingCancel } from './rules/opposing-cancel.ts'
import { OpposingSubmission } from './rules/opposing-submission.ts'
import { OrderCountLimit } from './rules/order-count-limit.ts'
import { MaximumOrderQuantity, MaximumOrderValue } from './rules/order-size.ts'
import { PriceCollar } from './rules/price-collar.ts'
import { RejectCancels, RejectSubmissions } from './rules/rejections.ts'
import { RepeatedExecutions } from './rules/repeated-executions.ts'
import { RestrictedTickers } from './rules/restricted-tickers.ts'
import { TickersInScope } from './rules/tickers-in-scope.ts'
import { type ParameterKind, parameterOf, type RuleSchema } from './schema.ts'

/** What one parameter of a rule has to be. Numbers are as in `ParameterValue`. */
export interface ParameterSpec {
  readonly name: string
  readonly kind: ParameterKind
  /** For people: `s`, `%`, `orders`. */
  readonly unit?: string
  readonly min?: number
  readonly max?: number
  /** Of a text. */
  readonly choices?: readonly string[]
  /** What stands in for a missing one; a parameter without has to be given. */
  readonly fallback?: boolean | number | string | Scope
  readonly meaning: string
}

/**
 * What a rule remembers: nothing; what one account did, for that account alone; when something happened; or open orders
 * and positions. The last two are shared by all whom the rule stands over.
 */
export type RuleMemory = 'nothing' | 'own account' | 'events' | 'orders'

export interface RuleSpec {
  readonly name: string
  readonly meaning: string
  readonly parameters: readonly ParameterSpec[]
  /** Whether another rule is inside it; that one says then what is remembered and how it refuses. */
  readonly wraps: boolean
  readonly memory: RuleMemory
  /** Reasons of refused submissions and cancels. */
  readonly submissions: readonly Reason[]
  readonly cancels: readonly Reason[]
  /** @param inner makes the rule inside; the rule `innermost` is the one that wraps none. */
  make(values: RuleValues, context: RuleContext, inner: () => Rule, innermost: RuleSpec): Rule
}

/** The parameters of a schema that fits its spec, with what stands in for the missing ones. */
export class RuleValues {
  readonly #schema: RuleSchema
  readonly #spec: RuleSpec

  constructor(schema: RuleSchema, spec: RuleSpec) {
    this.#schema = schema
    this.#spec = spec
  }

  /** As given: micros, microseconds, percent. */
  number(name: string): number {
    return this.#value(name) as number
  }

  /** A quantity cut to whole units. */
  whole(name: string): number {
    return Math.trunc(this.number(name) / MICROS)
  }

  currency(name: string): CurrencyId {
    return this.#value(name) as number
  }

  text(name: string): string {
    return this.#value(name) as string
  }

  scope(name: string): Scope {
    return this.#value(name) as Scope
  }

  // The schema was checked against the spec, so that values are of the kinds that the readers above ask for.
  #value(name: string): unknown {
    const given = parameterOf(this.#schema, name)?.value
    return given ?? this.#spec.parameters.find(parameter => parameter.name === name)?.fallback
  }
}

const USD = 840
const UNITS_MAX = 2 ** 32
const COUNT_MAX = 100_000_000
const TIMES_MAX = 1_000_000
const HOUR_US = 3_600_000_000
const DAY_S = US_PER_DAY / MICROS

const anyText: Pick<ParameterSpec, 'kind' | 'fallback'> = { kind: 'text', fallback: '' }

function money(name: string, meaning: string, fallback?: number): ParameterSpec {
  const spec: ParameterSpec = { name, kind: 'money', min: 0, max: UNITS_MAX * MICROS, meaning }
  return fallback === undefined ? spec : { ...spec, fallback }
}

function currency(meaning: string, fallback?: CurrencyId): ParameterSpec {
  const spec: ParameterSpec = { name: 'currency', kind: 'currency', meaning }
  return fallback === undefined ? spec : { ...spec, fallback }
}

/** A whole number, given as a quantity. */
function whole(
  name: string,
  unit: string,
  min: number,
  max: number,
  meaning: string,
  fallback?: number,
): ParameterSpec {
  const spec: ParameterSpec = { name, kind: 'quantity', unit, min: min * MICROS, max: max * MICROS, meaning }
  return fallback === undefined ? spec : { ...spec, fallback }
}

const wrapping = { wraps: true, memory: 'nothing', submissions: [], cancels: [] } as const

const priced: readonly Reason[] = [Reason.NoBbo, Reason.CurrencyNotRecognized, Reason.AmountTooLarge]

/** The rules, in the order of the page. */
export const ruleCatalogue: readonly RuleSpec[] = [
  {
    name: 'reject_submissions',
    meaning: 'Refuses every submission.',
    parameters: [{ name: 'text', ...anyText, meaning: 'what the client is told instead of the usual words' }],
    wraps: false,
    memory: 'nothing',
    submissions: [Reason.SubmissionsNotAllowed, Reason.ComplianceRefused],
    cancels: [],
    make: values => new RejectSubmissions(values.text('text')),
  },
  {
    name: 'reject_cancels',
    meaning: 'Refuses every cancel.',
    parameters: [{ name: 'text', ...anyText, meaning: 'what the client is told instead of the usual words' }],
    wraps: false,
    memory: 'nothing',
    submissions: [],
    cancels: [Reason.CancelsNotAllowed, Reason.ComplianceRefused],
    make: values => new RejectCancels(values.text('text')),
  },
  {
    name: 'order_count_limit',
    meaning: 'Refuses a submission when so many orders are open already. An order is open until it has ended.',
    parameters: [whole('count', 'orders', 0, COUNT_MAX, 'open orders permitted', 0)],
    wraps: false,
    memory: 'orders',
    submissions: [Reason.OrderLimitReached],
    cancels: [],
    make: (values, context) => new OrderCountLimit(values.whole('count'), false, context),
  },
  {
    name: 'order_count_limit_per_side',
    meaning: 'The same with a count for the asks and one for the bids.',
    parameters: [whole('count', 'orders', 0, COUNT_MAX, 'open orders permitted on each side', 0)],
    wraps: false,
    memory: 'orders',
    submissions: [Reason.OrderLimitReached],
    cancels: [],
    make: (values, context) => new OrderCountLimit(values.whole('count'), true, context),
  },
  {
    name: 'opposing_cancel',
    meaning: 'After a fill, refuses cancels on the other side for a while; the last instant of it is included.',
    parameters: [whole('timeout', 's', 0, DAY_S, 'how long', 0)],
    wraps: false,
    memory: 'events',
    submissions: [],
    cancels: [Reason.OpposingCancel],
    make: (values, context) => new OpposingCancel(values.whole('timeout'), context),
  },
  {
    name: 'opposing_submission',
    meaning:
      'After a cancel of a limit or market order, refuses limit and market orders of the other side for a while where they are priced to cross it. The most aggressive cancel of the time counts.',
    parameters: [
      whole('timeout', 's', 0, DAY_S, 'how long; the last instant is included', 0),
      money('offset', 'how far from crossing a price is refused already', 0),
    ],
    wraps: false,
    memory: 'events',
    submissions: [Reason.OpposingSubmission],
    cancels: [],
    make: (values, context) => new OpposingSubmission(values.whole('timeout'), values.number('offset'), context),
  },
  {
    name: 'buying_power',
    meaning:
      'Refuses an order with which positions and open orders could tie up more money than permitted, counted as the check of an account’s buying power counts it: at the price at which the order is expected to trade. On a group all accounts are one: the position of one covers the orders of another.',
    parameters: [
      money('buying_power', 'money permitted', 0),
      currency('currency of the limit; everything is converted into it', USD),
    ],
    wraps: false,
    memory: 'orders',
    submissions: [Reason.ExceedsBuyingPower, Reason.InvalidPrice, ...priced],
    cancels: [],
    make: (values, context) => new BuyingPower(values.number('buying_power'), values.currency('currency'), context),
  },
  {
    name: 'price_collar',
    meaning:
      'Refuses a bid priced too far above, or an ask too far below, the market: the best price of the opposite side (where that is empty, of its own) and the last print, as far as they are known. Market and stop orders, and pegs without a limit, are judged by the opposite side they would trade at, against their own side and the last print.',
    parameters: [
      {
        name: 'limit',
        kind: 'double',
        unit: '%',
        min: 0.01,
        max: 1000,
        meaning: 'distance permitted, in steps of 0.01',
      },
      {
        name: 'without_market',
        kind: 'text',
        choices: ['refuse', 'accept'],
        fallback: 'refuse',
        meaning: 'what to do without a price or a market to judge by',
      },
    ],
    wraps: false,
    memory: 'nothing',
    submissions: [Reason.PriceOutsideCollar, Reason.NoBbo],
    cancels: [],
    make: (values, context) =>
      new PriceCollar(values.number('limit'), values.text('without_market') === 'refuse', context),
  },
  {
    name: 'maximum_order_quantity',
    meaning: 'Refuses an order for more units than permitted.',
    parameters: [
      { name: 'quantity', kind: 'quantity', min: 1, max: UNITS_MAX * MICROS, meaning: 'units permitted for one order' },
    ],
    wraps: false,
    memory: 'nothing',
    submissions: [Reason.OrderQuantityTooLarge],
    cancels: [],
    make: values => new MaximumOrderQuantity(values.number('quantity')),
  },
  {
    name: 'maximum_order_value',
    meaning:
      'Refuses an order for more money than permitted. A bid with a limit counts at its limit; every other order at the opposite side of the market (where that is empty, at the last print) or at its own price, whichever is higher.',
    parameters: [money('value', 'money permitted for one order'), currency('currency of the limit')],
    wraps: false,
    memory: 'nothing',
    submissions: [Reason.OrderValueTooLarge, ...priced],
    cancels: [],
    make: (values, context) => new MaximumOrderValue(values.number('value'), values.currency('currency'), context),
  },
  {
    name: 'maximum_position',
    meaning:
      'Refuses an order with which the position in its ticker could become larger than permitted, long or short, if all open orders of its side were filled and none of the other. On a group it is the position of all accounts together.',
    parameters: [
      { name: 'quantity', kind: 'quantity', min: 0, max: UNITS_MAX * MICROS, meaning: 'units permitted either way' },
    ],
    wraps: false,
    memory: 'orders',
    submissions: [Reason.PositionTooLarge],
    cancels: [],
    make: (values, context) => new MaximumPosition(values.number('quantity'), context),
  },
  {
    name: 'maximum_gross_exposure',
    meaning:
      'Refuses an order with which more money than permitted could be at stake: positions at their cost and open orders at the price `maximum_order_value` counts them at, the two sides of a ticker as alternatives. Nothing is set off between tickers or, on a group, between accounts. An order that only closes adds nothing.',
    parameters: [money('value', 'money permitted'), currency('currency of the limit; everything is converted into it')],
    wraps: false,
    memory: 'orders',
    submissions: [Reason.ExposureTooLarge, ...priced],
    cancels: [],
    make: (values, context) => new GrossExposure(values.number('value'), values.currency('currency'), context),
  },
  {
    name: 'message_rate',
    meaning:
      'Refuses submissions, or cancels, beyond so many within any interval of the given length. What it refuses does not count. Exact: it keeps the times of the last messages, not a mean.',
    parameters: [
      whole(
        'submissions',
        'messages',
        0,
        TIMES_MAX,
        'submissions permitted; none given, no limit',
        Number.POSITIVE_INFINITY,
      ),
      whole('cancels', 'messages', 0, TIMES_MAX, 'cancels permitted; none given, no limit', Number.POSITIVE_INFINITY),
      { name: 'interval', kind: 'duration', unit: 's', min: 1_000, max: US_PER_DAY, meaning: 'length of the interval' },
    ],
    wraps: false,
    memory: 'events',
    submissions: [Reason.MessageRateExceeded],
    cancels: [Reason.MessageRateExceeded],
    make: values => new MessageRate(values.whole('submissions'), values.whole('cancels'), values.number('interval')),
  },
  {
    name: 'duplicate_order',
    meaning:
      'Refuses an order that an account has entered already a short while ago: same ticker, side, type, quantity and price. The time counts from the first, whether it is still open or not; rejected orders do not count.',
    parameters: [
      {
        name: 'window',
        kind: 'duration',
        unit: 's',
        min: 1_000,
        max: HOUR_US,
        meaning: 'how long an order is remembered',
      },
    ],
    wraps: false,
    memory: 'own account',
    submissions: [Reason.DuplicateOrder],
    cancels: [],
    make: (values, context) => new DuplicateOrder(values.number('window'), context),
  },
  {
    name: 'repeated_executions',
    meaning:
      'Shuts itself when there are more executions than permitted within a short time: from then on it refuses every submission until its entry is stored again, which names who did it. Cancels go through. The moment it shuts is reported as a violation. After a restart of the server it is still shut, then for everybody under its entry.',
    parameters: [
      whole('count', 'executions', 1, TIMES_MAX, 'executions permitted'),
      { name: 'interval', kind: 'duration', unit: 's', min: 1_000, max: US_PER_DAY, meaning: 'within how long' },
    ],
    wraps: false,
    memory: 'events',
    submissions: [Reason.RepeatedExecutions],
    cancels: [],
    make: (values, context) => new RepeatedExecutions(values.whole('count'), values.number('interval'), context),
  },
  {
    name: 'restricted_tickers',
    meaning: 'Refuses submissions for the tickers of a scope. Orders that are open already stay.',
    parameters: [
      { name: 'scope', kind: 'scope', meaning: 'the tickers' },
      { name: 'side', kind: 'text', choices: ['both', 'bid', 'ask'], fallback: 'both', meaning: 'which orders' },
    ],
    wraps: false,
    memory: 'nothing',
    submissions: [Reason.RestrictedTicker],
    cancels: [],
    make: (values, context) =>
      new RestrictedTickers(
        new TickersInScope(values.scope('scope'), context.definitions),
        { both: Side.None, bid: Side.Bid, ask: Side.Ask }[values.text('side')] ?? Side.None,
      ),
  },
  {
    name: 'per_account',
    meaning: 'An inner rule for each account. On a group this separates what would be counted together.',
    parameters: [],
    ...wrapping,
    make: (_values, _context, inner, innermost) => new KeyedRule('account', inner, restoresByOrders(innermost)),
  },
  {
    name: 'per_ticker',
    meaning: 'An inner rule for each ticker.',
    parameters: [],
    ...wrapping,
    make: (_values, _context, inner, innermost) => new KeyedRule('ticker', inner, restoresByOrders(innermost)),
  },
  {
    name: 'per_side',
    meaning:
      'An inner rule for the asks and one for the bids. Each knows the fills of its own side alone, so that rules on positions are of little use in it.',
    parameters: [],
    ...wrapping,
    make: (_values, _context, inner, innermost) => new KeyedRule('side', inner, restoresByOrders(innermost)),
  },
  {
    name: 'scope_filter',
    meaning:
      'The inner rule judges the tickers of a scope. Orders of other tickers are not judged, but it counts them: a limit inside limits what lies in the scope by everything there is.',
    parameters: [{ name: 'scope', kind: 'scope', fallback: GLOBAL_SCOPE, meaning: 'the tickers' }],
    ...wrapping,
    make: (values, context, inner) =>
      new ScopeFilter(new TickersInScope(values.scope('scope'), context.definitions), inner()),
  },
  {
    name: 'time_filter',
    meaning:
      'The inner rule judges at some hours of the ticker’s venue, both ends included; over midnight where the start is later than the end. Orders of other hours are not judged, but it counts them.',
    parameters: [
      { name: 'start', kind: 'duration', unit: 's', min: 0, max: US_PER_DAY, fallback: 0, meaning: 'since midnight' },
      { name: 'end', kind: 'duration', unit: 's', min: 0, max: US_PER_DAY, fallback: 0, meaning: 'since midnight' },
    ],
    ...wrapping,
    submissions: [Reason.TimeZoneNotFound],
    cancels: [Reason.TimeZoneNotFound],
    make: (values, _context, inner) => new TimeFilter(values.number('start'), values.number('end'), inner()),
  },
]

const byName: ReadonlyMap<string, RuleSpec> = new Map(ruleCatalogue.map(spec => [spec.name, spec]))

export function findRuleSpec(name: string): RuleSpec | undefined {
  return byName.get(name)
}

/** Buying power takes the positions of an account that comes back by its orders, as it always has. */
function restoresByOrders({ name }: RuleSpec): boolean {
  return name === 'buying_power'
}
