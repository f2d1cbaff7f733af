// Writes docs/compliance.md from the catalogue of rules. Run it after a change of the catalogue or of a reason:
// `node scripts/compliance.ts`.

import fs from 'node:fs'
import { type ParameterSpec, type RuleSpec, ruleCatalogue } from '../src/compliance/catalogue.ts'
import { RULES_DEEP_MAX } from '../src/compliance/check-schema.ts'
import { currenciesData } from '../src/domain/currencies.ts'
import { MICROS } from '../src/domain/money.ts'
import { Reason, reasonName } from '../src/domain/reasons.ts'

export const COMPLIANCE_PAGE = new URL('../docs/compliance.md', import.meta.url)

const memories: Record<RuleSpec['memory'], string> = {
  nothing: 'nothing',
  'own account': 'each account’s own recent orders',
  events: 'when things happened',
  orders: 'open orders and positions',
}

/** The page as it has to be. */
export function compliancePage(): string {
  const lines = [
    '# Compliance rules',
    '',
    'A rule judges submissions and cancels. An **entry** assigns a rule to an account or to a directory, and so to everybody',
    'in it, and has a state:',
    '',
    '| state | what it does |',
    '|---|---|',
    '| ACTIVE | refuses, and every refusal is recorded as a violation |',
    '| PASSIVE | records the violation and lets the order or cancel go on |',
    '| DISABLED | nothing |',
    '',
    'An order meets the rules of its account first, then those of the directories that the account lies in, the nearest first:',
    '`traders` or `managers` of its group, the group, and everything above. On one of them rules are asked in the order in which',
    'they were stored. The first ACTIVE rule that objects ends the walk, and the order is rejected with its reason; the rules',
    'that had let it pass forget it. Cancels are judged the same way; a refused one is answered by Refused. The account',
    'of a violation is the one that submitted the order, or asked for the cancel. A rule counts what it lets pass: an order that',
    'goes on although a PASSIVE rule objected is not counted by that rule, nor are its fills, until the entry is stored again.',
    '',
    'A replace is judged as what it is to the order: as a cancel where it lowers the quantity or leaves the price, as a',
    'submission of the new terms where it raises the quantity or goes to another price. Messages count in the same way. It is',
    'never a second order, and where it is refused everything counts as before.',
    '',
    'Entries take effect with the next order. A stored entry is a new rule, also when only its state was changed: it goes to',
    'the end of its directory and begins with the positions and open orders that are there. What a rule keeps of *when*',
    'something happened it keeps as far back as the server remembers; counts of messages and executions, and the memory of',
    'duplicates, start anew.',
    'Everything a rule knows of time is the server’s clock on the order, on the cancel or on the report.',
    '',
    '## Rules inside rules',
    '',
    `Some rules stand around another one, up to ${RULES_DEEP_MAX} in all. Behind its own parameters such a rule has two more: \`name\`, the`,
    'inner rule, and `arguments`, a list of pairs of name and value. What a filter keeps from the judgement of its inner rule',
    'that rule counts all the same; cancels it does not let through are allowed.',
    '',
    '| what for | nesting |',
    '|---|---|',
    '| no cancels, or no submissions, for some tickers at some hours | scope_filter › time_filter › reject_cancels, reject_submissions |',
    '| a limit on what some tickers may tie up | scope_filter › buying_power |',
    '| no cancel against a fresh fill, no submission against a fresh cancel, ticker by ticker | scope_filter › time_filter › per_ticker › opposing_cancel, opposing_submission |',
    '| open orders of each ticker and side | scope_filter › per_ticker › order_count_limit_per_side |',
    '| a limit for each trader of a group | per_account › any rule, on the group |',
    '',
    '## Rules over many accounts',
    '',
    'A rule on a directory that remembers open orders, positions or events counts for all accounts under it together, unless',
    '`per_account` stands around it. Such a rule is *pooled*: it has to see the orders of all of them. It does, exactly, on',
    'whatever shards they are. Rules that remember nothing, or each account’s own orders, are never pooled.',
    '',
    'With one shard that costs nothing more than other rules do. With several, one of them judges all pooled rules. An order',
    'under such a rule is asked about once it has passed everything else: checks, and rules that are not pooled, wherever they',
    'stand. Where rules of both kinds object, the refusal names one that is not pooled. The order waits for the answer, and what',
    'comes for its account behind it waits in its order: two ways between threads longer than without. Cancels wait only',
    'where a pooled rule may refuse them or counts them; a replace does where it asks for more or goes to another price, and one to',
    'a smaller quantity where a cancel would. Orders of other accounts wait for nothing. What waits is bounded by',
    '`limits.in_flight_max` for each account and `engine.command_ring_bytes` for each shard; beyond that requests are refused with',
    'BUSY. When the server stops, what waits is refused with STOPPING.',
    '',
    'An order counts from the judge’s answer on; a fill or an end has been counted before any client hears of it. One that may be',
    'replaced counts with the larger quantity and the higher price of its old and new terms until the judge hears which it has. One',
    'that is executed in part while he is asked is asked about again, so he always judges what is really left. Cancels of a halt,',
    'expiries and what administrators book by hand are not judged; they count as soon as they are durable. When rules or groups change,',
    'the judge first hears from all shards how the accounts concerned stand; only then it answers further questions.',
    '',
    '## By command',
    '',
    '    oes rules list --group north',
    '    oes rules add --account alice maximum_order_quantity quantity=1000',
    '    oes rules add --group north scope_filter scope=TSX / per_account / order_count_limit count=10',
    '    oes rules change 2 --group north --state passive',
    '    oes rules violations --account alice',
    '',
    'A rule is its name and its parameters; a rule inside another stands behind a slash. Amounts are decimals; durations have a',
    'unit (ms, s, m, h) or are a time of the day (9:30); currencies are codes; scopes are `*`, countries, venues and tickers,',
    'separated by commas. Administrators store rules; they are in force in all shards within a second.',
    '',
    '## The rules',
    '',
    ...wrapped(
      `Quantities and money have at most six decimals; what counts something is cut to whole numbers. A parameter without a default has to be given. A schema is checked when it is stored: an unknown rule is refused by ${named(Reason.RuleNameUnknown)}, a missing parameter by ${named(Reason.RuleParameterMissing)}, one of a wrong kind, out of bounds or unknown by ${named(Reason.RuleParameterInvalid)}.`,
    ),
    '',
    'This page is written by `scripts/compliance.ts` from [src/compliance/catalogue.ts](../src/compliance/catalogue.ts). The',
    'numbers and texts of the reasons are in [reasons.md](reasons.md).',
  ]
  for (const spec of ruleCatalogue) lines.push('', ...section(spec))
  return `${lines.join('\n')}\n`
}

