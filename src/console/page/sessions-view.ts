// Who is logged in at the server, for administrators.

import type { ClientSessionRow, ClientSessionsMessage } from '../messages.ts'
import { useEvery } from './account-view.ts'
import { Nothing, State, valueIn } from './dialog.ts'
import * as format from './format.ts'
import { html, type Markup, useState } from './markup.ts'
import { useStore } from './store.ts'

const EVERY_MS = 2_000

export function SessionsView(): Markup {
  const { session } = useStore()
  return html`
    ${
      session?.isAdministrator === true
        ? html`<${SessionList} />`
        : html`
        <div class="section-head"><h1>Sessions</h1></div>
        <${Nothing} title="For administrators" text="Who is logged in at the server is shown to them alone." />`
    }`
}

function SessionList(): Markup {
  const [find, setFind] = useState('')
  const { answer, failure } = useEvery<ClientSessionsMessage>('/api/sessions', EVERY_MS)
  const rows = answer?.rows.filter(row => isWanted(row, find.trim().toLowerCase())) ?? []
  return html`
    <div class="section-head">
      <h1>Sessions</h1>
      <label class="field inline"><span class="visually-hidden">Find by account or address</span>
        <input type="search" name="find" data-key="filter" placeholder="Find by account or address" value=${find}
          onInput=${(event: InputEvent) => setFind(valueIn(event))} /></label>
      <span class="muted right">${answer !== undefined && countText(answer)}</span>
    </div>
    <p class="failure" role="alert">${failure}</p>
    ${answer === undefined && failure === '' && html`<${Nothing} title="Loading sessions …" />`}
    ${answer !== undefined && rows.length === 0 && html`<${Nothing} title="No session fits" text="Accounts and addresses contain what was typed." />`}
    ${rows.length > 0 && html`<${SessionTable} rows=${rows} />`}`
}

function SessionTable({ rows }: { readonly rows: readonly ClientSessionRow[] }): Markup {
  return html`
    <div class="panel scroll"><table>
      <thead><tr><th>Account</th><th>Role</th><th>From</th><th>Since</th><th>TLS</th><th class="right">In flight</th>
        <th class="right">Unread</th><th class="right">Subscriptions</th><th>Orders are canceled</th><th class="right">Session</th></tr></thead>
      <tbody>${rows.map(
        row => html`
        <tr key=${row.session}><td>${row.account}</td><td>${row.role}</td><td>${row.peer}</td>
          <td>${format.dateTime(row.sinceUs / 1_000)}</td>
          <td>${row.tls === '' ? html`<${State} tone="calm">plain<//>` : row.tls}</td>
          <td class="right">${format.count(row.inFlight)}</td><td class="right">${format.bytes(row.outboxBytes)}</td>
          <td class="right">${format.count(row.subscriptions)}</td><td>${cancelText(row)}</td>
          <td class="right muted">${row.session}</td></tr>`,
      )}</tbody>
    </table></div>`
}

function isWanted({ account, peer }: ClientSessionRow, find: string): boolean {
  return account.toLowerCase().includes(find) || peer.includes(find)
}

function countText({ rows, hasMore }: ClientSessionsMessage): string {
  return hasMore
    ? `the first ${format.count(rows.length)}; oes sessions lists all`
    : `${format.count(rows.length)} logged in`
}

function cancelText({ cancelOn, graceMs, alsoCanceled }: ClientSessionRow): string {
  if (cancelOn === null) return 'never'
  const grace = cancelOn === 'logout' ? '' : `, after ${format.seconds(graceMs / 1_000)}`
  const also = alsoCanceled.length === 0 ? '' : `, also ${alsoCanceled.join(' and ')}`
  return `on ${cancelOn === 'both' ? 'loss and logout' : cancelOn}${grace}${also}`
}
