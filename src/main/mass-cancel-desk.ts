// Requests to cancel many orders: who may ask for what, which accounts, venues and days that comes to, and the answer once
// all shards have told. Main finds out everything that needs the directory, the definitions or a calendar; the shards
// sweep.
//
//   request ─→ rows of accounts by shard, a period for each venue ─→ shards … progress ─→ summary
//
//   an account        whoever may trade it
//   a group           its managers, administrators
//   everybody         whoever asks: the accounts he may trade
//   by force          administrators

import type { Log } from '../base/log.ts'
import type { Definitions } from '../domain/definitions.ts'
import { Reason, reasonName } from '../domain/reasons.ts'
import { parseScope, type Scope } from '../domain/scopes.ts'
import { isEmptyPeriod, isPeriodBound, type Period, type PeriodBound, periodAt } from '../domain/submission-period.ts'
import { formatTicker } from '../domain/tickers.ts'
import { Kind } from '../protocol/kinds.ts'
import {
  addCounts,
  type CountElements,
  countElements,
  countsOfElements,
  MASS_CANCEL_TEXT_BYTES_MAX,
  MASS_CANCEL_WAIT_MS_MAX,
  type MassCancelCounts,
  MassCancelMode,
  MassCancelWho,
  noCounts,
  SCOPE_BYTES_MAX,
  type ShardMassCancel,
} from '../protocol/mass-cancel.ts'
import { pack, type Value } from '../protocol/msgpack.ts'
import { Command } from '../shared-memory/records.ts'
import type { Directory } from './directory.ts'
import type { Gate } from './gate.ts'
import type { Session } from './session.ts'
import type { ShardLink } from './shard-link.ts'

export interface MassCancelDeskParts {
  readonly directory: Directory
  readonly definitions: Definitions
  readonly shards: readonly ShardLink[]
  /** Shard of an account, by its row. */
  readonly shardOf: (row: number) => number
  /** Now, µs since the epoch, UTC. */
  readonly nowUs: () => number
  readonly log: Pick<Log, 'info'>
}

/** Elements of a request, the three of every message included. */
const ELEMENTS_MAX = 12
/** Requests under way in the whole server; each holds a sweep in its shards. */
const UNDER_WAY_MAX = 4_096
/** Accounts in one command: a record that the smallest command ring takes. */
const ROWS_PER_COMMAND = 1_024
/** Between two messages of progress. */
const PROGRESS_US = 100_000
const TOKENS = 2 ** 32

/** What is asked for, understood. */
interface Selection {
  readonly who: MassCancelWho
  readonly group: number
  readonly scope: Scope
  readonly begin: PeriodBound
  readonly end: PeriodBound
  readonly orderId: number
  readonly mode: MassCancelMode
  readonly text: string
  readonly waitMs: number
}

/** A request under way. */
interface UnderWay {
  /** Names the session, which may have gone. */
  readonly sessionWord: number
  readonly requestId: number
  readonly account: number
  readonly by: string
  readonly mode: MassCancelMode
  /** By token: what each command has counted last. */
  readonly commands: Map<number, MassCancelCounts>
  /** Commands that are not over. */
  left: number
  toldUs: number
}

export class MassCancelDesk {
  readonly #parts: MassCancelDeskParts
  readonly #byToken = new Map<number, UnderWay>()
  #gate: Gate | undefined
  #underWay = 0
  /** By time zone, of the bounds that were asked for last: requests about many accounts have the same. */
  #periods = { bounds: '', byZone: new Map<string, Period>() }
  #nextToken = 1

  constructor(parts: MassCancelDeskParts) {
    this.#parts = parts
  }

  /** Gate and desk know each other; the gate is made second. */
  connect(gate: Gate): void {
    this.#gate = gate
  }

