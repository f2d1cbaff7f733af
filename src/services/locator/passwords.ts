// Passwords are kept as scrypt hashes with their parameters beside them, so that the cost can be raised later without
// touching the old ones: `scrypt$N$r$p$salt$hash`, salt and hash in base64.

import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'

const derive = promisify<string, Uint8Array, number, { N: number; r: number; p: number; maxmem: number }, Buffer>(
  scrypt,
)

export interface PasswordCost {
  /** Work factor, a power of two; memory is 128 × n × r bytes. */
  readonly n: number
  readonly r: number
  readonly p: number
}

/** 16 MB and some tens of milliseconds for each attempt. */
export const passwordCostDefault: PasswordCost = { n: 16_384, r: 8, p: 1 }

/** Too cheap to protect anything: for built-in passwords, which protect nothing either. */
export const passwordCostBuiltIn: PasswordCost = { n: 16, r: 1, p: 1 }

const HASH_BYTES = 32
const SALT_BYTES = 16

function hashWith(password: string, salt: Uint8Array, { n, r, p }: PasswordCost): Promise<Buffer> {
  return derive(password, salt, HASH_BYTES, { N: n, r, p, maxmem: 256 * n * r })
}

export async function hashPassword(password: string, cost: PasswordCost = passwordCostDefault): Promise<string> {
  const salt = randomBytes(SALT_BYTES)
  const hash = await hashWith(password, salt, cost)
  return ['scrypt', cost.n, cost.r, cost.p, salt.toString('base64'), hash.toString('base64')].join('$')
}

/** True where `password` is the one that `hash` was made of. An empty hash is nobody's password. */
export async function passwordMatches(password: string, hash: string): Promise<boolean> {
  const [scheme, n, r, p, salt, expected] = hash.split('$')
  if (scheme !== 'scrypt' || salt === undefined || expected === undefined) return false
  const expectedHash = Buffer.from(expected, 'base64')
  const actual = await hashWith(password, Buffer.from(salt, 'base64'), { n: Number(n), r: Number(r), p: Number(p) })
  return expectedHash.length === actual.length && timingSafeEqual(actual, expectedHash)
}
