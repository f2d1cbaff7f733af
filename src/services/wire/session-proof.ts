// How a connection proves its session without showing the key: the service sends a fresh random challenge, the client
// answers HMAC-SHA-256(session key, challenge), and the service has the locator check it. A proof is good for the one
// connection whose challenge it answers, so nothing that was overheard can be used again.

import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'

export const CHALLENGE_BYTES = 32
export const SESSION_KEY_BYTES = 32

/** What a login at the locator gives: the public name of the session and the secret that proves it. */
export interface SessionTicket {
  readonly id: string
  readonly key: Uint8Array
}

export function newChallenge(): Buffer {
  return randomBytes(CHALLENGE_BYTES)
}

export function newSessionTicket(): SessionTicket {
  return { id: randomBytes(16).toString('hex'), key: randomBytes(SESSION_KEY_BYTES) }
}

export function proofOf(key: Uint8Array, challenge: Uint8Array): Buffer {
  return createHmac('sha256', key).update(challenge).digest()
}

/** True where `proof` answers `challenge` under `key`; takes the same time for every wrong proof. */
export function proves(key: Uint8Array, challenge: Uint8Array, proof: Uint8Array): boolean {
  const expected = proofOf(key, challenge)
  return proof.length === expected.length && timingSafeEqual(proof, expected)
}