  /** Answers a MassCancel request; see `MassCancelRequests`. */
  request(session: Session, requestId: number, row: number, message: Value[], idBound: number): void {
    const { directory } = this.#parts
    const gate = this.#gate!
    const selection = this.#read(message)
    if ('reason' in selection) {
      gate.refuse(session, requestId, 0, selection.reason, selection.params)
      return
    }
    const isAdministrator = directory.isAdministrator(session.account)
    const { who, group, mode } = selection
    const mayAct =
      isAdministrator ||
      (mode !== MassCancelMode.Force && (who !== MassCancelWho.Group || directory.mayFollow(session.account, group)))
    if (!mayAct) gate.refuse(session, requestId, 0, Reason.NotPermitted, [])
    else if (this.#underWay >= UNDER_WAY_MAX) gate.refuse(session, requestId, 0, Reason.Busy, [])
    else this.#send(session, requestId, row, selection, isAdministrator, idBound)
  }

  /** By the pump: a shard tells how far it has got. */
  told(token: number, isOver: boolean, countsText: string): void {
    const request = this.#byToken.get(token)
    if (request === undefined) return
    // A shard's own words.
    request.commands.set(token, countsOfElements(JSON.parse(countsText) as CountElements))
    if (isOver) {
      this.#byToken.delete(token)
      request.left -= 1
    }
    if (request.left === 0) this.#answer(request)
    else this.#tellProgress(request)
  }

  #send(
    session: Session,
    requestId: number,
    row: number,
    selection: Selection,
    isAdministrator: boolean,
    idBound: number,
  ): void {
    const { shards, nowUs } = this.#parts
    const request: UnderWay = {
      sessionWord: session.word,
      requestId,
      account: selection.who === MassCancelWho.Account ? this.#parts.directory.accountOf(row) : 0,
      by: session.accountName,
      mode: selection.mode,
      commands: new Map(),
      left: 0,
      toldUs: nowUs(),
    }
    this.#underWay += 1
    const meant = this.#meant(session.account, selection)
    for (const [shard, rows] of this.#rowsByShard(session, row, selection, isAdministrator)) {
      const token = this.#nextToken
      this.#nextToken = (token + 1) % TOKENS
      this.#byToken.set(token, request)
      request.commands.set(token, noCounts())
      request.left += 1
      const asked: ShardMassCancel = { ...meant, token, rows }
      // In its turn: orders that wait before it in the ring are among those it is about.
      shards[shard]!.insist(Command.MassCancel, 0, nowUs(), idBound, pack(asked))
    }
    if (request.left === 0) this.#answer(request)
  }