function section(spec: RuleSpec): string[] {
  const lines = [`### ${spec.name}`, '', ...wrapped(spec.meaning)]
  if (spec.parameters.length > 0) {
    lines.push('', '| parameter | kind | unit | from | to | default | |', '|---|---|---|--:|--:|--:|---|')
    for (const parameter of spec.parameters) lines.push(row(parameter))
  }
  const refusals = [
    spec.submissions.length > 0 ? `Submissions: ${spec.submissions.map(named).join(', ')}.` : '',
    spec.cancels.length > 0 ? `Cancels: ${spec.cancels.map(named).join(', ')}.` : '',
    spec.wraps ? 'Refuses and remembers what its inner rule does.' : `Remembers ${memories[spec.memory]}.`,
  ]
  lines.push('', ...wrapped(refusals.filter(text => text !== '').join(' ')))
  return lines
}

function row({ name, kind, unit, min, max, choices, fallback, meaning }: ParameterSpec): string {
  const told = choices === undefined ? meaning : `${meaning}: ${choices.map(choice => `\`${choice}\``).join(', ')}`
  const cells = [`\`${name}\``, kind, unit ?? '', bound(kind, min), bound(kind, max), defaultOf(kind, fallback), told]
  return `| ${cells.join(' | ')} |`
}

function bound(kind: ParameterSpec['kind'], value: number | undefined): string {
  if (value === undefined) return ''
  return String(kind === 'double' ? value : value / MICROS)
}

function defaultOf(kind: ParameterSpec['kind'], fallback: ParameterSpec['fallback']): string {
  if (fallback === undefined) return ''
  if (kind === 'currency') return currenciesData.find(({ id }) => id === fallback)!.code
  if (fallback === Number.POSITIVE_INFINITY) return 'no limit'
  if (typeof fallback === 'number') return bound(kind, fallback)
  if (typeof fallback === 'object') return 'everything'
  return fallback === '' ? 'empty' : `\`${fallback}\``
}

function named(reason: Reason): string {
  return `${reason} ${reasonName(reason)}`
}

const COLUMNS = 120

/** The words of a text on lines of at most COLUMNS characters. */
function wrapped(text: string): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > COLUMNS) {
      lines.push(line)
      line = word
    } else {
      line = line === '' ? word : `${line} ${word}`
    }
  }
  return [...lines, line]
}

if (import.meta.main) fs.writeFileSync(COMPLIANCE_PAGE, compliancePage())
