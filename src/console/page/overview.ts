// The first view: how much is traded and how fast, now and over the last hour; each shard, each store, the sessions.

import type { FiguresMessage, Hint, ShardFigures, StoreFigures } from '../messages.ts'
import { Nothing, State, type Tone } from './dialog.ts'
import * as format from './format.ts'
import { LineChart } from './line-chart.ts'
import { html, type Markup, useMemo, useState } from './markup.ts'
import { type PageState, useStore } from './store.ts'

const SPANS = [
  { seconds: 120, label: '2 min' },
  { seconds: 900, label: '15 min' },
  { seconds: 3_600, label: '1 h' },
] as const

export function Overview(): Markup {
  const state = useStore()
  const { figures, figuresMissing } = state
  const [span, setSpan] = useState<number>(SPANS[0].seconds)
  if (figures === undefined) {
    return html`<${Nothing} title=${figuresMissing === '' ? 'Waiting for figures …' : 'There are no figures'}
      text=${figuresMissing} />`
  }
  return html`
    <h1 class="visually-hidden">Overview</h1>
    ${figures.degraded.length > 0 && html`<${Degraded} figures=${figures} />`}
    <${Tiles} figures=${figures} />
    <div class="section-head">
      <h2>Now and before</h2>
      <div class="segments" role="group" aria-label="Time shown">
        ${SPANS.map(
          ({ seconds, label }) => html`
          <button type="button" key=${seconds} aria-pressed=${span === seconds} onClick=${() => setSpan(seconds)}>${label}</button>`,
        )}
      </div>
    </div>
    <${Charts} state=${state} span=${span} />
    <div class="columns">
      <div class="stack">
        <${Shards} figures=${figures} />
        <${Refusals} refusals=${figures.refusals} />
      </div>
      <div class="stack">
        <${Stores} stores=${figures.stores} />
        <${Stages} figures=${figures} />
      </div>
      <${SessionsPanel} figures=${figures} />
    </div>`
}

