// Every refusal of the server, in one numbered table. A number tells the stage (100 form of the request, 200 reference
// data, 300 checks, 400 compliance, 500 risk state, 600 destination, 900 server) and keeps its meaning once used.
// `docs/reasons.md` is generated from this table and follows its order.

export const Reason = {
  None: 0,

  MalformedFrame: 100,
  FrameTooLarge: 101,
  UnknownKind: 102,
  MalformedMessage: 103,
  NotLoggedIn: 104,
  AlreadyLoggedIn: 105,
  ProtocolVersion: 106,
  InvalidSide: 110,
  InvalidOrderType: 111,
  InvalidTimeInForce: 112,
  InvalidQuantity: 113,
  InvalidPrice: 114,
  InvalidExpiry: 115,
  InvalidClOrdId: 116,
  InvalidTags: 117,
  InvalidText: 118,
  SymbolMissing: 119,
  VenueMissing: 120,
  InvalidStatus: 121,
  InvalidRange: 122,
  InvalidLimit: 123,
  InvalidFilter: 124,
  AmountTooLarge: 125,
  InvalidSafety: 135,

  LoginFailed: 200,
  NotPermitted: 201,
  UnknownAccount: 202,
  UnknownOrder: 203,
  UnknownSubscription: 204,
  UnknownDestination: 205,
  DestinationVenue: 206,
  UnknownCurrency: 207,
  UnknownTicker: 208,
  ClOrdIdReused: 209,
  OrderTerminal: 210,
  IllegalUpdate: 211,
  UnknownGroup: 212,
  AlreadyCanceling: 213,
  UnknownEntry: 214,
  NameTaken: 215,
  InvalidName: 216,
  IllegalMove: 217,
  UnknownHalt: 218,
  UnknownScope: 219,
  UnknownRule: 220,
  UnknownModification: 221,
  ModificationClosed: 222,
  LoginsSuspended: 223,
  InvalidDefinitions: 224,
  SwitchNotArmed: 234,
  CertificateAccount: 235,
  AlreadyReplacing: 240,
  NotAcknowledged: 241,
  SupersededClOrdId: 242,

  BoardLot: 300,
  NoBbo: 301,
  CurrencyNotRecognized: 302,
  ExceedsBuyingPower: 303,

  ComplianceRefused: 400,
  OrderLimitReached: 401,
  OpposingCancel: 402,
  OpposingSubmission: 403,
  CancelsNotAllowed: 404,
  SubmissionsNotAllowed: 405,
  TimeZoneNotFound: 406,
  PriceOutsideCollar: 410,
  OrderQuantityTooLarge: 411,
  OrderValueTooLarge: 412,
  PositionTooLarge: 413,
  ExposureTooLarge: 414,
  MessageRateExceeded: 415,
  DuplicateOrder: 416,
  RepeatedExecutions: 417,
  RestrictedTicker: 418,
  RuleNameUnknown: 430,
  RuleParameterMissing: 431,
  RuleParameterInvalid: 432,

  OnlyClosingOrders: 500,
  TradingHalted: 501,

  DestinationNotAvailable: 600,
  ManualOrderNotPermitted: 601,
  NotFilledAtOnce: 602,
  SessionClosed: 603,
  Expired: 604,
  WouldTrade: 605,
  CanceledOnRequest: 606,
  CanceledByHalt: 607,
  CanceledInBulk: 608,
  CanceledOnLoss: 617,
  CanceledOnLogout: 618,
  CanceledBySwitch: 619,
  TermNotReplaceable: 640,
  EndedBeforeReplace: 641,
  NothingLeftByReplace: 642,

  Busy: 900,
  Stopping: 901,
  TooManyInFlight: 902,
  TooManyConnections: 903,
  LoginTimeout: 904,
  SlowReader: 905,
  PeerSilent: 906,
  Capacity: 907,
  ServiceUnavailable: 908,
  StoreUnavailable: 909,
  TooManySubscriptions: 910,
  Internal: 911,
  OutcomeUnknown: 912,
  NotKept: 913,
  RateExceeded: 923,
  Flooding: 924,
  SafetyNotKept: 925,
} as const
export type Reason = (typeof Reason)[keyof typeof Reason]

interface ReasonEntry {
  /** The name clients may print or switch over; stable like the number. */
  readonly name: string
  /** Text for people; `{0}`, `{1}` stand for the parameters, in order. */
  readonly text: string
}

