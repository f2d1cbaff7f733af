// The first thing the writer does: finds out which installation the data directory is and where its journals begin. A
// directory whose journals have begun knows that by itself. One that has none asks every store first, for it might be a
// new machine for orders that are there already, and must not begin as if there were none.

import { setTimeout as pause } from 'node:timers/promises'
import { type JournalRange, journalRange } from '../journal/journal-range.ts'
import type { WriterShared } from '../shared-memory/writer-shared.ts'
import { type Installation, newInstallationId, readInstallation, writeInstallation } from '../stores/installation.ts'
import { type OrderStore, StoreMismatch, StoreUnavailable } from '../stores/order-store.ts'
import type { WriterJournal } from './journal-care.ts'
import {
  beginsBehind,
  checkBeginning,
  mostAdvanced,
  plannedRanges,
  reachBack,
  StartRefused,
  type StoreAnswer,
  spreadFrom,
} from './start-rules.ts'
import type { StreamLog } from './store-session.ts'

export interface BeginningOptions {
  /** Where the file of the installation is. */
  readonly dataDirectory: string
  readonly journals: readonly WriterJournal[]
  readonly shared: WriterShared
  /** The stores in their order, without a stand-in. */
  readonly stores: readonly { readonly name: string; readonly open: () => Promise<OrderStore> }[]
  /** The operator said so: a directory without journals goes on from what the stores hold. */
  readonly adoptsStore: boolean
  /** How long stores are asked again where none answers. */
  readonly answerMsMax: number
  readonly log: StreamLog
}

export interface Beginning {
  readonly installation: string
  /** What the journals hold, or where they will begin. */
  readonly ranges: readonly JournalRange[]
  /** What has to be stored before anything that follows: of each journal, in their order, the sequence where that begins. */
  readonly changes: readonly (readonly number[])[]
  /** Whether a store can be built from the journals alone. */
  readonly reachesBack: boolean
  /** Stores that were opened on the way, by their number. */
  readonly opened: ReadonlyMap<number, OrderStore>
}

/** Answers of stores that are open; the others with what they said instead. */
interface Asked {
  readonly answers: (StoreAnswer & { readonly store: OrderStore })[]
  readonly failures: { readonly name: string; readonly error: Error }[]
}

const ASK_AGAIN_MS = 200

/** @throws StartRefused, JournalDamaged, InstallationUnreadable */
export async function findBeginning(options: BeginningOptions): Promise<Beginning> {
  const { dataDirectory, journals, shared } = options
  const names = journals.map(({ name }) => name)
  const found = journals.map(({ directory }) => journalRange(directory))
  const known = readInstallation(dataDirectory)
  const isBare = found.every(({ first }) => first === undefined)
  const isMissingOne = known?.journals.some(name => found[names.indexOf(name)]?.first === undefined) ?? false

  let installation = known ?? { id: newInstallationId(), journals: [], begins: {} }
  let opened = new Map<number, OrderStore>()
  if (isBare || (options.adoptsStore && isMissingOne)) {
    const asked = await askUntilAnswered(options)
    opened = new Map(asked.answers.map(({ number, store }) => [number, store]))
    try {
      if (!options.adoptsStore) checkBeginning(dataDirectory, asked.answers, known)
      else if (isBare) installation = await adopt(asked, installation, options)
      else installation = afterLoss(asked, installation, names, found)
    } catch (error) {
      await Promise.all([...opened.values()].map(store => store.close()))
      throw error
    }
  }
  // Judged by what the directory had before: a journal that is listed and not there was lost.
  const ranges = plannedRanges(names, found, installation.begins)
  const reachesBack = reachBack(names, ranges, known ?? installation)
  const appended = journals.filter(({ isAppended }) => isAppended).map(({ name }) => name)
  const spread = spreadFrom(installation.spread, names, ranges, appended)
  const listed = { ...installation, journals: [...new Set([...installation.journals, ...names])], spread }
  if (JSON.stringify(listed) !== JSON.stringify(known)) writeInstallation(dataDirectory, listed)
  for (const [journal, { first, next }] of ranges.entries()) {
    if (found[journal]!.first === undefined && first !== undefined) shared.publishBeginning(journal, first)
    if (!journals[journal]!.isAppended) shared.publishDurable(journal, next)
  }
  const changes = spread.changes.map(change => names.map(name => change[name] ?? 1))
  return { installation: listed.id, ranges, changes, reachesBack, opened }
}

