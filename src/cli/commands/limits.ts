// `oes limits`: what accounts may risk and in which state they are, requests to change that, and who changed what.

import { formatMoney, parseDecimal } from '../../domain/decimal.ts'
import { numberOfMicros } from '../../domain/money.ts'
import { RiskStateType, riskStateTypeNames } from '../../domain/risk-state.ts'
import type { AdministrationClient } from '../../services/administration/client.ts'
import type { Modification, ModificationStatus } from '../../services/administration/modification.ts'
import type { RiskParameters, RiskState } from '../../services/administration/risk.ts'
import type { Change } from '../../services/changes/change-log.ts'
import type { LocatorClient } from '../../services/locator/client.ts'
import { parseCurrency, parseTime } from '../arguments.ts'
import { usageError } from '../command-error.ts'
import { ExitStatus } from '../exit-status.ts'
import { type LocatorFlags, withLocator } from '../locator-options.ts'
import { currencyText, timeText } from '../order-columns.ts'
import type { Output } from '../output.ts'
import type { Column } from '../table.ts'

/** What a request may change; the rest stays as it is. */
export interface LimitFlags {
  currency?: string
  buyingPower?: string
  netLoss?: string
  allowed?: string
  transition?: string
  from?: string
  comment?: string
}

/** What a subcommand works with. */
export interface LimitsDesk {
  readonly locator: LocatorClient
  readonly client: AdministrationClient
  readonly output: Output
}

const SECOND_US = 1_000_000
const STATES: Readonly<Record<string, RiskStateType>> = {
  active: RiskStateType.Active,
  closing: RiskStateType.CloseOrders,
  disabled: RiskStateType.Disabled,
}

/** Finds the administration service, runs `action`, closes. @throws CommandError */
export async function withLimits(
  output: Output,
  flags: LocatorFlags,
  environment: NodeJS.ProcessEnv,
  action: (desk: LimitsDesk) => Promise<ExitStatus>,
): Promise<ExitStatus> {
  const hint = 'Administrators set limits; managers and traders ask for them.'
  return await withLocator(flags, environment, hint, async locator => {
    const { AdministrationClient } = await import('../../services/administration/client.ts')
    const client = await AdministrationClient.open(locator)
    try {
      return await action({ locator, client, output })
    } finally {
      client.close()
    }
  })
}

export async function showLimits(
  { client, locator, output }: LimitsDesk,
  names: readonly string[],
): Promise<ExitStatus> {
  const rows: LimitsRow[] = []
  for (const name of names) {
    const { id } = await locator.findAccount(name)
    await client.followAccountRisk(id)
    rows.push({ name, parameters: client.accountRisk.parameters(id), state: client.accountRisk.state(id) })
  }
  if (output.isJson) for (const row of rows) output.json(limitsJson(row))
  else output.table(limitsColumns, rows)
  return ExitStatus.Ok
}

/** Asks for other limits; an administrator's request is granted at once, or when its date comes. */
export async function requestLimits(
  { client, locator, output }: LimitsDesk,
  name: string,
  flags: LimitFlags,
): Promise<ExitStatus> {
  const { id: account } = await locator.findAccount(name)
  await client.followAccountRisk(account)
  const parameters = changedBy(client.accountRisk.parameters(account), flags)
  const { id, status } = await client.submitModification(account, parameters, {
    ...(flags.from === undefined ? {} : { effective: parseTime(flags.from) }),
    ...(flags.comment === undefined ? {} : { comment: flags.comment }),
  })
  await told(output, id, status)
  return ExitStatus.Ok
}

export async function showRequests({ client, locator, output }: LimitsDesk, name: string): Promise<ExitStatus> {
  const requests = await client.loadModifications((await locator.findAccount(name)).id)
  const words = await statusWords()
  if (output.isJson) for (const request of requests) output.json(requestJson(request, words))
  else if (requests.length === 0) output.line('There are no requests.')
  else output.table(requestColumns(words), requests)
  return ExitStatus.Ok
}

export async function approveRequest(
  { client, output }: LimitsDesk,
  id: number,
  flags: { from?: string },
): Promise<ExitStatus> {
  const from = flags.from === undefined ? undefined : parseTime(flags.from)
  await told(output, id, await client.approveModification(id, from))
  return ExitStatus.Ok
}

export async function rejectRequest({ client, output }: LimitsDesk, id: number): Promise<ExitStatus> {
  await client.rejectModification(id)
  const { ModificationStatus } = await import('../../services/administration/modification.ts')
  await told(output, id, ModificationStatus.Rejected)
  return ExitStatus.Ok
}

/** Stores the risk state of an account, which holds until somebody, or the risk server, stores another. */
export async function storeState(
  { client, locator, output }: LimitsDesk,
  name: string,
  word: string,
): Promise<ExitStatus> {
  await client.storeRiskState((await locator.findAccount(name)).id, { type: stateOf(word), expiry: 0 })
  if (output.isJson) output.json({ account: name, state: word })
  else output.line(`${name} is ${word}.`)
  return ExitStatus.Ok
}