const entries: Record<Reason, ReasonEntry> = {
  [Reason.None]: { name: 'NONE', text: '' },

  [Reason.MalformedFrame]: { name: 'MALFORMED_FRAME', text: 'The frame does not hold one msgpack array.' },
  [Reason.FrameTooLarge]: { name: 'FRAME_TOO_LARGE', text: 'The frame has {0} bytes, at most {1} are allowed.' },
  [Reason.UnknownKind]: { name: 'UNKNOWN_KIND', text: 'There is no request of kind {0}.' },
  [Reason.MalformedMessage]: {
    name: 'MALFORMED_MESSAGE',
    text: 'Element {0} of the message is missing or of the wrong type.',
  },
  [Reason.NotLoggedIn]: { name: 'NOT_LOGGED_IN', text: 'The first request of a connection is the login.' },
  [Reason.AlreadyLoggedIn]: { name: 'ALREADY_LOGGED_IN', text: 'This connection is logged in already.' },
  [Reason.ProtocolVersion]: {
    name: 'PROTOCOL_VERSION',
    text: 'Protocol version {0} is not spoken here; this server speaks {1}.',
  },
  [Reason.InvalidSide]: { name: 'INVALID_SIDE', text: 'The side is neither bid nor ask.' },
  [Reason.InvalidOrderType]: {
    name: 'INVALID_ORDER_TYPE',
    text: 'The order type is not one of market, limit, pegged, stop.',
  },
  [Reason.InvalidTimeInForce]: {
    name: 'INVALID_TIME_IN_FORCE',
    text: 'The time in force is not known or not allowed for this order.',
  },
  [Reason.InvalidQuantity]: {
    name: 'INVALID_QUANTITY',
    text: 'The quantity has to be a positive number with at most six decimals.',
  },
  [Reason.InvalidPrice]: {
    name: 'INVALID_PRICE',
    text: 'The price has to be a number with at most six decimals, positive for limit, stop and manual orders.',
  },
  [Reason.InvalidExpiry]: {
    name: 'INVALID_EXPIRY',
    text: 'Good till date needs an expiry in the future; other times in force have none.',
  },
  [Reason.InvalidClOrdId]: { name: 'INVALID_CL_ORD_ID', text: 'The client order id has to be text of 1 to {0} bytes.' },
  [Reason.InvalidTags]: { name: 'INVALID_TAGS', text: 'The additional fields are not a list of at most {0} tags.' },
  [Reason.InvalidText]: { name: 'INVALID_TEXT', text: 'A text is longer than {0} bytes or not UTF-8.' },
  [Reason.SymbolMissing]: { name: 'SYMBOL_MISSING', text: 'The ticker has no symbol.' },
  [Reason.VenueMissing]: { name: 'VENUE_MISSING', text: 'The ticker names no known venue.' },
  [Reason.InvalidStatus]: { name: 'INVALID_STATUS', text: 'The status is not one of an execution report.' },
  [Reason.InvalidRange]: { name: 'INVALID_RANGE', text: 'The range is not a pair of points.' },
  [Reason.InvalidLimit]: { name: 'INVALID_LIMIT', text: 'The limit is not known or its size is out of range.' },
  [Reason.InvalidFilter]: { name: 'INVALID_FILTER', text: 'The filter is not understood at {0}.' },
  [Reason.AmountTooLarge]: { name: 'AMOUNT_TOO_LARGE', text: 'Quantity times price exceeds the range of amounts.' },
  [Reason.InvalidSafety]: {
    name: 'INVALID_SAFETY',
    text: 'Element {0} of what is to be canceled, and when, is not understood or out of range.',
  },

  [Reason.LoginFailed]: { name: 'LOGIN_FAILED', text: 'Unknown account or wrong password.' },
  [Reason.NotPermitted]: { name: 'NOT_PERMITTED', text: 'This session has no permission for the account.' },
  [Reason.UnknownAccount]: { name: 'UNKNOWN_ACCOUNT', text: 'There is no such account.' },
  [Reason.UnknownOrder]: { name: 'UNKNOWN_ORDER', text: 'The account has no order {0}.' },
  [Reason.UnknownSubscription]: { name: 'UNKNOWN_SUBSCRIPTION', text: 'This session has no subscription {0}.' },
  [Reason.UnknownDestination]: { name: 'UNKNOWN_DESTINATION', text: 'There is no destination {0}.' },
  [Reason.DestinationVenue]: {
    name: 'DESTINATION_VENUE',
    text: 'Destination {0} does not serve the venue of the ticker.',
  },
  [Reason.UnknownCurrency]: { name: 'UNKNOWN_CURRENCY', text: 'There is no currency {0}.' },
  [Reason.UnknownTicker]: { name: 'UNKNOWN_TICKER', text: 'There is no ticker {0}.' },
  [Reason.ClOrdIdReused]: { name: 'CL_ORD_ID_REUSED', text: 'The client order id belongs to the different order {0}.' },
  [Reason.OrderTerminal]: { name: 'ORDER_TERMINAL', text: 'Order {0} has ended already.' },
  [Reason.IllegalUpdate]: { name: 'ILLEGAL_UPDATE', text: 'From {0} an order cannot go to {1}.' },
  [Reason.UnknownGroup]: { name: 'UNKNOWN_GROUP', text: 'There is no trading group {0}.' },
  [Reason.AlreadyCanceling]: { name: 'ALREADY_CANCELING', text: 'A cancel of order {0} is pending already.' },
  [Reason.UnknownEntry]: { name: 'UNKNOWN_ENTRY', text: 'The directory has no entry {0}.' },
  [Reason.NameTaken]: { name: 'NAME_TAKEN', text: 'The name {0} is taken.' },
  [Reason.InvalidName]: {
    name: 'INVALID_NAME',
    text: 'A name is text of 1 to {0} characters without space around it.',
  },
  [Reason.IllegalMove]: {
    name: 'ILLEGAL_MOVE',
    text: 'An entry keeps one parent at least, and a directory does not lie within itself.',
  },
  [Reason.UnknownHalt]: { name: 'UNKNOWN_HALT', text: 'There is no such halt in force.' },
  [Reason.UnknownScope]: {
    name: 'UNKNOWN_SCOPE',
    text: '{0} is neither * nor a country, a venue or a ticker.',
  },
  [Reason.UnknownRule]: { name: 'UNKNOWN_RULE', text: 'There is no rule entry {0}.' },
  [Reason.UnknownModification]: { name: 'UNKNOWN_MODIFICATION', text: 'There is no modification request {0}.' },
  [Reason.ModificationClosed]: {
    name: 'MODIFICATION_CLOSED',
    text: 'Modification request {0} is granted or rejected already.',
  },
  [Reason.LoginsSuspended]: {
    name: 'LOGINS_SUSPENDED',
    text: 'Too many failed logins; the next attempt is looked at in {0} s.',
  },
  [Reason.InvalidDefinitions]: { name: 'INVALID_DEFINITIONS', text: 'The definitions cannot be used: {0}.' },
  [Reason.SwitchNotArmed]: {
    name: 'SWITCH_NOT_ARMED',
    text: "The dead-man's switch of the account is not armed: it has fired, or nobody armed it.",
  },
  [Reason.CertificateAccount]: {
    name: 'CERTIFICATE_ACCOUNT',
    text: 'The certificate of this connection is for the account {0} alone.',
  },
  [Reason.AlreadyReplacing]: { name: 'ALREADY_REPLACING', text: 'A replace of order {0} is pending already.' },
  [Reason.NotAcknowledged]: {
    name: 'NOT_ACKNOWLEDGED',
    text: 'The destination has not acknowledged order {0} yet; replace it after the report NEW.',
  },
  [Reason.SupersededClOrdId]: {
    name: 'SUPERSEDED_CL_ORD_ID',
    text: 'Order {0} does not go by that client order id: a later replace gave it another, or this one never took effect.',
  },

  [Reason.BoardLot]: { name: 'BOARD_LOT', text: 'The quantity has to be a multiple of {0}.' },
  [Reason.NoBbo]: { name: 'NO_BBO', text: 'There is no current best bid and offer to price the order with.' },
  [Reason.CurrencyNotRecognized]: {
    name: 'CURRENCY_NOT_RECOGNIZED',
    text: 'The currency of the order cannot be converted into that of the account.',
  },
  [Reason.ExceedsBuyingPower]: {
    name: 'EXCEEDS_BUYING_POWER',
    text: 'The order would use {0} of a buying power of {1}.',
  },

  [Reason.ComplianceRefused]: { name: 'COMPLIANCE_REFUSED', text: '{0}' },
  [Reason.OrderLimitReached]: {
    name: 'ORDER_LIMIT_REACHED',
    text: 'The permitted number of {0} open orders has been reached.',
  },
  [Reason.OpposingCancel]: {
    name: 'OPPOSING_CANCEL',
    text: 'A fill on the other side is too recent to cancel this order; the wait is {0} s.',
  },
  [Reason.OpposingSubmission]: {
    name: 'OPPOSING_SUBMISSION',
    text: 'A cancel on the other side is too recent to submit at this price; the wait is {0} s.',
  },
  [Reason.CancelsNotAllowed]: { name: 'CANCELS_NOT_ALLOWED', text: 'A rule forbids cancels.' },
  [Reason.SubmissionsNotAllowed]: { name: 'SUBMISSIONS_NOT_ALLOWED', text: 'A rule forbids submissions.' },
  [Reason.TimeZoneNotFound]: { name: 'TIME_ZONE_NOT_FOUND', text: 'The time zone of the venue is not known.' },
  [Reason.PriceOutsideCollar]: {
    name: 'PRICE_OUTSIDE_COLLAR',
    text: 'At {0} the order would trade too far from the market; the collar ends at {1}.',
  },
  [Reason.OrderQuantityTooLarge]: {
    name: 'ORDER_QUANTITY_TOO_LARGE',
    text: 'The quantity of {0} exceeds the {1} permitted for one order.',
  },
  [Reason.OrderValueTooLarge]: {
    name: 'ORDER_VALUE_TOO_LARGE',
    text: 'The value of {0} exceeds the {1} permitted for one order.',
  },
  [Reason.PositionTooLarge]: {
    name: 'POSITION_TOO_LARGE',
    text: 'With all open orders of its side the position could reach {0}; {1} are permitted.',
  },
  [Reason.ExposureTooLarge]: {
    name: 'EXPOSURE_TOO_LARGE',
    text: 'The order would bring the gross exposure to {0}; {1} are permitted.',
  },
  [Reason.MessageRateExceeded]: {
    name: 'MESSAGE_RATE_EXCEEDED',
    text: 'More than the {0} messages permitted within {1} s.',
  },
  [Reason.DuplicateOrder]: { name: 'DUPLICATE_ORDER', text: 'The order repeats order {0} within {1} s.' },
  [Reason.RepeatedExecutions]: {
    name: 'REPEATED_EXECUTIONS',
    text: 'More than {0} executions within {1} s: submissions are refused until the rule is stored again.',
  },
  [Reason.RestrictedTicker]: { name: 'RESTRICTED_TICKER', text: 'The ticker is restricted.' },
  [Reason.RuleNameUnknown]: { name: 'RULE_NAME_UNKNOWN', text: 'There is no compliance rule by the name of {0}.' },
  [Reason.RuleParameterMissing]: { name: 'RULE_PARAMETER_MISSING', text: 'The rule {0} needs its parameter {1}.' },
  [Reason.RuleParameterInvalid]: { name: 'RULE_PARAMETER_INVALID', text: 'The parameter {0} {1}.' },

  [Reason.OnlyClosingOrders]: {
    name: 'ONLY_CLOSING_ORDERS',
    text: 'In the present risk state only orders that reduce a position are accepted.',
  },
  [Reason.TradingHalted]: { name: 'TRADING_HALTED', text: 'Trading is halted for {0}.' },

  [Reason.DestinationNotAvailable]: { name: 'DESTINATION_NOT_AVAILABLE', text: 'Destination {0} is not available.' },
  [Reason.ManualOrderNotPermitted]: {
    name: 'MANUAL_ORDER_NOT_PERMITTED',
    text: 'Manual orders are for administrators.',
  },
  [Reason.NotFilledAtOnce]: {
    name: 'NOT_FILLED_AT_ONCE',
    text: 'The order could not be filled at once as its time in force asks.',
  },
  [Reason.SessionClosed]: { name: 'SESSION_CLOSED', text: 'The trading session for this time in force is over.' },
  [Reason.Expired]: { name: 'EXPIRED', text: 'The time in force of the order has ended.' },
  [Reason.WouldTrade]: {
    name: 'WOULD_TRADE',
    text: 'The order would trade at once, which its time in force excludes.',
  },
  [Reason.CanceledOnRequest]: { name: 'CANCELED_ON_REQUEST', text: 'Canceled on request.' },
  [Reason.CanceledByHalt]: { name: 'CANCELED_BY_HALT', text: 'Canceled, since trading was halted.' },
  [Reason.CanceledInBulk]: { name: 'CANCELED_IN_BULK', text: 'Canceled in bulk.' },
  [Reason.CanceledOnLoss]: {
    name: 'CANCELED_ON_LOSS',
    text: 'Canceled, since the connection of its session was lost.',
  },
  [Reason.CanceledOnLogout]: { name: 'CANCELED_ON_LOGOUT', text: 'Canceled, since its session has logged out.' },
  [Reason.CanceledBySwitch]: {
    name: 'CANCELED_BY_SWITCH',
    text: "Canceled, since the account's dead-man's switch was not refreshed in time.",
  },
  [Reason.TermNotReplaceable]: {
    name: 'TERM_NOT_REPLACEABLE',
    text: 'A market order, or a stop that has been elected, has no price to replace.',
  },
  [Reason.EndedBeforeReplace]: {
    name: 'ENDED_BEFORE_REPLACE',
    text: 'The order ended before the destination replaced it.',
  },
  [Reason.NothingLeftByReplace]: {
    name: 'NOTHING_LEFT_BY_REPLACE',
    text: 'Canceled, since the replace asked for no more than had been executed.',
  },

  [Reason.Busy]: { name: 'BUSY', text: 'The server is busy; the request had no effect and may be repeated.' },
  [Reason.Stopping]: { name: 'STOPPING', text: 'The server is stopping; the request had no effect.' },
  [Reason.TooManyInFlight]: {
    name: 'TOO_MANY_IN_FLIGHT',
    text: 'More than {0} requests of this session are unanswered.',
  },
  [Reason.TooManyConnections]: { name: 'TOO_MANY_CONNECTIONS', text: 'The limit of {0} connections is reached.' },
  [Reason.LoginTimeout]: { name: 'LOGIN_TIMEOUT', text: 'No login within {0} ms.' },
  [Reason.SlowReader]: {
    name: 'SLOW_READER',
    text: 'More than {0} bytes wait to be read; resume from the next sequence.',
  },
  [Reason.PeerSilent]: { name: 'PEER_SILENT', text: 'Nothing was heard for {0} ms.' },
  [Reason.Capacity]: { name: 'CAPACITY', text: 'The limit of {1} {0} is reached.' },
  [Reason.ServiceUnavailable]: {
    name: 'SERVICE_UNAVAILABLE',
    text: 'The {0} service does not answer; the request had no effect.',
  },
  [Reason.StoreUnavailable]: { name: 'STORE_UNAVAILABLE', text: 'No store can answer the query now.' },
  [Reason.TooManySubscriptions]: {
    name: 'TOO_MANY_SUBSCRIPTIONS',
    text: 'A session may have {0} subscriptions at most.',
  },
  [Reason.Internal]: { name: 'INTERNAL', text: 'The server could not handle the request; it is in the log.' },
  [Reason.OutcomeUnknown]: {
    name: 'OUTCOME_UNKNOWN',
    text: 'The connection to {0} gave no answer; whether the request had an effect is not known.',
  },
  [Reason.NotKept]: {
    name: 'NOT_KEPT',
    text: 'It could not be written down: {0}. A halt is in force until the server ends; a lifted one still holds.',
  },
  [Reason.RateExceeded]: {
    name: 'RATE_EXCEEDED',
    text: 'More than the {0} {1} that a session may send within a second; the request had no effect.',
  },
  [Reason.Flooding]: {
    name: 'FLOODING',
    text: 'More than {0} requests were refused for their rate without a second of quiet between.',
  },
  [Reason.SafetyNotKept]: {
    name: 'SAFETY_NOT_KEPT',
    text: 'What is to be canceled, and when, could not be written down: {0}. The request had no effect.',
  },
}

/** All reasons in the order of their numbers, for the generated page and for tests. */
export const reasons: readonly { code: Reason; name: string; text: string }[] = Object.entries(entries)
  .map(([code, entry]) => ({ code: Number(code) as Reason, ...entry }))
  .sort((a, b) => a.code - b.code)

/** Stable name of a reason; a number nobody has defined is told as `REASON_n`. */
export function reasonName(code: number): string {
  return entries[code as Reason]?.name ?? `REASON_${code}`
}

/** The text for people, with the parameters put in. */
export function reasonText(code: number, params: readonly unknown[] = []): string {
  const text = entries[code as Reason]?.text ?? ''
  return text.replace(/\{(\d)\}/g, (_, index: string) => String(params[Number(index)] ?? '?'))
}