/** Asks all stores at once, and again where none answers but one may still. @throws StartRefused */
async function askUntilAnswered(options: BeginningOptions): Promise<Asked> {
  const endMs = performance.now() + options.answerMsMax
  for (;;) {
    const asked = await ask(options)
    if (asked.answers.length > 0) return asked
    const isHopeless = asked.failures.every(({ error }) => !(error instanceof StoreUnavailable))
    if (isHopeless || performance.now() >= endMs || options.shared.isStopping) {
      const told = asked.failures.map(({ name, error }) => `${name}: ${error.message}`).join('; ')
      throw new StartRefused(
        `No store can be used, and ${options.dataDirectory} has no journals: the server would begin without the orders ` +
          `that a store may hold. Put right what keeps the stores away, or what data_store says of them. ${told}`,
      )
    }
    await pause(ASK_AGAIN_MS)
  }
}

async function ask({ stores }: BeginningOptions): Promise<Asked> {
  const asked: Asked = { answers: [], failures: [] }
  await Promise.all(
    stores.map(async ({ name, open }, number) => {
      let store: OrderStore | undefined
      try {
        store = await open()
        asked.answers.push({
          number,
          name,
          store,
          owner: await store.owner(),
          positions: await store.positions(),
        })
      } catch (error) {
        await store?.close()
        if (!(error instanceof Error)) throw error
        asked.failures.push({ name, error })
      }
    }),
  )
  asked.answers.sort((a, b) => a.number - b.number)
  return asked
}

/**
 * Makes the stores' orders those of this directory. It becomes an installation of its own, so that neither the server
 * that wrote them nor a store that is away now, and may hold more, can be taken for a part of it later.
 */
async function adopt(asked: Asked, installation: Installation, options: BeginningOptions): Promise<Installation> {
  const { log, dataDirectory } = options
  const best = mostAdvanced(asked.answers, installation.id)
  if (best === undefined) return installation
  const adopted: Installation = {
    id: newInstallationId(),
    journals: [],
    begins: beginsBehind(best.positions),
  }
  // Written before any store is told, so that whatever happens in between the next start finds where journals begin.
  writeInstallation(dataDirectory, adopted)
  for (const { name, store, owner } of asked.answers) await takeOver(name, store, adopted.id, owner)
  log.info('the data directory goes on from what a store holds', {
    store: best.name,
    installation: adopted.id,
    before: best.owner ?? 'none',
    positions: [...best.positions].map(([journal, sequence]) => `${journal}:${sequence}`).join(' '),
  })
  for (const { name, error } of asked.failures) {
    log.warning('a store that does not answer is left behind; it will be refused until it has been rebuilt', {
      store: name,
      reason: error.message,
    })
  }
  return adopted
}

/** Makes the store the installation's, unless somebody else did so since it was asked. @throws StartRefused */
async function takeOver(
  name: string,
  store: OrderStore,
  installation: string,
  from: string | undefined,
): Promise<void> {
  try {
    await store.claim(installation, from)
  } catch (error) {
    if (!(error instanceof StoreMismatch)) throw error
    throw new StartRefused(`Store ${name} was taken over by somebody else at the same time: ${error.message}.`)
  }
}

/** Some journals are there and others are lost: those go on from what the stores have of them. */
function afterLoss(
  asked: Asked,
  installation: Installation,
  names: readonly string[],
  found: readonly JournalRange[],
): Installation {
  const lost = names.filter((_, index) => found[index]!.first === undefined)
  const own = asked.answers.filter(({ owner }) => owner === installation.id)
  const best = mostAdvanced(own, installation.id, lost)
  if (best === undefined) return installation
  const behind = beginsBehind(best.positions)
  const begins = Object.fromEntries(lost.filter(name => behind[name] !== undefined).map(name => [name, behind[name]!]))
  return { ...installation, begins: { ...installation.begins, ...begins } }
}
