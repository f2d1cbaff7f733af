// Which shard an account belongs to: a stable function of the account's id and the number of shards, the same in every
// run and on every machine.

/** 0 … shards − 1. Neighbouring ids, which belong to one desk more often than not, are spread. */
export function shardOfAccount(account: number, shards: number): number {
  let hash = account | 0
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  hash ^= hash >>> 16
  // The upper bits decide, by a multiplication instead of a division.
  return Math.floor(((hash >>> 0) * shards) / 0x1_0000_0000)
}
