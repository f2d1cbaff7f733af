// Puts a shard together from its parts. The thread gives it rings, tables and a journal that are shared; a rehearsal the
// same on one thread.

import { CheckChain, type CheckName } from '../checks/chain.ts'
import { Judge } from '../compliance/judge.ts'
import { ManualEntry } from '../destinations/manual-entry.ts'
import { SimulatedVenue } from '../destinations/simulated-venue.ts'
import type { Definitions } from '../domain/definitions.ts'
import type { AccountTable } from '../shared-memory/account-table.ts'
import type { Doorbell } from '../shared-memory/doorbell.ts'
import type { HaltTable } from '../shared-memory/halt-table.ts'
import type { Lane } from '../shared-memory/lanes.ts'
import type { PositionTable } from '../shared-memory/position-table.ts'
import type { QuoteTable } from '../shared-memory/quote-table.ts'
import type { RateTable } from '../shared-memory/rate-table.ts'
import type { RingConsumer, RingProducer } from '../shared-memory/ring.ts'
import { type BlockRules, type BlockSink, DutyCycle } from './duty-cycle.ts'
import { EventBlock } from './event-block.ts'
import { HaltSweep } from './halt-sweep.ts'
import { ShardMarket } from './judge-market.ts'
import { MarketFeed } from './market-feed.ts'
import { MarketView } from './market-view.ts'
import { MassCancels } from './mass-cancels.ts'
import { type Destinations, OrderDesk } from './order-desk.ts'
import { OrderLife } from './order-life.ts'
import { RecallSweep } from './recall-sweep.ts'
import { RequestAnswers } from './request-answers.ts'
import { Restoration } from './restoration.ts'
import { ShardRows } from './shard-rows.ts'
import { type ShardLimits, ShardState } from './shard-state.ts'
import { Snapshots } from './snapshots.ts'

/** First size of the buffers that collect a block's events; grows if one market event fills many orders. */
const EVENTS_BYTES = 4 << 20
/** A block takes commands up to a megabyte of events, and one market event may end every live order of the shard. */
const EVENTS_BYTES_MAX = 512 << 20

export interface ShardParts {
  readonly definitions: Definitions
  readonly limits: ShardLimits
  readonly checks: readonly CheckName[]
  /** Reports of an account between two inventory snapshots at least. */
  readonly snapshotReports: number
  readonly commandsPerTurnMax: number
  readonly accounts: AccountTable
  readonly positions: PositionTable
  readonly quotes: QuoteTable
  readonly rates: RateTable
  readonly halts: HaltTable
  readonly commands: RingConsumer
  readonly reports: RingProducer
  readonly doorbell: Doorbell
  readonly mainDoorbell: Doorbell
  readonly journal: BlockSink
  /** When blocks are closed and handed over; the server's own rules unless a rehearsal has others. */
  readonly blockRules?: BlockRules | undefined
  /** Between two pieces of the sweeps that cancel; the server's own unless a rehearsal cannot wait. */
  readonly sweepPauseMs?: number | undefined
  readonly lane: Lane
  /** As in the duty cycle. */
  readonly clockUs?: () => number
  /** Where orders go; the simulated venue and manual entry unless a rehearsal has destinations of its own. */
  readonly destinations?: (life: OrderLife, state: ShardState) => Destinations
}

export function assembleShard(parts: ShardParts): { cycle: DutyCycle; state: ShardState } {
  const view = new MarketView(parts.accounts, parts.quotes, parts.rates)
  const state = new ShardState(
    parts.definitions,
    parts.limits,
    view,
    parts.halts,
    parts.lane,
    (...objection) => cycle.violated(...objection),
    ticker => cycle.firstUse(ticker),
  )
  const events = new EventBlock(EVENTS_BYTES, EVENTS_BYTES_MAX)
  const replies = new EventBlock(EVENTS_BYTES / 16, EVENTS_BYTES_MAX)
  const life = new OrderLife(state, events)
  const listing = (index: number) => state.listings.all[index]
  const venue = new SimulatedVenue({
    capacity: parts.limits.liveOrdersMax,
    definitions: parts.definitions,
    tickers: {
      listing: index => listing(index).venue!,
      bid: index => view.bid(listing(index).quoteRow),
      ask: index => view.ask(listing(index).quoteRow),
    },
    events: life,
  })
  const destinations = parts.destinations?.(life, state) ?? { simulated: venue, manual: new ManualEntry(life) }
  const checks = new CheckChain(parts.checks, parts.limits.listingsMax)
  const answers = new RequestAnswers(state, replies, (...request) => cycle.lookup(...request))
  const desk = new OrderDesk(state, life, events, answers, checks, destinations)
  const recalls = new RecallSweep(state, desk.cancels, (...ended) => cycle.recalled(...ended))
  desk.waiting.whenResumed(slot => recalls.resumed(slot))
  const cycle: DutyCycle = new DutyCycle({
    ...parts,
    state,
    desk,
    venue,
    market: new MarketFeed(state, venue),
    restoration: new Restoration(state, life, destinations.simulated, desk.replace),
    snapshots: new Snapshots(state, events, parts.snapshotReports),
    rows: new ShardRows(state, parts.accounts, parts.positions),
    haltSweep: new HaltSweep(state, desk.cancels, (...ended) => cycle.swept(...ended)),
    massCancels: new MassCancels(state, desk.cancels, (...told) => cycle.massCanceled(...told)),
    judge: new Judge(parts.definitions, new ShardMarket(state), {
      verdict: (row, verdict) => cycle.verdict(row, verdict),
      violated: (...objection) => cycle.violated(...objection),
    }),
    recalls,
    events,
    replies,
  })
  return { cycle, state }
}
