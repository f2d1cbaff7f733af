// Writes docs/metrics.md from the catalogue of metrics. Run it after a change of the catalogue: `node scripts/metrics.ts`.

import fs from 'node:fs'
import { catalogue, type MetricEntry } from '../src/metrics/catalogue.ts'
import { exposedName } from '../src/metrics/exposition.ts'

export const METRICS_PAGE = new URL('../docs/metrics.md', import.meta.url)

const OPENING = `# Metrics

What the server counts, in the order of [src/metrics/catalogue.ts](../src/metrics/catalogue.ts), from which
\`scripts/metrics.ts\` writes this page. The administrative port serves it at \`/metrics\` as the Prometheus text format
(version 0.0.4), and at \`/status\` as JSON; [operations.md](operations.md#the-administrative-port) says how to reach it.
[packaging/grafana/order-execution-server.json](../packaging/grafana/order-execution-server.json) is a dashboard of it.

Each thread counts into a lane of its own in shared memory, so counting costs no lock and reading disturbs nobody; main
reads the lanes when it is asked. Most metrics have the label \`thread\`: \`main\`, \`writer\`, \`shard-0\`, \`shard-1\`, …
Counters begin at 0 with the process. A \`reason\` is the name of a reason of [reasons.md](reasons.md) and appears when it
has been given for the first time.

Latencies are counted in buckets at most 3.1 % wide, from 1 µs to 67 s. \`/metrics\` has them as \`_bucket\` (at powers of two
of a microsecond), \`_sum\` and \`_count\`, in seconds; \`/status\` has every bucket as it was counted. The way of an order by
its stages:

\`\`\`
received by main ─→ taken by the shard ─→ judged, block closed ─→ durable ─→ in the report ring ─→ handed to the socket
   oes_command_wait              oes_judge          oes_journal_commit  oes_publish
   └───────────────────── oes_command ───────────────────────────┘
   └───────────────────────────────────── oes_answer ─────────────────────────────────────────────┘
\`\`\``

/** Where a metric is counted, and what there is to say about it. */
const groups: Readonly<Record<string, { readonly title: string; readonly about?: string }>> = {
  main: { title: 'Main' },
  'main shard': { title: 'Main and shards' },
  'main writer': {
    title: 'Main and writer',
    about:
      'The threads that have an event loop. Shards have none: what keeps a shard from its work shows in ' +
      '`oes_command_wait_seconds`.',
  },
  'main writer shard': { title: 'Main, writer and shards', about: 'Looked at five times a second.' },
  writer: { title: 'Writer' },
  store: {
    title: 'Stores',
    about:
      'One lane for each store, counted in by the writer; instead of `thread` these have the label `store`: its name, as ' +
      '`10.0.0.7:3306/spire`, `embedded` or `stand-in`.',
  },
  link: { title: 'Links', about: 'What main sees of each shard from outside, when it is asked.' },
  shard: { title: 'Shards' },
}

/** The page as it has to be. */
export function metricsPage(): string {
  const lines = [OPENING]
  let group = ''
  for (const entry of catalogue) {
    const own = entry.lanes.join(' ')
    if (own !== group) {
      group = own
      const said = groups[group]
      if (said === undefined) throw new Error(`nothing is said about metrics of ${group}; give them a title here`)
      lines.push('', `## ${said.title}`, ...(said.about === undefined ? [] : ['', ...wrapped(said.about)]))
      lines.push('', '| metric | kind | label | |', '|---|---|---|---|')
    }
    lines.push(`| \`${exposedName(entry)}\` | ${entry.kind} | ${labelOf(entry)} | ${entry.help} |`)
  }
  return `${lines.join('\n')}\n`
}

function labelOf({ label }: MetricEntry): string {
  if (label === undefined) return ''
  return label.isSparse === true ? `\`${label.name}\`` : `\`${label.name}\`: ${label.values.join(', ')}`
}

function wrapped(text: string): string[] {
  const lines = ['']
  for (const word of text.split(' ')) {
    const line = lines.at(-1)!
    if (line.length + word.length >= 120) lines.push(word)
    else lines[lines.length - 1] = line === '' ? word : `${line} ${word}`
  }
  return lines
}

if (import.meta.main) fs.writeFileSync(METRICS_PAGE, metricsPage())
