// Recovery: what the store knows of each account goes through the command rings into the shards, on the same road as
// everything else. Nothing is guessed and nobody is left out: an account that cannot be restored stops the start.

import { assert, unreachable } from '../base/assert.ts'
import { MessageWriter } from '../protocol/message-writer.ts'
import type { AcceptedFields, BytesRange } from '../protocol/order-events.ts'
import { unmarked } from '../protocol/session-tag.ts'
import { Command, RestorePiece } from '../shared-memory/records.ts'
import type {
  Recovered,
  RecoveredMarks,
  RecoveredOrder,
  RecoveredPosition,
  RecoveredTerms,
  Recovery,
} from '../stores/recovery.ts'
import type { Accounts } from './accounts.ts'
import type { ShardLink } from './shard-link.ts'

/** The start cannot go on; the message tells the operator why and what to do. */
export class RecoveryFailed extends Error {
  override name = 'RecoveryFailed'
}

export interface RecoveryCounts {
  accounts: number
  positions: number
  fills: number
  liveOrders: number
  clOrdIds: number
}

export interface RecoveryTarget {
  readonly accounts: Pick<Accounts, 'rowOf'>
  readonly shards: readonly ShardLink[]
  readonly shardOf: (row: number) => number
  /** Risk currency of the account in that row, as administration has it now. */
  readonly currencyOf: (row: number) => number
  /** Number of the session of that account and key, which has sent an order that lives. */
  readonly sessionNumber: (account: number, key: string) => number
  readonly nowUs: () => number
  /** Sees to it that the market of a ticker is there before what is held or ordered of it. */
  readonly watch: (ticker: string) => Promise<void>
  /** Waits until a full ring may have room again. */
  readonly waitForRoom: () => Promise<void>
}

/**
 * Sends everything that `recovery` reads to the shards.
 * @throws RecoveryFailed where the store has an account that the directory does not.
 */
export async function restore(
  recovery: Pick<Recovery, 'read' | 'marks'>,
  target: RecoveryTarget,
): Promise<{ counts: RecoveryCounts; marks: RecoveredMarks }> {
  const counts: RecoveryCounts = { accounts: 0, positions: 0, fills: 0, liveOrders: 0, clOrdIds: 0 }
  const writer = new MessageWriter(1 << 16, 1 << 24)
  const nowUs = target.nowUs()
  /** Currency in which the snapshot of the account at hand counts expenditure. */
  const snapshotCurrencies = new Map<number, number>()
  let unflushed = 0
  const flush = async () => {
    unflushed = 0
    for (const each of target.shards) each.flush()
    while (target.shards.some(({ isWaiting }) => isWaiting)) {
      await target.waitForRoom()
      for (const each of target.shards) each.flush()
    }
  }
  const send = (item: Recovered) => {
    const account = item.part === 'order' || item.part === 'clOrdId' ? item.accepted.account : item.account
    const row = target.accounts.rowOf(account)
    if (row < 0) {
      throw new RecoveryFailed(
        `The store has orders of account ${account}, which the service locator does not know. ` +
          'Restore the account there, or start with the data that belongs to this directory.',
      )
    }
    writer.position = 0
    writer.reserve(PIECE_BYTES_MAX)
    switch (item.part) {
      case 'account':
        counts.accounts += 1
        snapshotCurrencies.set(account, item.snapshotCurrency)
        writer.arrayHeader(4)
        writer.integer(RestorePiece.Account)
        writer.integer(item.orderSequence)
        writer.integer(item.reportSequence)
        writer.integer(nowUs)
        break
      case 'position':
        counts.positions += 1
        writePosition(writer, item, snapshotCurrencies.get(account) === target.currencyOf(row))
        break
      case 'fill':
        counts.fills += 1
        writer.arrayHeader(7)
        writer.integer(RestorePiece.Fill)
        writer.text(item.ticker)
        writer.integer(item.currency)
        writer.integer(item.side)
        writer.integer(item.lastQty)
        writer.integer(item.lastPx)
        writer.integer(item.fees)
        break
      case 'order':
        counts.liveOrders += 1
        writeOrder(writer, item, target.sessionNumber)
        break
      case 'clOrdId':
        counts.clOrdIds += 1
        writeClOrdId(writer, item.accepted)
        break
      case 'replaceId':
        counts.clOrdIds += 1
        writer.arrayHeader(5)
        writer.integer(RestorePiece.ReplaceId)
        writer.text(item.clOrdId)
        writer.integer(item.orderId)
        writer.integer(item.quantity)
        writer.integer(item.price)
        break
      default:
        unreachable(item)
    }
    const shard = target.shards[target.shardOf(row)]
    const posted = shard.post(Command.Restore, row, nowUs, 0, writer.bytes.subarray(0, writer.position))
    assert(posted, 'a shard has not taken recovery for too long')
    unflushed += 1
  }

  const watched = new Set<string>()
  for await (const items of recovery.read()) {
    for (const item of items) {
      const ticker = tickerOf(item)
      if (ticker !== undefined && !watched.has(ticker)) {
        watched.add(ticker)
        await target.watch(ticker)
      }
      send(item)
      if (unflushed === PIECES_PER_FLUSH) await flush()
    }
  }
  for (const shard of target.shards) {
    assert(shard.post(Command.Restored, 0, nowUs, 0, NOTHING), 'a shard has not taken recovery for too long')
  }
  // The shards have to have all of it before anybody waits for them.
  await flush()
  return { counts, marks: await recovery.marks() }
}

