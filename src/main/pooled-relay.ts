// The road between shards and the judge of pooled rules, which lives in one of them. Main reads nothing of what it carries.
// A message to the judge goes into its ring before the events behind it reach any client, so that whoever acts on an event
// finds it counted.
//
// Nobody waits for a ring while somebody else waits for him: main keeps what finds no room. Of the shards' messages it
// keeps so many; then it leaves the report rings of the other shards as they are until the judge has read on, and they wait.
// The ring of the judge's own shard it always reads, since the judge could not go on otherwise; what comes from there is
// bounded by one question for each account and by what its live orders have to report. Verdicts are bounded by the
// questions.

import { Command } from '../shared-memory/records.ts'
import type { ShardLink } from './shard-link.ts'

/** The shard in which the judge lives. */
export const JUDGE_SHARD = 0

/** A few megabytes. */
const MESSAGES_MAX = 16_384

export class PooledRelay {
  readonly #shards: readonly ShardLink[]
  readonly #shardOf: (row: number) => number
  readonly #nowUs: () => number
  #hasStopped = false

  constructor(shards: readonly ShardLink[], shardOf: (row: number) => number, nowUs: () => number) {
    this.#shards = shards
    this.#shardOf = shardOf
    this.#nowUs = nowUs
  }

  /** To the judge. Once its shard has stopped, nobody acts on a verdict any more. */
  toJudge(body: Uint8Array): void {
    if (!this.#hasStopped) this.#shards[JUDGE_SHARD].insist(Command.Judge, 0, this.#nowUs(), 0, body)
  }

  /** To the shard that has the account in this row. */
  verdict(row: number, body: Uint8Array): void {
    this.#shards[this.#shardOf(row)].insist(Command.Verdict, row, this.#nowUs(), 0, body)
  }

  /** A shard has stopped. */
  stopped(shard: number): void {
    if (shard === JUDGE_SHARD) this.#hasStopped = true
  }

  /** Whether a shard has to wait, since too much waits for the judge. */
  holdsBack(shard: number): boolean {
    return shard !== JUDGE_SHARD && !this.#hasStopped && this.#shards[JUDGE_SHARD].waiting > MESSAGES_MAX
  }
}
