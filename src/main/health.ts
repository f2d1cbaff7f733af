// How the server is, in three answers: whether its main thread lives at all, whether clients may trade, and what is not as
// it should be although they may. All of it is known to main already; nobody is asked.

import type { DegradedPart } from '../metrics/catalogue.ts'
import { STORE_STATE_NAMES, StoreState, type WriterShared } from '../shared-memory/writer-shared.ts'

export interface Degraded {
  readonly part: DegradedPart
  /** Which one. */
  readonly what: string
  /** For people. */
  readonly why: string
}

export interface HealthReport {
  /** Clients may come and trade. */
  readonly isReady: boolean
  /** What the server is doing: starting, trading, stopping. */
  readonly stage: string
  readonly degraded: readonly Degraded[]
}

export interface HealthLimits {
  /** A store further behind than this is degraded; Infinity where stores are not followed. */
  readonly lagMsMax: number
  readonly diskFreeBytesMin: number
}

/** A halt as far as it matters here. */
export interface HaltCount {
  readonly scope: string
  readonly count: number
}

export class Health {
  readonly #limits: HealthLimits
  stage: 'starting' | 'trading' | 'stopping' = 'starting'
  /** By name: whether the service answers, as it was told last. */
  readonly services = new Map<string, boolean>()
  diskFreeBytes = Number.POSITIVE_INFINITY
  stores: { readonly names: readonly string[]; readonly writer: WriterShared } | undefined
  halts: (() => readonly HaltCount[]) | undefined
  /** Numbers of the shards that publish nothing. */
  silentShards: (() => readonly number[]) | undefined

  constructor(limits: HealthLimits) {
    this.#limits = limits
  }

  report(): HealthReport {
    return {
      isReady: this.stage === 'trading',
      stage: this.stage,
      degraded: [...this.#shards(), ...this.#stores(), ...this.#services(), ...this.#disk(), ...this.#halts()],
    }
  }

  *#shards(): Generator<Degraded> {
    if (this.stage !== 'trading') return
    const why = 'The shard has published nothing for some seconds: its disk does not answer, or it is held by a fault.'
    for (const shard of this.silentShards?.() ?? []) yield { part: 'shard', what: `shard-${shard}`, why }
  }

  *#stores(): Generator<Degraded> {
    if (this.stores === undefined) return
    const { names, writer } = this.stores
    for (let store = 0; store < writer.endpoints; store++) {
      const what = names[store]!
      const state = writer.state(store)
      if (state !== StoreState.Following && state !== StoreState.CatchingUp) {
        const told = state === StoreState.Opening ? 'has not answered yet' : `is ${STORE_STATE_NAMES[state]}`
        yield { part: 'store', what, why: `The store ${told}; orders are kept in the journals until it has them.` }
      }
      const { records, seconds } = writer.totalLag(store)
      if (1000 * seconds <= this.#limits.lagMsMax) continue
      const why = `The store is ${Math.round(seconds)} s and ${records} journal entries behind.`
      yield { part: 'lag', what, why }
    }
  }

  *#services(): Generator<Degraded> {
    for (const [what, isAvailable] of this.services) {
      if (isAvailable) continue
      yield { part: 'service', what, why: 'The service does not answer; what is known of it holds.' }
    }
  }

  *#disk(): Generator<Degraded> {
    const { diskFreeBytesMin: min } = this.#limits
    if (this.diskFreeBytes >= min) return
    const why = `There are ${this.diskFreeBytes} bytes of room where the data directory is; ${min} are wanted.`
    yield { part: 'disk', what: 'data_directory', why }
  }

  *#halts(): Generator<Degraded> {
    for (const { scope, count } of this.halts?.() ?? []) {
      if (count === 0) continue
      const why = scope === 'everybody' ? 'Trading is halted for everybody.' : `Trading is halted for ${count} of them.`
      yield { part: 'halt', what: scope, why }
    }
  }
}
