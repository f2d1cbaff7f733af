// The far end of a session as the rest of main sees it: a socket in the server, an array in a rehearsal.

export interface Peer {
  /** For the log: address and port. */
  readonly name: string
  /** Where it comes from, without the port. */
  readonly host: string
  /** Name of the only account that it may log in to, by its certificate; undefined for any. */
  readonly boundTo: string | undefined
  /** Version of TLS, as TLSv1.3; empty where the connection is plain. */
  readonly tls: string
  /** Bytes handed over and not yet taken by the network. */
  readonly waitingBytes: number
  /** Sends `bytes`, which stay untouched until `done` is called. */
  write(bytes: Uint8Array, done?: () => void): void
  /** Stops and goes on reading: back-pressure towards this client alone. */
  pause(): void
  resume(): void
  /** Sends what was written, then closes. */
  end(): void
  /** Closes at once. */
  destroy(): void
}
