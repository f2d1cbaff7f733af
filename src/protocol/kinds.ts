// The kinds of messages, in the order of docs/protocol.md. Requests of clients lie below 64, what the server sends from
// 64 on, so that one look at the first element tells who speaks. A number once used keeps its meaning.

export const PROTOCOL_VERSION = 1

export const Kind = {
  Login: 1,
  Heartbeat: 2,
  Submit: 3,
  Cancel: 4,
  Update: 5,
  LoadOrder: 6,
  QueryOrders: 7,
  QueryReports: 8,
  Subscribe: 9,
  Unsubscribe: 10,
  Positions: 11,
  Find: 12,
  Accounts: 13,
  Halt: 14,
  Lift: 15,
  Halts: 16,
  MassCancel: 17,

  OrderAccepted: 64,
  ExecutionReport: 65,
  /** Only in journals: the positions of an account at a sequence, from which recovery starts. */
  InventorySnapshot: 66,
  Refused: 70,
  Done: 71,
  LoggedIn: 72,
  OrderRecord: 73,
  ReportRecord: 74,
  QueryEnd: 75,
  Subscribed: 76,
  PositionList: 77,
  Found: 78,
  AccountList: 79,
  ServerHeartbeat: 80,
  Closing: 81,
  Membership: 82,
  Halted: 83,
  HaltList: 84,
  MassCancelProgress: 85,
  MassCanceled: 86,
} as const
export type Kind = (typeof Kind)[keyof typeof Kind]

/** Points of a range that are not sequences or times. */
export const RangePoint = { First: 0, Last: -1, Present: -2 } as const

/** How much history a query asks for. */
export const LimitKind = { None: 0, Head: 1, Tail: 2, Unlimited: 3 } as const
export type LimitKind = (typeof LimitKind)[keyof typeof LimitKind]

/** What a subscription follows. */
export const SubscriptionScope = { Account: 0, Group: 1 } as const
export type SubscriptionScope = (typeof SubscriptionScope)[keyof typeof SubscriptionScope]

/** What a find request looks for. */
export const FindWhat = { Account: 0, Group: 1 } as const
export type FindWhat = (typeof FindWhat)[keyof typeof FindWhat]

/** What a halt keeps from trading. */
export const HaltScope = { Account: 0, Group: 1, Destination: 2, Everybody: 3 } as const
export type HaltScope = (typeof HaltScope)[keyof typeof HaltScope]
