// Who did what at this console.

import type { AuditRow } from '../messages.ts'
import { useEvery } from './account-view.ts'
import { Nothing } from './dialog.ts'
import * as format from './format.ts'
import { html, type Markup } from './markup.ts'
import { useStore } from './store.ts'

const EVERY_MS = 2_000

export function AuditView(): Markup {
  const { session } = useStore()
  const { answer: rows, failure } = useEvery<readonly AuditRow[]>('/api/audit', EVERY_MS)
  return html`
    <div class="section-head"><h1>Audit</h1>
      <span class="muted right">${session?.isAdministrator ? 'everybody at this console' : 'your own'}, since it was started; the log keeps all</span></div>
    <p class="failure" role="alert">${failure}</p>
    ${rows === undefined && failure === '' && html`<${Nothing} title="Loading …" />`}
    ${rows?.length === 0 && html`<${Nothing} title="Nothing was done yet" />`}
    ${rows !== undefined && rows.length > 0 && html`<${AuditTable} rows=${rows} />`}`
}

export function AuditTable({ rows }: { readonly rows: readonly AuditRow[] }): Markup {
  return html`
    <div class="panel scroll"><table>
      <thead><tr><th>Time</th><th>Who</th><th>What</th><th>About</th><th>Reason</th><th>Outcome</th></tr></thead>
      <tbody>${rows.map(
        (row, place) => html`
        <tr key=${`${row.timeMs}-${place}`}><td>${format.dateTime(row.timeMs)}</td><td>${row.who}</td>
          <td>${row.what}</td><td>${row.about}</td><td>${row.text}</td><td>${row.outcome}</td></tr>`,
      )}</tbody>
    </table></div>`
}
