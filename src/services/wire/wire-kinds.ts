// Kinds that every service understands beside its own requests. The surrounding services use the frames of the order
// protocol, one msgpack array `[kind, requestId, …]` each, without its account element. Each service has a range of a
// hundred kinds: its requests from x00, what it pushes from x50.
//
//     1 …  99  the wire itself, numbers shared with the order protocol
//   100 … 199  locator
//   200 … 299  administration
//   300 … 399  definitions
//   400 … 499  market data
//   500 … 599  uid
//   600 … 699  risk
//   700 … 799  compliance

import { Kind } from '../../protocol/kinds.ts'

/** Version of the services' protocol, sent with `Login` and `Challenge`. */
export const SERVICES_VERSION = 1

export const WireKind = {
  /** Client to locator: name, password, version. Answer: account id, session id, session key. */
  Login: Kind.Login,
  /** Client to service, no answer. */
  Heartbeat: Kind.Heartbeat,
  /** Client to service: version. Answer: a fresh random challenge. */
  Challenge: 20,
  /** Client to service: session id, proof of the session key over the challenge. Answer: account id. */
  Prove: 21,

  /** Service to client: code, parameters, text. */
  Refused: Kind.Refused,
  /** Service to client: the elements of the answer to the request with this id. */
  Answer: Kind.Done,
  /** Service to client, no answer. */
  ServerHeartbeat: Kind.ServerHeartbeat,
  /** Service to client: code, parameters, text; the connection closes after it. */
  Closing: Kind.Closing,
} as const
