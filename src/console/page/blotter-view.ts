// The orders, the latest first, as they change. Filters work on what is here; an account that is not followed is asked for.

import type { OrderRow } from '../messages.ts'
import { ask } from './connection.ts'
import { Nothing, State, type Tone, valueIn } from './dialog.ts'
import * as format from './format.ts'
import { type Children, html, type Markup, useEffect, useMemo, useState } from './markup.ts'
import { type Blotter, useStore } from './store.ts'
import { type TableColumn, VirtualTable } from './virtual-table.ts'

interface Filters {
  readonly account: string
  readonly ticker: string
  readonly status: string
  readonly side: string
  readonly text: string
}

const NO_FILTERS: Filters = { account: '', ticker: '', status: '', side: '', text: '' }
const STATUSES = ['live', 'new', 'partially filled', 'filled', 'canceled', 'rejected', 'expired', 'pending cancel']
const SIDES = ['buy', 'sell', 'sell short']
const ROW_HEIGHT = 30
const NARROW_ROW_HEIGHT = 62

export function BlotterView(): Markup {
  const { blotter } = useStore()
  const [filters, setFilters] = useState(NO_FILTERS)
  const isNarrow = useNarrow()
  const rows = useMemo(() => blotter.rows.filter(row => isWanted(row, filters)), [blotter.rows, filters])
  const set = (part: Partial<Filters>) => setFilters({ ...filters, ...part })
  return html`
    <div class="fill">
      <div class="section-head">
        <h1>Orders</h1>
        <${Mode} blotter=${blotter} />
        <span class="muted right" role="status">${format.count(rows.length)} of ${format.count(blotter.rows.length)}</span>
      </div>
      <${FilterBar} filters=${filters} set=${set} blotter=${blotter} />
      ${blotter.faults.map(fault => html`<p class="failure" key=${fault} role="alert">${fault}</p>`)}
      <${VirtualTable} label="Orders" columns=${COLUMNS} rows=${rows} keyOf=${(row: OrderRow) => row.id}
        rowHeight=${isNarrow ? NARROW_ROW_HEIGHT : ROW_HEIGHT} className="blotter"
        onOpen=${(row: OrderRow) => {
          location.hash = `orders/${row.id}`
        }}
        empty=${emptyOf(blotter)} />
    </div>`
}

function emptyOf(blotter: Blotter): Markup {
  if (blotter.mode === 'loading') return html`<${Nothing} title="Loading orders …" />`
  if (blotter.rows.length > 0) return html`<${Nothing} title="No order fits" text="Take a filter away to see more." />`
  return html`<${Nothing} title="No orders yet" text="They appear here as soon as they are accepted." />`
}

function Mode({ blotter }: { readonly blotter: Blotter }): Markup {
  const { mode, accounts, accountsLeftOut } = blotter
  const followed = `${accounts.length} ${accounts.length === 1 ? 'account' : 'accounts'}`
  const rest = accountsLeftOut === 0 ? '' : `, ${format.count(accountsLeftOut)} others not followed`
  if (mode === 'loading') return html`<${State} tone="calm">loading<//>`
  if (mode === 'live') return html`<${State} tone="good">live, ${followed}${rest}<//>`
  return html`
    <span title="More happens than can be followed without costing the server. Open an order for its whole life.">
      <${State} tone="warn">sampled: too busy to show everything<//>
    </span>`
}

