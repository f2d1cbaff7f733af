// What the page knows: one object, changed as a whole and shown anew. Views read it and never change it themselves.

import type {
  FiguresMessage,
  HistoryMessage,
  NamedId,
  OrderRow,
  OrdersMessage,
  Sample,
  SessionMessage,
} from '../messages.ts'
import { useEffect, useState } from './markup.ts'

export type Link = 'connecting' | 'live' | 'lost'

export interface Route {
  readonly view: 'overview' | 'orders' | 'accounts' | 'violations' | 'kill' | 'audit' | 'sessions'
  /** The order or account that is looked at. */
  readonly id: number | undefined
}

export interface Blotter {
  readonly mode: OrdersMessage['mode']
  readonly accounts: readonly NamedId[]
  readonly accountsLeftOut: number
  readonly faults: readonly string[]
  /** The latest first. The same array while no order came or went. */
  readonly rows: readonly OrderRow[]
}

export interface PageState {
  /** Undefined while it is being found out, null where nobody is logged in. */
  readonly session: SessionMessage | null | undefined
  /** Why somebody has to log in again. */
  readonly farewell: string
  readonly link: Link
  readonly figures: FiguresMessage | undefined
  /** Why there are none. */
  readonly figuresMissing: string
  readonly samples: readonly Sample[]
  readonly blotter: Blotter
  readonly route: Route
  readonly helpIsOpen: boolean
  /** Counts changes of the theme, which charts have to be drawn anew for. */
  readonly themes: number
  /** Told to people who do not see it. */
  readonly announcement: string
}

const SAMPLES_MAX = 3_600
/** As the server keeps them. */
const ROWS_MAX = 10_000
const NO_BLOTTER: Blotter = { mode: 'loading', accounts: [], accountsLeftOut: 0, faults: [], rows: [] }

let state: PageState = {
  session: undefined,
  farewell: '',
  link: 'connecting',
  figures: undefined,
  figuresMissing: '',
  samples: [],
  blotter: NO_BLOTTER,
  route: { view: 'overview', id: undefined },
  helpIsOpen: false,
  themes: 0,
  announcement: '',
}
const listeners = new Set<() => void>()

export function current(): PageState {
  return state
}

export function change(part: Partial<PageState>): void {
  state = { ...state, ...part }
  for (const listener of listeners) listener()
}

/** The state, for a view that is shown anew when it changes. */
export function useStore(): PageState {
  const [shown, show] = useState(state)
  useEffect(() => {
    const listener = () => show(state)
    listeners.add(listener)
    listener()
    return () => void listeners.delete(listener)
  }, [])
  return shown
}

export function tookFigures(figures: FiguresMessage): void {
  const samples = [...state.samples, figures.sample].slice(-SAMPLES_MAX)
  change({ figures, samples, link: 'live', figuresMissing: '' })
}

/** The hour that the server remembers; what has come meanwhile follows it. */
export function tookHistory(history: HistoryMessage): void {
  const past = history.timeMs.map((timeMs, at) => {
    const sample: Record<string, number | null> = {}
    for (const [name, column] of Object.entries(history)) sample[name] = column[at] ?? null
    return { ...sample, timeMs } as Sample // all of its columns
  })
  const lastMs = past.at(-1)?.timeMs ?? 0
  const later = state.samples.filter(({ timeMs }) => timeMs > lastMs)
  change({ samples: [...past, ...later].slice(-SAMPLES_MAX) })
}

/** By id, beside the sorted rows. */
let orders = new Map<number, OrderRow>()

export function tookOrders({ isFresh, rows, ...rest }: OrdersMessage): void {
  if (isFresh) orders = new Map()
  for (const row of rows) orders.set(row.id, row)
  const shown = rows.length === 0 && !isFresh ? state.blotter.rows : sorted()
  change({ blotter: { ...rest, rows: shown }, link: 'live' })
}

function sorted(): OrderRow[] {
  const rows = [...orders.values()].sort((a, b) => b.acceptedUs - a.acceptedUs || b.id - a.id)
  for (const { id } of rows.splice(ROWS_MAX)) orders.delete(id)
  return rows
}

export function forgetOrders(): void {
  orders = new Map()
  change({ blotter: NO_BLOTTER })
}

/** Nobody is logged in any more. */
export function loggedOut(farewell: string): void {
  orders = new Map()
  change({
    session: null,
    farewell,
    link: 'connecting',
    figures: undefined,
    samples: [],
    blotter: NO_BLOTTER,
    helpIsOpen: false,
  })
}
