// What compliance rules objected to, the latest first.

import type { ViolationRow } from '../messages.ts'
import { useEvery } from './account-view.ts'
import { Nothing, State } from './dialog.ts'
import * as format from './format.ts'
import { html, type Markup } from './markup.ts'

const EVERY_MS = 5_000

export function ViolationsView(): Markup {
  const { answer: rows, failure } = useEvery<readonly ViolationRow[]>('/api/violations', EVERY_MS)
  return html`
    <div class="section-head"><h1>Compliance violations</h1>
      <span class="muted right">${rows === undefined ? '' : `latest ${rows.length}`}</span></div>
    <p class="failure" role="alert">${failure}</p>
    ${rows === undefined && failure === '' && html`<${Nothing} title="Loading violations …" />`}
    ${rows?.length === 0 && html`<${Nothing} title="No violations" text="No rule has objected to anything yet." />`}
    ${
      rows !== undefined &&
      rows.length > 0 &&
      html`<div class="panel scroll"><table>
        <thead><tr><th>Time</th><th>Account</th><th class="right">Order</th><th>Rule</th><th>Reason</th><th>Text</th></tr></thead>
        <tbody>${rows.map(
          row => html`
          <tr key=${row.number}><td class="nowrap">${format.dateTime(row.timeUs / 1_000)}</td><td>${row.account}</td>
            <td class="right"><a href=${`#orders/${row.orderId}`}>${row.orderId}</a></td>
            <td class="nowrap">${row.ruleId} ${row.rule}</td><td><${State} tone="warn">${row.reason}<//></td><td>${row.text}</td></tr>`,
        )}</tbody>
      </table></div>`
    }`
}