  /** Where the accounts' orders are, in pieces that a command holds; null for all rows of a shard. */
  *#rowsByShard(
    session: Session,
    row: number,
    { who, group }: Selection,
    isAdministrator: boolean,
  ): Generator<[shard: number, rows: number[] | null]> {
    const { directory, shardOf, shards } = this.#parts
    if (who === MassCancelWho.Account) {
      yield [shardOf(row), [row]]
      return
    }
    if (who === MassCancelWho.Everybody && isAdministrator) {
      for (let shard = 0; shard < shards.length; shard++) yield [shard, null]
      return
    }
    const accounts =
      who === MassCancelWho.Group
        ? directory.traders(group)
        : directory.permittedAccounts(session.account, 0, Number.MAX_SAFE_INTEGER)
    const rows: number[][] = shards.map(() => [])
    for (const account of accounts) {
      const accountRow = directory.rowOf(account)
      if (accountRow >= 0) rows[shardOf(accountRow)]!.push(accountRow)
    }
    for (const [shard, all] of rows.entries()) {
      for (let at = 0; at < all.length; at += ROWS_PER_COMMAND) yield [shard, all.slice(at, at + ROWS_PER_COMMAND)]
    }
  }

  /** What holds for every shard: each venue of the scope with its period. */
  #meant(operator: number, selection: Selection): Omit<ShardMassCancel, 'token' | 'rows'> {
    const { definitions } = this.#parts
    const { scope, begin, end, mode, text, waitMs, orderId } = selection
    const [ticker] = scope.tickers.values()
    const isMeant = ({ mic, country }: { mic: string; country: string }) =>
      scope.isGlobal || scope.venues.has(mic) || scope.countries.has(country) || ticker?.venue === mic
    return {
      operator,
      mode,
      text,
      waitMs,
      orderId,
      ticker: ticker === undefined ? '' : formatTicker(ticker, definitions),
      venues: definitions.venues.filter(isMeant).map(({ mic, timeZone }) => {
        const [beginUs, endUs] = this.#periodAt(timeZone, begin, end)
        return [mic, beginUs, endUs]
      }),
      // Orders of venues that are defined no longer: their days are those of UTC.
      others: scope.isGlobal ? this.#periodAt('UTC', begin, end) : null,
    }
  }

  #periodAt(timeZone: string, begin: PeriodBound, end: PeriodBound): Period {
    const bounds = JSON.stringify([begin, end])
    if (this.#periods.bounds !== bounds) this.#periods = { bounds, byZone: new Map() }
    const { byZone } = this.#periods
    const period = byZone.get(timeZone) ?? periodAt(timeZone, begin, end)
    byZone.set(timeZone, period)
    return period
  }

  #read(message: Value[]): Selection | { reason: Reason; params: (string | number)[] } {
    const refused = (reason: Reason, ...params: (string | number)[]) => ({ reason, params })
    if (message.length > ELEMENTS_MAX) return refused(Reason.MalformedMessage, ELEMENTS_MAX)
    const [who, group, scopeText, begin, end, orderId, mode, text, waitMs] = withDefaults(message)
    const { directory, definitions } = this.#parts
    if (!isOneOf(MassCancelWho, who)) return refused(Reason.MalformedMessage, 3)
    if (typeof group !== 'number') return refused(Reason.MalformedMessage, 4)
    if (who === MassCancelWho.Group && directory.groupName(group) === undefined) {
      return refused(Reason.UnknownGroup, group)
    }
    if (typeof scopeText !== 'string') return refused(Reason.MalformedMessage, 5)
    if (Buffer.byteLength(scopeText) > SCOPE_BYTES_MAX) return refused(Reason.InvalidText, SCOPE_BYTES_MAX)
    const scope = parseScope(scopeText, definitions)
    if (scope === undefined) return refused(Reason.UnknownScope, scopeText)
    if (!isPeriodBound(begin) || !isPeriodBound(end) || isEmptyPeriod(begin, end)) return refused(Reason.InvalidRange)
    if (!isWholeUpTo(orderId, Number.MAX_SAFE_INTEGER)) return refused(Reason.MalformedMessage, 8)
    if (!isOneOf(MassCancelMode, mode)) return refused(Reason.MalformedMessage, 9)
    if (typeof text !== 'string' || Buffer.byteLength(text) > MASS_CANCEL_TEXT_BYTES_MAX) {
      return refused(Reason.InvalidText, MASS_CANCEL_TEXT_BYTES_MAX)
    }
    if (!isWholeUpTo(waitMs, MASS_CANCEL_WAIT_MS_MAX)) return refused(Reason.MalformedMessage, 11)
    return { who, group, scope, begin, end, orderId, mode, text, waitMs }
  }

  #answer(request: UnderWay): void {
    this.#underWay -= 1
    const counts = total(request)
    const { by, account, mode } = request
    if (mode !== MassCancelMode.Count && counts.matched > 0) {
      const { refused, ...numbers } = counts
      const reasons = [...refused].map(([reason, count]) => `${reasonName(reason)}:${count}`).join(' ')
      this.#parts.log.info('orders were canceled in bulk', {
        by,
        ...(account !== 0 && { account }),
        ...(mode === MassCancelMode.Force && { forced: 'yes' }),
        ...numbers,
        ...(reasons !== '' && { refused: reasons }),
      })
    }
    const gate = this.#gate!
    const session = gate.sessions.find(request.sessionWord)
    if (session === undefined) return
    gate.send(session, [Kind.MassCanceled, request.requestId, account, ...countElements(counts)])
    gate.answered(session)
    gate.flush()
  }

  #tellProgress(request: UnderWay): void {
    const nowUs = this.#parts.nowUs()
    if (nowUs - request.toldUs < PROGRESS_US) return
    request.toldUs = nowUs
    const gate = this.#gate!
    const session = gate.sessions.find(request.sessionWord)
    if (session === undefined) return
    const { requestId, account } = request
    gate.send(session, [Kind.MassCancelProgress, requestId, account, ...countElements(total(request))])
  }
}

function total({ commands }: UnderWay): MassCancelCounts {
  const sum = noCounts()
  for (const counts of commands.values()) addCounts(sum, counts)
  return sum
}

/** What stands behind the account; defaults for what was left out or is nil. */
function withDefaults(message: readonly Value[]): Value[] {
  const defaults: readonly Value[] = [MassCancelWho.Account, 0, '*', 0, 0, 0, MassCancelMode.Cancel, '', 0]
  return defaults.map((value, index) => message[index + 3] ?? value)
}

function isOneOf<Member extends number>(set: Record<string, Member>, value: Value | undefined): value is Member {
  return Object.values<unknown>(set).includes(value)
}

function isWholeUpTo(value: Value | undefined, max: number): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 && value <= max
}
