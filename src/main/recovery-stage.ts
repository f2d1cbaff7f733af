// Stages 6 and 7: the accounts come back from the store that has everything the journals hold, and the market is there
// before them, so that orders find it as it is. Numbers and times go on behind those that the store has.

import { setTimeout as pause } from 'node:timers/promises'
import type { Clock } from '../base/clock.ts'
import type { Definitions } from '../domain/definitions.ts'
import type { LocatorClient } from '../services/locator/client.ts'
import { MarketDataClient } from '../services/market-data/client.ts'
import type { UidClient } from '../services/uid/client.ts'
import { type AccountTable, newAccountTerms } from '../shared-memory/account-table.ts'
import { QuoteTable } from '../shared-memory/quote-table.ts'
import { openReadable } from '../stores/open-readable.ts'
import { Recovery } from '../stores/recovery.ts'
import type { StoreEndpoint } from '../stores/store-endpoint.ts'
import type { Accounts } from './accounts.ts'
import { Market } from './market.ts'
import { MarketWatch } from './market-watch.ts'
import { RecoveryFailed, restore } from './recovery.ts'
import type { Safety } from './safety.ts'
import type { Shards } from './shard-stage.ts'
import type { StageParts } from './stage.ts'

/** Recovery runs once, over much of a store, while nobody else needs the memory. */
const CACHE_BYTES = 256 << 20
/** How long a database may be silent meanwhile: it sorts and joins much of what it has. */
const STATEMENT_MS_MAX = 120_000
/** How long the market of one ticker may take; a service that is slower is not waited for any more. */
const RESTORED_MARKET_MS_MAX = 10_000
/** Ids skipped at most to get beyond those that the store has. */
const SKIPPED_IDS_MAX = 1_000_000

export interface RestoreOptions {
  /** It has everything the journals hold. */
  readonly store: StoreEndpoint
  readonly definitions: Definitions
  readonly accounts: Accounts
  readonly table: AccountTable
  readonly shards: Shards
  readonly shardOf: (row: number) => number
  readonly clock: Clock
  readonly uids: UidClient
  readonly safety: Safety
  /** Opens stage 7, once the clock is behind nothing that the store has. */
  readonly openMarket: () => Promise<OpenMarket>
}

/** The market, and who decides which tickers are followed; undefined where all are. */
export interface OpenMarket {
  readonly market: Market
  readonly watch: MarketWatch | undefined
}

/** @throws RecoveryFailed, StoreUnavailable: the server must not start with an account missing. */
export async function restoreAccounts({ config, log }: StageParts, options: RestoreOptions): Promise<OpenMarket> {
  const { accounts, clock, definitions, safety, shardOf, shards, table, uids } = options
  const { engine } = config
  const beganMs = performance.now()
  const store = await openReadable(options.store, { cacheBytes: CACHE_BYTES, statementTimeoutMs: STATEMENT_MS_MAX })
  try {
    const recovery = new Recovery({
      store,
      definitions,
      clOrdIdsMax: engine.clOrdIdsPerShardMax * engine.shards,
      sessionStart: config.sessionStartTime,
    })
    const marks = await recovery.marks()
    clock.raise(marks.lastTimestamp)
    safety.recalls.lastOrderId = marks.lastOrderId
    await beyond(uids, marks.lastOrderId)
    const opened = await options.openMarket()
    const { watch } = opened
    const terms = newAccountTerms()
    const { counts } = await restore(recovery, {
      accounts,
      shards: shards.links,
      shardOf,
      currencyOf: row => {
        table.readTerms(row, terms)
        return terms.currency
      },
      sessionNumber: (account, key) => safety.choices.restored(account, key),
      nowUs: () => clock.nowUs(),
      watch: async ticker => await watch?.watch(ticker, RESTORED_MARKET_MS_MAX),
      waitForRoom: () => pause(1),
    })
    await shards.whenReady()
    log.info('accounts are restored', {
      ...counts,
      store: options.store.name,
      ms: Math.round(performance.now() - beganMs),
    })
    return opened
  } finally {
    await store.close()
  }
}

/** Quotes and prints, from now on: of all tickers, or of those that are asked for. */
export async function openMarket(
  { config, log, onTheWayDown }: StageParts,
  locator: LocatorClient,
  options: {
    readonly quotes: SharedArrayBuffer
    readonly shards: Shards
    readonly clock: Clock
    readonly onAvailability: (service: string, available: boolean) => void
  },
): Promise<OpenMarket> {
  const { clock, onAvailability, quotes, shards } = options
  const market = new Market(new QuoteTable(quotes, config.engine.tickersMax), shards.links, () => clock.nowUs())
  const marketData = await MarketDataClient.open(locator, event => market.take(event), { onAvailability })
  onTheWayDown('market data', () => marketData.close())
  if (config.marketData.subscribe === 'everything') {
    await marketData.subscribeAll()
    return { market, watch: undefined }
  }
  const watch = new MarketWatch({
    data: marketData,
    market,
    shards: shards.links,
    tickersMax: config.engine.tickersMax,
    nowUs: () => clock.nowUs(),
    log,
  })
  onTheWayDown('market watch', () => watch.close())
  return { market, watch }
}

/** New orders must not get ids that the store has: an id service that lost its memory is brought beyond them. */
async function beyond(uids: UidClient, lastOrderId: number): Promise<void> {
  for (let skipped = 0; skipped <= SKIPPED_IDS_MAX; skipped++) {
    await uids.whenAvailable()
    if (uids.next() > lastOrderId) return
  }
  throw new RecoveryFailed(
    `The uid service hands out ids far below ${lastOrderId}, which the store has already. It has lost its memory or ` +
      'belongs to another installation; set its next id above that.',
  )
}
