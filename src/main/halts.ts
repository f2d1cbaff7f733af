// The kill switch: halts of accounts, groups, destinations or everybody. A halt works in two strokes. Words in shared
// memory keep every shard from taking new orders, at once; then each shard sweeps through its live orders and cancels
// those that are halted. Both need nothing but this process, and the halt is written down before anybody is told of it.
//
//   throw ─→ words in shared memory ─→ sweep in all shards ─→ halt store ─→ … swept everywhere: answered
//   start ─→ halt store ─→ words ─→ recovery ─→ sweep

import type { Log } from '../base/log.ts'
import type { Definitions } from '../domain/definitions.ts'
import { HaltScope } from '../protocol/kinds.ts'
import type { HaltTable } from '../shared-memory/halt-table.ts'
import { Command } from '../shared-memory/records.ts'
import type { Directory } from './directory.ts'
import { type Halt, type HaltAct, type HaltStore, type HaltTarget, haltKey } from './halt-store.ts'
import type { ShardLink } from './shard-link.ts'

export interface HaltsParts {
  readonly store: HaltStore
  readonly table: HaltTable
  readonly directory: Pick<Directory, 'rowOf' | 'traders'>
  readonly definitions: Definitions
  readonly shards: readonly ShardLink[]
  /** Now, µs since the epoch, UTC. */
  readonly nowUs: () => number
  readonly log: Pick<Log, 'info' | 'warning' | 'error'>
}

const NOTHING = new Uint8Array(0)
const TOKENS = 2 ** 32

export class Halts {
  readonly #parts: HaltsParts
  readonly #halts = new Map<string, Halt>()
  /** Those of them that are written down. */
  readonly #kept = new Set<string>()
  /** Rows of the accounts that are halted by themselves or by a group. */
  #rows: ReadonlySet<number> = new Set()
  readonly #sweeps = new Map<number, { shardsLeft: number; canceled: number; settle: (canceled: number) => void }>()
  #nextToken = 1

  /** Puts in force what was in force when the process before this one ended. @throws the store's error */
  constructor(parts: HaltsParts) {
    this.#parts = parts
    for (const halt of parts.store.inForce()) {
      this.#halts.set(haltKey(halt), halt)
      this.#kept.add(haltKey(halt))
      this.#mark(halt, true)
    }
    this.#markAccounts()
    if (this.#halts.size > 0) parts.log.warning('trading is halted since before the start', { halts: this.#halts.size })
  }

  /** In the order in which they were thrown. */
  inForce(): Iterable<Halt> {
    return this.#halts.values()
  }

  has(target: HaltTarget): boolean {
    return this.#halts.has(haltKey(target))
  }

  /**
   * Halts at once, and keeps the halt. One that is in force already is swept for again, and written down where it could
   * not be before.
   * @returns how many orders were canceled, once all shards have told.
   * @throws the store's error where the halt could not be kept; it is in force all the same.
   */
  throw(halt: Halt): Promise<number> {
    const key = haltKey(halt)
    const first = this.#halts.get(key) ?? halt
    if (first === halt) {
      const { account, name, text } = halt.thrown
      this.#parts.log.warning('trading is halted', { halted: key, by: account, name, text })
    }
    this.#halts.set(key, first)
    this.#mark(halt, true)
    this.#markAccounts()
    const swept = this.#sweep()
    if (!this.#kept.has(key)) {
      this.#parts.store.throw(first)
      this.#kept.add(key)
    }
    return swept
  }

  /** Lets orders pass again, once that is written down. @throws the store's error; the halt is then still in force. */
  lift(target: HaltTarget, act: HaltAct): void {
    this.#parts.store.lift(target, act)
    this.#halts.delete(haltKey(target))
    this.#kept.delete(haltKey(target))
    this.#mark(target, false)
    this.#markAccounts()
    this.#parts.log.warning('trading goes on', {
      halted: haltKey(target),
      by: act.account,
      name: act.name,
      text: act.text,
    })
  }

  /** Members of groups have changed: who came into a halted one is halted, who left it is not. */
  membershipsChanged(): void {
    const before = this.#rows
    if (![...this.#halts.values()].some(({ scope }) => scope === HaltScope.Group)) return
    this.#markAccounts()
    for (const row of this.#rows) {
      if (before.has(row)) continue
      void this.#sweep()
      return
    }
  }

  /** After recovery: what came back of halted orders is canceled, where the crash was faster. */
  async sweepRecovered(): Promise<void> {
    if (this.#halts.size === 0) return
    const canceled = await this.#sweep()
    this.#parts.log.info('recovered orders that are halted are canceled', { canceled })
  }

  /** By the pump: a shard has been through its orders. */
  swept(token: number, canceled: number): void {
    const sweep = this.#sweeps.get(token)
    if (sweep === undefined) return
    sweep.canceled += canceled
    sweep.shardsLeft -= 1
    if (sweep.shardsLeft > 0) return
    this.#sweeps.delete(token)
    sweep.settle(sweep.canceled)
  }

  #sweep(): Promise<number> {
    const { shards, nowUs } = this.#parts
    const token = this.#nextToken
    this.#nextToken = (token + 1) % TOKENS
    const { promise, resolve } = Promise.withResolvers<number>()
    this.#sweeps.set(token, { shardsLeft: shards.length, canceled: 0, settle: resolve })
    for (const shard of shards) {
      shard.urge(Command.Sweep, 0, nowUs(), token, NOTHING)
      shard.flush()
    }
    return promise
  }

  /** Everybody, and destinations. */
  #mark({ scope, target }: HaltTarget, isHalted: boolean): void {
    const { definitions, table } = this.#parts
    if (scope === HaltScope.Everybody) table.setEverybody(isHalted)
    if (scope !== HaltScope.Destination) return
    const number = definitions.destinationIds.indexOf(target as string)
    // One that is defined no longer gets no orders either.
    if (number >= 0) table.setDestination(number, isHalted)
  }

  /** Accounts, by themselves and as traders of groups. */
  #markAccounts(): void {
    const { directory, table } = this.#parts
    const rows = new Set<number>()
    for (const { scope, target } of this.#halts.values()) {
      const accounts =
        scope === HaltScope.Account
          ? [target as number]
          : scope === HaltScope.Group
            ? directory.traders(target as number)
            : []
      for (const account of accounts) {
        const row = directory.rowOf(account)
        if (row >= 0) rows.add(row)
      }
    }
    for (const row of rows) table.setAccount(row, true)
    for (const row of this.#rows) if (!rows.has(row)) table.setAccount(row, false)
    this.#rows = rows
  }
}
