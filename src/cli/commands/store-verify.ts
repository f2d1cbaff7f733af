// `oes store verify`: whether the stores hold the same as one another and as the journals. A digest for each account and
// day tells it; where digests differ, the rows that do are listed with what differs in them.

import { type ComparedDay, compareSources, JOURNALS, type RowDifference } from '../../audit/comparison.ts'
import { dayText, digestText } from '../../audit/digest-book.ts'
import { readStatus } from '../../audit/store-status.ts'
import { withAllTables } from '../../audit/store-tables.ts'
import { JournalDamaged } from '../../journal/journal-errors.ts'
import { parseWhole } from '../arguments.ts'
import { CommandError } from '../command-error.ts'
import { ExitStatus } from '../exit-status.ts'
import type { Output } from '../output.ts'
import { Progress } from '../progress.ts'
import { loadDefinitions, readStores } from '../store-options.ts'

export interface VerifyFlags {
  config?: string
  account?: string
  limit: string
  digests?: boolean
}

/** @returns failed where anything differs, or a store cannot be compared. */
export async function verifyStores(output: Output, flags: VerifyFlags): Promise<ExitStatus> {
  const account = flags.account === undefined ? undefined : parseWhole(flags.account, 'an account id')
  const limit = parseWhole(flags.limit, 'a number of rows')
  const { stores, journals, installation, config } = await readStores(flags.config)
  const definitions = await loadDefinitions(config)
  const status = await statusOf(() => readStatus(stores, journals, installation))
  let hasFailed = false
  for (const { name, standing, reason } of status.stores) {
    if (standing !== 'refused' && standing !== 'needs rebuild' && standing !== 'being rebuilt') continue
    hasFailed = true
    if (output.isJson) output.json({ store: name, state: standing, reason })
    else output.line(`${output.paint('red', standing)}  ${name}: ${reason}`)
  }
  const progress = new Progress(process.stderr, 'rows compared')
  try {
    const summary = await withAllTables(
      stores,
      tables =>
        compareSources({
          // Tables that no server has made yet have nothing to compare.
          stores: tables.filter(({ layout }) => layout === 'own'),
          journals: journals.filter(({ name }) =>
            status.journals.some(known => known.name === name && known.range.first !== undefined),
          ),
          definitions,
          account,
          rowsMax: limit === 0 ? Number.POSITIVE_INFINITY : limit,
          ...(flags.digests === true && { onDay: (day: ComparedDay) => showDay(output, 'digest', day) }),
          onDifference: day => {
            hasFailed = true
            progress.finish()
            showDay(output, 'differs', day)
          },
          onRow: difference => showRow(output, difference),
          onProgress: (done, total) => progress.show(done, total),
        }),
      ({ name }, error) => {
        hasFailed = true
        if (output.isJson) output.json({ store: name, state: 'away', reason: error.message })
        else output.line(`${output.paint('red', 'away')}  ${name}: ${error.message}`)
      },
    )
    progress.finish()
    const { sources, accounts, orders, reports, differentDays, differentRows, isCut } = summary
    if (output.isJson) {
      output.json({ sources, accounts, orders, reports, differentDays, differentRows, isCut })
    } else {
      if (differentRows > limit && limit > 0) output.line(`  ... ${differentRows - limit} more rows`)
      if (isCut) output.line('  There are too many differences to list: the numbers above are the least there are.')
      const what = `${accounts} accounts, ${orders} orders, ${reports} reports in ${listed(sources)}`
      if (differentDays > 0) output.line(`${output.paint('red', 'different')}  ${differentDays} of ${what}`)
      else if (sources.length < 2) output.line(`nothing to compare with: ${what}`)
      else output.line(`${output.paint('green', 'alike')}  ${what}`)
    }
  } finally {
    progress.finish()
  }
  return hasFailed ? ExitStatus.Failed : ExitStatus.Ok
}

async function statusOf<Result>(read: () => Promise<Result>): Promise<Result> {
  try {
    return await read()
  } catch (error) {
    if (!(error instanceof JournalDamaged)) throw error
    throw new CommandError(error.message, { hint: 'See `oes journal verify`; keep a copy first.', cause: error })
  }
}

function showDay(output: Output, word: string, { account, day, sums }: ComparedDay): void {
  const date = dayText(day)
  const sources = sums.map(({ source, orders, reports, words }) => ({
    source,
    orders,
    reports,
    digest: digestText(words),
  }))
  if (output.isJson) {
    output.json({ [word]: { account, day: date, sources } })
    return
  }
  output.line(`${word === 'digest' ? word : output.paint('red', word)}  account ${account}, ${date}`)
  for (const { source, orders, reports, digest } of sources) {
    output.line(`  ${digest}  ${source}: ${orders} orders, ${reports} reports`)
  }
}

function showRow(output: Output, difference: RowDifference): void {
  if (output.isJson) {
    output.json({ row: difference })
    return
  }
  const { table, account, orderId, sequence, missingIn, columns } = difference
  const report = sequence === undefined ? '' : `, sequence ${sequence}`
  const what = [
    ...(missingIn.length > 0 ? [`not in ${listed(missingIn)}`] : []),
    ...columns.map(
      ({ column, values }) =>
        `${column} is ${values.map(({ source, value }) => `${shown(value)} in ${source}`).join(', ')}`,
    ),
  ]
  if (what.length === 0) what.push('beyond the place where the store says the account ends')
  output.line(`  ${table} order_id ${orderId}${report} of account ${account}: ${what.join('; ')}`)
}

function shown(value: string): string {
  return value === '\u0000' ? 'NULL' : value === '' ? "''" : value
}

function listed(names: readonly string[]): string {
  const told = names.map(name => (name === JOURNALS ? 'the journals' : name))
  return told.length < 2 ? told.join('') : `${told.slice(0, -1).join(', ')} and ${told.at(-1)}`
}
