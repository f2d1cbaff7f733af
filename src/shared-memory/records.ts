// What main and the shards say to each other: the records of the command rings (main → shard) and of the report rings
// (shard → main). Both threads import this page and never each other.
//
// A command:
//   | 0 u32 type, flags | 4 u32 session | 8 u32 account row | 12 u32 account of the session | 16 f64 time µs | 24 f64 order id | 32 body …
// A batch of frames (events or replies):
//   | 0 u32 type | 4 u32 count | 8 count × (u32 session, u32 account row) | frames, back to back …
// Anything else from a shard:
//   | 0 u32 type | 4 u32 session | 8 u32 a | 12 u32 b | 16 f64 c | 24 f64 d | 32 text or bytes …

/** Bytes in front of the body of every command. */
export const COMMAND_HEADER_BYTES = 32

export const CommandAt = { type: 0, session: 4, accountRow: 8, sessionAccount: 12, time: 16, orderId: 24 } as const

export const Command = {
  /** A client's request; the body is the frame's. `session` may be 0 for nobody. */
  Request: 1,
  /** `accountRow` is the row of the ticker in the quote table, the body its text. */
  Ticker: 2,
  /** The quote in row `accountRow` changed: | 32 f64 bid | 40 f64 ask | 48 f64 market's time |, in micros. */
  Quote: 3,
  /** A trade in row `accountRow`: | 32 f64 price | 40 f64 size | 48 f64 market's time | 56 u8 condition | 57 market center |. */
  Print: 4,
  /** A listing in row `accountRow`: | 32 f64 price | 40 f64 size | 48 u8 side | 49 u8 mpid bytes | 50 mpid | MIC |. */
  Book: 5,
  /** Time passes: orders may expire. */
  Time: 6,
  /** Answer with the sequences of `accountRow`, in order with its events: `orderId` is the caller's token. */
  Marker: 7,
  /** A piece of an account's state from the store; the body says which. */
  Restore: 8,
  /** Everything was restored: take the market as it is now, then answer Ready. */
  Restored: 9,
  /** Write a snapshot of every account that changed, then answer Stopped and end. */
  Stop: 10,
  /** Cancel every live order that is halted by now, then answer Swept: `orderId` is the caller's token. */
  Sweep: 11,
  /** A compliance rule was stored or is gone: the body is a packed list, see `compliance/rule-messages.ts`. */
  Rule: 12,
  /** Where the account in `accountRow` lies: the body is a packed list of ids, its own and those of the directories above. */
  Nodes: 13,
  /**
   * Cancel many orders: the body is a packed `ShardMassCancel`, and orders with ids from `orderId` on came later. Answered
   * by MassCanceled as it goes.
   */
  MassCancel: 14,
  /** To the judge of pooled rules, see `compliance/pooled-messages.ts`. */
  Judge: 15,
  /** The account in `accountRow` is under pooled rules: `orderId` is its epoch, 0 where none is over it any more; body: u8 whether they judge cancels. */
  Pool: 16,
  /** The judge has answered a question about the account in `accountRow`, see `compliance/pooled-messages.ts`. */
  Verdict: 17,
  /** The market of a ticker that a shard asked for is known as far as it is: the body is its text; `orderId` is 1 where
   *  there is no room for it. */
  Watched: 18,
  /**
   * Cancel the live orders that a session or an account leaves behind, then answer Recalled: `orderId` is the caller's
   * token, the body a packed list, see `protocol/recall.ts`.
   */
  Recall: 19,
} as const
export type Command = (typeof Command)[keyof typeof Command]

/** Flags in the upper half of a command's type word. */
export const CommandFlag = {
  Administrator: 1 << 16,
  /** In front of the body of a request stands the mark of its session: | u32 number | u8 bytes of the key | key |. */
  Marked: 1 << 17,
} as const

/** Bytes in front of the key in the mark of a session. */
export const MARK_HEADER_BYTES = 5

/** Pieces of state that a Restore command carries: the first element of its body, a msgpack array. */
export const RestorePiece = {
  /** [piece, orderSequence, reportSequence, timestamp] */
  Account: 1,
  /** [piece, ticker, currency, quantity, costBasis, gross, fees, volume, transactions, expenditure | nil] in micros */
  Position: 2,
  /** [piece, ticker, currency, side, lastQty, lastPx, fees] in micros */
  Fill: 3,
  /** [piece, orderId, orderSequence, timestamp, submissionAccount, ticker, currency, type, side, destination, quantity,
   *  price, timeInForce, expiry, clOrdId, tags, holdPrice, cumQty, reports, status, number of the session, terms, pending]
   *  in micros, as it was accepted; `terms` are those it has since it was replaced, `pending` those of a replace without an answer: each nil
   *  or [clOrdId, quantity, price, shortFlag, holdPrice] */
  Order: 4,
  /** [piece, clOrdId, orderId, ticker, currency, type, side, destination, quantity, price, timeInForce, expiry,
   *  tags], oldest first, after the live orders */
  ClOrdId: 5,
  /** [piece, clOrdId, orderId, quantity, price] of a replace, whatever came of it; of a live order behind the order */
  ReplaceId: 6,
} as const
export type RestorePiece = (typeof RestorePiece)[keyof typeof RestorePiece]

/** Bytes in front of the routing words of a batch, or of the text of any other record of a shard. */
export const BATCH_HEADER_BYTES = 8
export const NOTICE_HEADER_BYTES = 32

export const NoticeAt = { type: 0, session: 4, a: 8, b: 12, c: 16, d: 24 } as const

export const Notice = {
  /** Journaled order events, in order. */
  Events: 1,
  /** Answers that are nowhere but here. */
  Replies: 2,
  /** Answer to Marker: a = account row, b = token, c = order sequence, d = report sequence. */
  Marker: 3,
  /** The shard has numbered a ticker: a = its number, text = the ticker. */
  Listing: 4,
  /** The durable record has the answer: session, a = request id, b = account row, c = order id, d = purpose, text. */
  Lookup: 5,
  Ready: 6,
  Stopped: 7,
  /** Answer to Sweep: a = token, c = orders canceled. */
  Swept: 8,
  /** A compliance rule objected: the text is a list in JSON, see `compliance/rule-messages.ts`. */
  Violated: 9,
  /** How far a mass cancel has got: a = token, b = 1 where it is over, the text is its counts in JSON. */
  MassCanceled: 10,
  /** For the judge of pooled rules: the body is that of a Judge command. */
  ToJudge: 11,
  /** For the shard of an account: a = account row, the body is that of a Verdict command. */
  Verdict: 12,
  /** An order is the first to use a ticker: text = the ticker. */
  FirstUse: 13,
  /** Answer to Recall: a = token, c = orders canceled. */
  Recalled: 14,
} as const
export type Notice = (typeof Notice)[keyof typeof Notice]

/** What a Lookup is for. */
export const LookupPurpose = {
  /** The submission was repeated: answer with the order as it was accepted first. */
  Repeat: 1,
  /** A cancel, update or replace: refuse as terminal or unknown. */
  Refuse: 2,
  /** The replace was repeated: answer with the first report on it; the text is its client order id. */
  RepeatReplace: 3,
} as const
export type LookupPurpose = (typeof LookupPurpose)[keyof typeof LookupPurpose]