/** The ticker of what has to do with the market from now on. */
function tickerOf(item: Recovered): string | undefined {
  if (item.part === 'account' || item.part === 'clOrdId' || item.part === 'replaceId') return undefined
  return item.part === 'order' ? item.accepted.ticker : item.ticker
}

/** A piece without its texts, and texts of all kinds, together. */
const PIECE_BYTES_MAX = 8192
const PIECES_PER_FLUSH = 1024
const NOTHING = new Uint8Array(0)

function writePosition(writer: MessageWriter, position: RecoveredPosition, isExpenditureValid: boolean): void {
  writer.arrayHeader(10)
  writer.integer(RestorePiece.Position)
  writer.text(position.ticker)
  writer.integer(position.currency)
  writer.integer(position.quantity)
  writer.integer(position.costBasis)
  writer.integer(position.gross)
  writer.integer(position.fees)
  writer.integer(position.volume)
  writer.integer(position.transactions)
  // In another currency, or from a snapshot of other tools, it means nothing here.
  if (isExpenditureValid) writer.integer(position.expenditure)
  else writer.nil()
}

function writeOrder(
  writer: MessageWriter,
  order: RecoveredOrder,
  sessionNumber: RecoveryTarget['sessionNumber'],
): void {
  const { accepted } = order
  const { clOrdId } = accepted
  const marked = unmarked(accepted.tags)
  writer.arrayHeader(23)
  writer.integer(RestorePiece.Order)
  writer.integer(accepted.orderId)
  writer.integer(accepted.orderSequence)
  writer.integer(accepted.timestamp)
  writer.integer(accepted.submissionAccount)
  writer.text(accepted.ticker)
  writer.integer(accepted.currency)
  writer.integer(accepted.type)
  writer.integer(accepted.side)
  writer.text(accepted.destination)
  writer.integer(accepted.quantity)
  writer.integer(accepted.price)
  writer.integer(accepted.timeInForce)
  writer.integer(accepted.expiry)
  writer.textBytes(clOrdId.bytes, clOrdId.start, clOrdId.end)
  writeTags(writer, marked?.tags ?? accepted.tags)
  writer.integer(accepted.holdPrice)
  writer.integer(order.cumQty)
  writer.integer(order.reportCount)
  writer.integer(order.status)
  writer.integer(marked === undefined ? 0 : sessionNumber(accepted.submissionAccount, marked.key))
  writeReplaceTerms(writer, order.terms)
  writeReplaceTerms(writer, order.pending)
}

function writeReplaceTerms(writer: MessageWriter, terms: RecoveredTerms | undefined): void {
  if (terms === undefined) return writer.nil()
  writer.arrayHeader(5)
  writer.text(terms.clOrdId)
  writer.integer(terms.quantity)
  writer.integer(terms.price)
  writer.integer(terms.shortFlag ? 1 : 0)
  writer.integer(terms.holdPrice)
}

function writeClOrdId(writer: MessageWriter, accepted: AcceptedFields): void {
  const { clOrdId } = accepted
  writer.arrayHeader(13)
  writer.integer(RestorePiece.ClOrdId)
  writer.textBytes(clOrdId.bytes, clOrdId.start, clOrdId.end)
  writer.integer(accepted.orderId)
  writer.text(accepted.ticker)
  writer.integer(accepted.currency)
  writer.integer(accepted.type)
  writer.integer(accepted.side)
  writer.text(accepted.destination)
  writer.integer(accepted.quantity)
  writer.integer(accepted.price)
  writer.integer(accepted.timeInForce)
  writer.integer(accepted.expiry)
  writeTags(writer, unmarked(accepted.tags)?.tags ?? accepted.tags)
}

function writeTags(writer: MessageWriter, tags: BytesRange): void {
  if (tags.start === tags.end) writer.nil()
  else writer.rawBytes(tags.bytes, tags.start, tags.end)
}