function FilterBar(props: {
  readonly filters: Filters
  readonly set: (part: Partial<Filters>) => void
  readonly blotter: Blotter
}): Markup {
  const { filters, set, blotter } = props
  const [failure, setFailure] = useState('')
  const onAccount = async (event: KeyboardEvent) => {
    const { account } = filters
    if (event.key !== 'Enter' || account === '' || blotter.accounts.some(({ name }) => name === account)) return
    setFailure('')
    await ask('/api/follow', { name: account }).catch((error: Error) => setFailure(error.message))
  }
  const isFiltered = Object.values(filters).some(value => value !== '')
  return html`
    <form class="filters" role="search" aria-label="Filter orders" onSubmit=${(event: Event) => event.preventDefault()}>
      <label class="field text"><span>Text</span>
        <input type="search" name="text" data-key="filter" placeholder="id, client id, ticker, reason" value=${filters.text}
          onInput=${(event: InputEvent) => set({ text: valueIn(event) })} /></label>
      <label class="field"><span>Account</span>
        <input name="account" list="accounts" autocomplete="off" value=${filters.account} onKeyDown=${onAccount}
          onInput=${(event: InputEvent) => set({ account: valueIn(event) })} /></label>
      <datalist id="accounts">${blotter.accounts.map(({ id, name }) => html`<option key=${id} value=${name} />`)}</datalist>
      <label class="field"><span>Ticker</span>
        <input name="ticker" autocomplete="off" value=${filters.ticker}
          onInput=${(event: InputEvent) => set({ ticker: valueIn(event) })} /></label>
      <label class="field"><span>Status</span>
        <select name="status" value=${filters.status} onChange=${(event: Event) => set({ status: valueIn(event) })}>
          <option value="">any</option>${STATUSES.map(word => html`<option key=${word}>${word}</option>`)}
        </select></label>
      <label class="field"><span>Side</span>
        <select name="side" value=${filters.side} onChange=${(event: Event) => set({ side: valueIn(event) })}>
          <option value="">any</option>${SIDES.map(word => html`<option key=${word}>${word}</option>`)}
        </select></label>
      <button type="button" class="button" disabled=${!isFiltered} onClick=${() => set(NO_FILTERS)}>Clear</button>
      <p class="failure" role="alert">${failure}</p>
    </form>`
}

function isWanted(row: OrderRow, { account, ticker, status, side, text }: Filters): boolean {
  if (account !== '' && !row.accountName.toLowerCase().startsWith(account.toLowerCase())) return false
  if (ticker !== '' && !row.ticker.toLowerCase().startsWith(ticker.toLowerCase())) return false
  if (side !== '' && row.side !== side) return false
  if (status === 'live' ? row.isTerminal : status !== '' && row.status !== status) return false
  if (text === '') return true
  const wanted = text.toLowerCase()
  return [String(row.id), row.clOrdId, row.ticker, row.text, row.destination, row.accountName].some(part =>
    part.toLowerCase().includes(wanted),
  )
}

const COLUMNS: readonly TableColumn<OrderRow>[] = [
  { key: 'time', title: 'Time', cell: row => format.clockMs(row.acceptedUs) },
  { key: 'id', title: 'Order', align: 'right', cell: row => row.id },
  { key: 'account', title: 'Account', cell: row => row.accountName },
  {
    key: 'side',
    title: 'Side',
    cell: row => html`<span class=${`side ${row.side === 'buy' ? 'buy' : 'sell'}`}>${row.side}</span>`,
  },
  { key: 'ticker', title: 'Ticker', cell: row => row.ticker },
  { key: 'quantity', title: 'Quantity', align: 'right', cell: row => format.quantity(row.quantity) },
  { key: 'type', title: 'Type', cell: row => `${row.type} ${row.timeInForce === 'DAY' ? '' : row.timeInForce}` },
  { key: 'price', title: 'Price', align: 'right', cell: row => format.price(row.price) },
  { key: 'done', title: 'Done', align: 'right', cell: row => format.quantity(row.done) },
  { key: 'average', title: 'Average', align: 'right', cell: row => format.average(row.average) },
  // What a narrow screen has room for.
  {
    key: 'at',
    title: 'At',
    align: 'right',
    cell: row => (row.done > 0 ? format.average(row.average) : format.price(row.price)),
  },
  { key: 'status', title: 'Status', cell: row => statusOf(row.status) },
  { key: 'text', title: 'Text', cell: row => row.text },
]

const TONES: Readonly<Record<string, Tone>> = {
  filled: 'good',
  new: 'calm',
  'pending new': 'calm',
  'partially filled': 'calm',
  'pending cancel': 'warn',
  'pending replace': 'warn',
  'replace reject': 'warn',
  replaced: 'calm',
  canceled: 'warn',
  expired: 'warn',
  'done for day': 'warn',
  suspended: 'warn',
  stopped: 'warn',
  'cancel reject': 'warn',
  rejected: 'bad',
}

/** The status of an order as a shape and a word. */
export function statusOf(status: string): Children {
  return html`<${State} tone=${TONES[status] ?? 'calm'}>${status}<//>`
}

/** Whether the screen is a narrow one; the style sheet has the same bound. */
function useNarrow(): boolean {
  const [isNarrow, setNarrow] = useState(false)
  useEffect(() => {
    const query = matchMedia('(max-width: 700px)')
    const listener = () => setNarrow(query.matches)
    query.addEventListener('change', listener)
    listener()
    return () => query.removeEventListener('change', listener)
  }, [])
  return isNarrow
}