/** Who changed limits and states of one account, or of all, oldest first. */
export async function showChanges(
  { client, locator, output }: LimitsDesk,
  name: string | undefined,
): Promise<ExitStatus> {
  const changes = await client.loadChanges(name === undefined ? undefined : (await locator.findAccount(name)).id)
  if (output.isJson) for (const change of changes) output.json(change)
  else if (changes.length === 0) output.line('Nothing was changed.')
  else output.table(changeColumns, changes)
  return ExitStatus.Ok
}

function changedBy(before: RiskParameters, flags: LimitFlags): RiskParameters {
  const { currency, buyingPower, netLoss, allowed, transition } = flags
  return {
    currency: currency === undefined ? before.currency : parseCurrency(currency),
    buyingPower: buyingPower === undefined ? before.buyingPower : amountOf(buyingPower),
    netLoss: netLoss === undefined ? before.netLoss : amountOf(netLoss),
    allowedState: allowed === undefined ? before.allowedState : { type: stateOf(allowed), expiry: 0 },
    transitionTimeUs: transition === undefined ? before.transitionTimeUs : amountOf(transition),
  }
}

/** Micros of an amount, and so microseconds of an amount of seconds. */
function amountOf(word: string): number {
  const micros = parseDecimal(word)
  if (micros === undefined || micros < 0) throw usageError(`'${word}' is no amount.`, 'Write it as 1000 or 1000.50.')
  return micros
}

function stateOf(word: string): RiskStateType {
  const state = STATES[word]
  if (state === undefined) {
    throw usageError(`There is no state '${word}'.`, `The states are ${Object.keys(STATES).join(', ')}.`)
  }
  return state
}

async function statusWords(): Promise<(status: ModificationStatus) => string> {
  const { ModificationStatus } = await import('../../services/administration/modification.ts')
  return status =>
    Object.entries(ModificationStatus)
      .find(([, each]) => each === status)?.[0]
      .toUpperCase() ?? '?'
}

async function told(output: Output, id: number, status: ModificationStatus): Promise<void> {
  const word = (await statusWords())(status)
  if (output.isJson) output.json({ id, status: word })
  else output.line(`Request ${id} is ${word}.`)
}

interface LimitsRow {
  readonly name: string
  readonly parameters: RiskParameters
  readonly state: RiskState
}

function limitsJson({ name, parameters, state }: LimitsRow): Record<string, unknown> {
  return { account: name, state: riskStateTypeNames[state.type], ...parametersJson(parameters) }
}

function requestJson(
  { parameters, updates, ...request }: Modification,
  words: (status: ModificationStatus) => string,
): Record<string, unknown> {
  const steps = updates.map(update => ({ ...update, status: words(update.status) }))
  return { ...request, ...parametersJson(parameters), updates: steps }
}

/** Amounts as ordinary numbers, as on the wire. */
function parametersJson(parameters: RiskParameters): Record<string, unknown> {
  const { currency, buyingPower, netLoss, allowedState, transitionTimeUs } = parameters
  return {
    currency,
    buyingPower: numberOfMicros(buyingPower),
    netLoss: numberOfMicros(netLoss),
    allowedState: riskStateTypeNames[allowedState.type],
    transitionTimeUs,
  }
}

const limitsColumns: Column<LimitsRow>[] = [
  { title: 'ACCOUNT', cell: ({ name }) => name },
  { title: 'STATE', cell: ({ state }) => riskStateTypeNames[state.type] },
  { title: 'CURRENCY', cell: ({ parameters }) => currencyText(parameters.currency) },
  { title: 'BUYING POWER', align: 'right', cell: ({ parameters }) => formatMoney(parameters.buyingPower) },
  { title: 'NET LOSS', align: 'right', cell: ({ parameters }) => formatMoney(parameters.netLoss) },
  { title: 'ALLOWED', cell: ({ parameters }) => riskStateTypeNames[parameters.allowedState.type] },
  { title: 'TRANSITION', align: 'right', cell: ({ parameters }) => `${parameters.transitionTimeUs / SECOND_US} s` },
]

function requestColumns(words: (status: ModificationStatus) => string): Column<Modification>[] {
  return [
    { title: 'REQUEST', align: 'right', cell: ({ id }) => String(id) },
    { title: 'STATUS', cell: ({ updates }) => words(updates.at(-1)!.status) },
    { title: 'SUBMITTED', cell: ({ timestamp }) => timeText(timestamp) },
    { title: 'BY', align: 'right', cell: ({ submitter }) => String(submitter) },
    { title: 'FROM', cell: ({ effective }) => timeText(effective) },
    { title: 'BUYING POWER', align: 'right', cell: ({ parameters }) => formatMoney(parameters.buyingPower) },
    { title: 'NET LOSS', align: 'right', cell: ({ parameters }) => formatMoney(parameters.netLoss) },
    { title: 'COMMENT', cell: ({ comment }) => comment },
  ]
}

const changeColumns: Column<Change>[] = [
  { title: 'NUMBER', align: 'right', cell: ({ number }) => String(number) },
  { title: 'TIME', cell: ({ timestamp }) => timeText(timestamp) },
  { title: 'BY', align: 'right', cell: ({ by }) => String(by) },
  { title: 'WHAT', cell: ({ what }) => what },
  { title: 'ACCOUNT', align: 'right', cell: ({ subject }) => String(subject) },
  { title: 'BEFORE', cell: ({ before }) => JSON.stringify(before) },
  { title: 'AFTER', cell: ({ after }) => JSON.stringify(after) },
]
