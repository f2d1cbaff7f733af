// Valid requests of every kind, as parts to be spoiled: what a well-meaning client would send.

import { OrderType } from '../../src/domain/order-type.ts'
import { Side } from '../../src/domain/side.ts'
import { TimeInForce } from '../../src/domain/time-in-force.ts'
import { FindWhat, HaltScope, Kind, LimitKind, RangePoint } from '../../src/protocol/kinds.ts'

/** One request of each kind, of an account that may do nothing special. Element 1 is the request id. */
export function validRequests(account: number, orderId: unknown): unknown[][] {
  return [
    [
      Kind.Submit,
      1,
      account,
      'ABX.TSX',
      OrderType.Limit,
      Side.Bid,
      100,
      20.5,
      TimeInForce.Gtc,
      'TSX',
      124,
      '',
      0,
      [[18, 5, 'R']],
    ],
    [Kind.Cancel, 1, account, orderId],
    [Kind.Update, 1, account, orderId, 3, 100, 10.5, 'text', 'XTSE', 'A', 0.1, 0.1, 0.1, 0, null],
    [Kind.Replace, 1, account, orderId, 200, 20.25, '', ''],
    [Kind.LoadOrder, 1, 0, orderId],
    [Kind.QueryOrders, 1, account, 1, RangePoint.Present, LimitKind.Tail, 3, ['=', 'is_live', true]],
    [Kind.QueryReports, 1, account, [0], RangePoint.Present, LimitKind.Head, 3],
    [Kind.Subscribe, 1, account, 0, 0, 0, []],
    [Kind.Unsubscribe, 1, account, 1],
    [Kind.Positions, 1, account],
    [Kind.Find, 1, 0, FindWhat.Account, 'alice'],
    [Kind.Accounts, 1, 0, 0],
    [Kind.Lift, 1, 0, HaltScope.Account, account, 'over'],
    [Kind.Halts, 1, 0],
    [Kind.Sessions, 1, 0, 0],
    [Kind.MassCancel, 1, account, 0, 0, 'CA', 1, '2026-01-30', 0, 2, 'text', 10],
  ]
}

/** What has no place anywhere, or not in most places. */
export const strangeValues: readonly unknown[] = [
  null,
  true,
  false,
  '',
  'x'.repeat(5_000),
  '\u{1f600}',
  -1,
  -0,
  0.1,
  1e-7,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  Number.NEGATIVE_INFINITY,
  2 ** 31,
  2 ** 32,
  2 ** 53 + 2,
  -(2 ** 53),
  1e300,
  [],
  [[]],
  {},
  { a: 1 },
  new Uint8Array(3),
  Array.from({ length: 40 }, () => [18, 5, 'R']),
  nested(12),
  nested(40),
]

function nested(depth: number): unknown {
  return depth === 0 ? [] : [nested(depth - 1)]
}
