// A table of many rows, of which only those in sight exist. The whole table takes the keyboard once: arrows, page, home
// and end move the chosen row, Enter opens it, Tab goes on to what follows.

import { type Children, html, type Markup, useEffect, useLayoutEffect, useRef, useState } from './markup.ts'

export interface TableColumn<Row> {
  readonly key: string
  readonly title: string
  readonly align?: 'right'
  readonly cell: (row: Row) => Children
}

interface VirtualTableProps<Row> {
  readonly label: string
  readonly columns: readonly TableColumn<Row>[]
  readonly rows: readonly Row[]
  readonly keyOf: (row: Row) => number
  readonly rowHeight: number
  readonly className: string
  readonly onOpen: (row: Row) => void
  readonly empty: Children
}

/** Rows that exist beyond those in sight, on each side. */
const BEYOND = 8

export function VirtualTable<Row>(props: VirtualTableProps<Row>): Markup {
  const { label, columns, rows, keyOf, rowHeight, className, onOpen, empty } = props
  const element = useRef<HTMLDivElement>(null)
  const [top, setTop] = useState(0)
  const [height, setHeight] = useState(600)
  const [chosenKey, choose] = useState<number | undefined>(undefined)
  useLayoutEffect(() => {
    const box = element.current
    if (box === null) return
    const observer = new ResizeObserver(() => setHeight(box.clientHeight))
    observer.observe(box)
    return () => observer.disconnect()
  }, [])
  // Rows that come in above push those that are being read down; they stay where they are in sight.
  const firstKey = useRef<number | undefined>(undefined)
  useEffect(() => {
    const box = element.current
    const before = firstKey.current
    firstKey.current = rows[0] === undefined ? undefined : keyOf(rows[0])
    if (box === null || before === undefined || box.scrollTop < rowHeight) return
    const at = rows.findIndex(row => keyOf(row) === before)
    if (at > 0) box.scrollTop += at * rowHeight
  }, [rows])

  const indexOf = (key: number | undefined) => (key === undefined ? -1 : rows.findIndex(row => keyOf(row) === key))
  const chosen = indexOf(chosenKey)
  // Keys may come faster than they are shown.
  const latestKey = useRef(chosenKey)
  const move = (to: number) => {
    const box = element.current
    const at = Math.max(0, Math.min(rows.length - 1, to))
    const row = rows[at]
    if (box === null || row === undefined) return
    latestKey.current = keyOf(row)
    choose(keyOf(row))
    const rowTop = at * rowHeight
    if (rowTop < box.scrollTop) box.scrollTop = rowTop
    else if (rowTop + rowHeight > box.scrollTop + height - rowHeight) box.scrollTop = rowTop + 2 * rowHeight - height
  }
  const onKeyDown = (event: KeyboardEvent) => {
    const chosen = indexOf(latestKey.current)
    const page = Math.max(1, Math.floor(height / rowHeight) - 2)
    const steps: Readonly<Record<string, number>> = {
      ArrowDown: chosen + 1,
      ArrowUp: chosen < 0 ? 0 : chosen - 1,
      PageDown: chosen + page,
      PageUp: chosen - page,
      Home: 0,
      End: rows.length - 1,
    }
    const to = steps[event.key]
    if (to !== undefined) move(to)
    else if (event.key === 'Enter' && rows[chosen] !== undefined) onOpen(rows[chosen])
    else return
    event.preventDefault()
  }
  const first = Math.max(0, Math.floor(top / rowHeight) - BEYOND)
  const last = Math.min(rows.length, Math.ceil((top + height) / rowHeight) + BEYOND)
  return html`
    <div class=${`table ${className}`} role="grid" tabindex="0" ref=${element} aria-label=${label}
      aria-rowcount=${rows.length + 1} aria-activedescendant=${chosen < 0 ? undefined : `row-${chosenKey}`}
      onKeyDown=${onKeyDown} onScroll=${(event: Event) => setTop((event.currentTarget as HTMLElement).scrollTop)}>
      <div class="table-row table-head" role="row" aria-rowindex="1">
        ${columns.map(column => html`<div role="columnheader" class=${cellClass(column)} key=${column.key}>${column.title}</div>`)}
      </div>
      <div class="table-body" role="rowgroup" style=${{ height: `${rows.length * rowHeight}px` }}>
        ${rows.slice(first, last).map((row, place) => {
          const at = first + place
          const key = keyOf(row)
          return html`
            <div class=${`table-row${key === chosenKey ? ' chosen' : ''}`} role="row" id=${`row-${key}`} key=${key}
              aria-rowindex=${at + 2} aria-selected=${key === chosenKey} style=${{ transform: `translateY(${at * rowHeight}px)` }}
              onClick=${() => {
                latestKey.current = key
                choose(key)
                onOpen(row)
              }}>
              ${columns.map(column => html`<div role="gridcell" class=${cellClass(column)} key=${column.key}>${column.cell(row)}</div>`)}
            </div>`
        })}
      </div>
      ${rows.length === 0 && html`<div class="table-empty">${empty}</div>`}
    </div>`
}

function cellClass({ key, align }: { readonly key: string; readonly align?: 'right' }): string {
  return `cell cell-${key}${align === 'right' ? ' right' : ''}`
}