function Degraded({ figures }: { readonly figures: FiguresMessage }): Markup {
  return html`
    <ul class="degraded" aria-label="Not as it should be">
      ${figures.degraded.map(
        ({ part, what, why }) => html`
        <li key=${part + what}><${State} tone="warn"><strong>${part} ${what}</strong><//> <span>${why}</span></li>`,
      )}
    </ul>`
}

function Tiles({ figures }: { readonly figures: FiguresMessage }): Markup {
  const { sample, shards, sessions, mainLoad } = figures
  const open = shards.reduce((sum, { ordersOpen }) => sum + ordersOpen, 0)
  const tiles: readonly [label: string, value: string, note: string][] = [
    ['Orders per second', format.short(sample.ordersPerSecond), `${format.short(sample.rejectsPerSecond)} rejected`],
    [
      'Executions per second',
      format.short(sample.executionsPerSecond),
      `${format.short(sample.requestsPerSecond)} requests`,
    ],
    ['Answer, median', format.latency(sample.answerP50Us), 'received to accepted'],
    ['Answer, 99 %', format.latency(sample.answerP99Us), `longest ${format.latency(sample.answerMaxUs)}`],
    ['Orders live', format.short(open), `on ${shards.length} ${shards.length === 1 ? 'shard' : 'shards'}`],
    ['Main thread', format.percent(mainLoad), `${format.count(sessions.open)} sessions open`],
  ]
  return html`
    <dl class="tiles">
      ${tiles.map(
        ([label, value, note]) => html`
        <div class="tile" key=${label}><dt>${label}</dt><dd><span class="figure">${value}</span><span class="note">${note}</span></dd></div>`,
      )}
    </dl>`
}

function Charts({ state, span }: { readonly state: PageState; readonly span: number }): Markup {
  const { samples, themes } = state
  const columns = useMemo(() => {
    // A second without an answer is a gap in the line, never a zero.
    return {
      times: samples.map(({ timeMs }) => timeMs / 1_000),
      orders: samples.map(({ ordersPerSecond }) => ordersPerSecond),
      executions: samples.map(({ executionsPerSecond }) => executionsPerSecond),
      p50: samples.map(({ answerP50Us }) => answerP50Us),
      p99: samples.map(({ answerP99Us }) => answerP99Us),
    }
  }, [samples])
  const throughput = [
    { label: 'Orders/s', colour: 'accent', isFilled: true, values: columns.orders },
    { label: 'Executions/s', colour: 'second', values: columns.executions },
  ]
  const latency = [
    { label: 'Median', colour: 'accent', isFilled: true, values: columns.p50 },
    { label: '99 %', colour: 'second', values: columns.p99 },
  ]
  return html`
    <div class="charts">
      <figure class="panel">
        <${LineChart} title="Throughput" label="Orders and executions per second over time" times=${columns.times} lines=${throughput}
          spanSeconds=${span} format=${format.short} themes=${themes} />
      </figure>
      <figure class="panel">
        <${LineChart} title="Latency" label="Time from the receipt of an order to its acceptance, median and 99 percent, over time"
          times=${columns.times} lines=${latency} spanSeconds=${span} format=${format.latency} themes=${themes} />
      </figure>
    </div>`
}

function Shards({ figures }: { readonly figures: FiguresMessage }): Markup {
  const { shards, mainLoad, hints, cores } = figures
  return html`
    <section class="panel" aria-labelledby="shards-title">
      <h3 id="shards-title">Shards <span class="muted">${cores === null ? '' : `on ${cores} cores`}</span></h3>
      <div class="scroll">
        <table>
          <thead><tr><th>Thread</th><th>Load</th><th class="right">Orders/s</th><th class="right">Live</th>
            <th class="right" title="How full the rings of commands and reports are">Rings</th>
            <th class="right" title="Received to durable, 99 percent of the last ten seconds">Durable 99 %</th></tr></thead>
          <tbody>
            ${shards.map(shard => html`<${ShardRow} shard=${shard} key=${shard.name} />`)}
            <tr><th scope="row">main</th><td><${Meter} share=${mainLoad} /></td><td></td><td></td><td></td><td></td></tr>
          </tbody>
        </table>
      </div>
      <${Hints} hints=${hints} />
    </section>`
}

function ShardRow({ shard }: { readonly shard: ShardFigures }): Markup {
  return html`
    <tr>
      <th scope="row">${shard.name}</th>
      <td><${Meter} share=${shard.load} /></td>
      <td class="right">${format.short(shard.ordersPerSecond)}</td>
      <td class="right">${format.count(shard.ordersOpen)}</td>
      <td class="right">${format.percent(shard.commandRing)} · ${format.percent(shard.reportRing)}</td>
      <td class="right">${format.latency(shard.commandP99Us)}</td>
    </tr>`
}

/** A part of a whole as a bar and a number. */
function Meter({ share }: { readonly share: number | null }): Markup {
  const tone = share === null || share < 0.7 ? '' : share < 0.85 ? ' warn' : ' bad'
  return html`
    <span class=${`meter${tone}`}>
      <span class="track" aria-hidden="true"><span style=${{ width: `${Math.round(100 * (share ?? 0))}%` }}></span></span>
      <span class="meter-figure">${format.percent(share)}</span>
    </span>`
}

function Hints({ hints }: { readonly hints: readonly Hint[] }): Markup {
  if (hints.length === 0) {
    return html`<p class="hint"><${State} tone="good">Load is spread well for this machine.<//></p>`
  }
  return html`${hints.map(
    ({ level, text }) => html`
    <p class="hint" key=${text}><${State} tone=${level === 'warning' ? 'warn' : 'calm'}>${text}<//></p>`,
  )}`
}

function Stores({ stores }: { readonly stores: readonly StoreFigures[] }): Markup {
  return html`
    <section class="panel" aria-labelledby="stores-title">
      <h3 id="stores-title">Stores behind the journal</h3>
      <div class="scroll">
        <table>
          <thead><tr><th>Store</th><th>State</th><th class="right">Behind</th><th class="right">Entries</th></tr></thead>
          <tbody>
            ${stores.map(
              store => html`
              <tr key=${store.name}>
                <th scope="row">${store.name}</th>
                <td><${State} tone=${storeTone(store)}>${store.state}<//></td>
                <td class="right">${format.seconds(store.lagSeconds)}</td>
                <td class="right">${format.count(store.lagRecords)}</td>
              </tr>`,
            )}
          </tbody>
        </table>
      </div>
    </section>`
}

function storeTone({ state, isGood }: StoreFigures): Tone {
  if (state === 'unused') return 'calm'
  if (!isGood) return 'bad'
  return state === 'catching up' ? 'warn' : 'good'
}

function Stages({ figures }: { readonly figures: FiguresMessage }): Markup {
  return html`
    <section class="panel" aria-labelledby="stages-title">
      <h3 id="stages-title">Way of an order <span class="muted">last 10 s</span></h3>
      <div class="scroll">
        <table>
          <thead><tr><th>Stage</th><th class="right">Median</th><th class="right">99 %</th><th class="right">Longest</th></tr></thead>
          <tbody>
            ${figures.stages.map(
              ({ name, about, p50Us, p99Us, maxUs }) => html`
              <tr key=${name} title=${about}>
                <th scope="row">${name}</th>
                <td class="right">${format.latency(p50Us)}</td>
                <td class="right">${format.latency(p99Us)}</td>
                <td class="right">${format.latency(maxUs)}</td>
              </tr>`,
            )}
          </tbody>
        </table>
      </div>
    </section>`
}

function SessionsPanel({ figures }: { readonly figures: FiguresMessage }): Markup {
  const { sessions, residentBytes, diskFreeBytes, accountsByState } = figures
  const closed = Object.entries(sessions.closed).map(([reason, times]) => `${reason} ${times}`)
  const accounts = Object.entries(accountsByState)
    .filter(([, accountCount]) => accountCount > 0)
    .map(([name, accountCount]) => `${accountCount} ${name.toLowerCase().replaceAll('_', ' ')}`)
  const rows: readonly [string, string][] = [
    ['Sessions open', `${format.count(sessions.open)} of ${format.count(sessions.accepted)} accepted`],
    ['Logins', `${format.count(sessions.logins)}, ${format.count(sessions.loginFailures)} failed`],
    ['Requests in flight', format.count(sessions.inFlight)],
    ['Unread by clients', `${format.bytes(sessions.outboxBytes)}, most ${format.bytes(sessions.outboxLargestBytes)}`],
    ['Subscriptions', format.count(sessions.subscriptions)],
    ['Closed by the server', closed.length === 0 ? 'none' : closed.join(', ')],
    ['Accounts', accounts.join(', ')],
    ['Memory, disk free', `${format.bytes(residentBytes)}, ${format.bytes(diskFreeBytes)}`],
  ]
  return html`
    <section class="panel" aria-labelledby="sessions-title">
      <h3 id="sessions-title"><a href="#sessions">Sessions</a> and machine</h3>
      <dl class="facts">${rows.map(([label, value]) => html`<div key=${label}><dt>${label}</dt><dd>${value}</dd></div>`)}</dl>
    </section>`
}

function Refusals({ refusals }: { readonly refusals: Readonly<Record<string, number>> }): Markup {
  const rows = Object.entries(refusals).sort((a, b) => b[1] - a[1])
  const most = Math.max(1, ...rows.map(([, times]) => times))
  return html`
    <section class="panel" aria-labelledby="refusals-title">
      <h3 id="refusals-title">Refusals by reason <span class="muted">since the start</span></h3>
      ${rows.length === 0 && html`<p class="muted">Nothing was refused.</p>`}
      <ul class="bars">
        ${rows.slice(0, 6).map(
          ([reason, times]) => html`
          <li key=${reason}><span class="bar-label">${reason}</span><span class="bar-figure">${format.count(times)}</span>
            <span class="track" aria-hidden="true"><span style=${{ width: `${(100 * times) / most}%` }}></span></span></li>`,
        )}
      </ul>
    </section>`
}
