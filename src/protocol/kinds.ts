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
  ArmSwitch: 26,
  RefreshSwitch: 27,
  DisarmSwitch: 28,
  Switch: 29,
  Logout: 30,
  Replace: 36,
  Sessions: 40,

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
  SwitchState: 94,
  SessionList: 100,
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

/** At which ends of a session its orders are canceled: bits. */
export const CancelOn = { Never: 0, Loss: 1, Logout: 2, Both: 3 } as const
export type CancelOn = (typeof CancelOn)[keyof typeof CancelOn]

/** Orders that nobody cancels for the end of a session or for a switch unless asked to: bits. */
export const AlsoCancel = { Gtc: 1, Gtd: 2 } as const
/** All of these bits. */
export const ALSO_CANCEL_MAX = AlsoCancel.Gtc | AlsoCancel.Gtd

/** Where a dead-man's switch stands. */
export const SwitchStatus = { Off: 0, Armed: 1, Fired: 2 } as const
export type SwitchStatus = (typeof SwitchStatus)[keyof typeof SwitchStatus]

/** Longest session key, in bytes of UTF-8. */
export const SESSION_KEY_BYTES_MAX = 31
/** Longest grace after a lost connection. */
export const GRACE_MS_MAX = 3_600_000
/** Time within which a dead-man's switch has to be refreshed. */
export const SWITCH_MS_MIN = 1_000
export const SWITCH_MS_MAX = 86_400_000
