// The page's way to the console: requests, and one stream of events that comes back by itself. A stream that falls silent
// counts as lost: figures come every second.

import type { FiguresMessage, HistoryMessage, OrdersMessage, SessionMessage } from '../messages.ts'
import { change, current, forgetOrders, loggedOut, tookFigures, tookHistory, tookOrders } from './store.ts'

/** What the console said when it did not do what was asked. */
export class Refused extends Error {
  readonly status: number

  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

const SILENT_MS_MAX = 6_000
const RETRY_MS_MIN = 500
const RETRY_MS_MAX = 8_000
const REQUEST_MS_MAX = 40_000

/** @throws Refused */
export async function ask<Answer>(path: string, body?: unknown): Promise<Answer> {
  let response: Response
  try {
    response = await fetch(path, {
      method: body === undefined ? 'GET' : 'POST',
      signal: AbortSignal.timeout(REQUEST_MS_MAX),
      headers: {
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        'x-csrf-token': current().session?.csrf ?? '',
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
  } catch {
    throw new Refused(0, 'The console does not answer.')
  }
  const answer: unknown = await response.json().catch(() => ({}))
  if (response.ok) return answer as Answer // what the route of that path tells
  const { error = `The console answered ${response.status}.` } = answer as { error?: string }
  if (response.status === 401 && path !== '/api/login' && current().session) {
    loggedOut('Your session has ended. Log in again to go on.')
  }
  throw new Refused(response.status, error)
}

/** Finds out who is logged in. */
export async function findSession(): Promise<void> {
  try {
    begin(await ask<SessionMessage>('/api/session'))
  } catch (error) {
    if (error instanceof Refused && error.status === 401) return change({ session: null })
    change({ link: 'lost' })
    setTimeout(() => void findSession(), RETRY_MS_MAX / 4)
  }
}

export async function login(name: string, password: string): Promise<void> {
  begin(await ask<SessionMessage>('/api/login', { name, password }))
}

export async function logout(): Promise<void> {
  // Whether it was heard or not, this page is done with it.
  await ask('/api/logout', {}).catch(() => undefined)
  stream.close()
  loggedOut('')
}

function begin(session: SessionMessage): void {
  change({ session, farewell: '', link: 'connecting' })
  stream.open()
}

/** Tells the console whether orders are looked at. */
export function streamOrders(wanted: boolean): void {
  stream.orders(wanted)
}

class Stream {
  #source: EventSource | undefined
  #withOrders = false
  #heardMs = 0
  #retryMs = RETRY_MS_MIN
  #retry: ReturnType<typeof setTimeout> | undefined
  #hasHistory = false

  constructor() {
    setInterval(() => {
      if (this.#source === undefined || Date.now() - this.#heardMs <= SILENT_MS_MAX) return
      this.#lost()
    }, 1_000)
  }

  open(): void {
    clearTimeout(this.#retry)
    this.#source?.close()
    const source = new EventSource(`/api/stream?orders=${this.#withOrders ? 1 : 0}`)
    this.#source = source
    this.#heardMs = Date.now()
    const on = <Message>(name: string, take: (message: Message) => void) =>
      source.addEventListener(name, event => {
        if (this.#source !== source) return
        this.#heard()
        take(JSON.parse(event.data) as Message) // as the console sends it under that name
      })
    on<FiguresMessage>('figures', tookFigures)
    on<{ why: string }>('missing', ({ why }) => change({ figures: undefined, figuresMissing: why, link: 'live' }))
    on<OrdersMessage>('orders', tookOrders)
    source.onerror = () => {
      if (this.#source === source) this.#lost()
    }
  }

  orders(wanted: boolean): void {
    if (wanted === this.#withOrders) return
    this.#withOrders = wanted
    if (!wanted) forgetOrders()
    if (current().session) this.open()
  }

  close(): void {
    clearTimeout(this.#retry)
    this.#source?.close()
    this.#source = undefined
    this.#hasHistory = false
  }

  #heard(): void {
    this.#heardMs = Date.now()
    this.#retryMs = RETRY_MS_MIN
    if (this.#hasHistory) return
    this.#hasHistory = true
    ask<HistoryMessage>('/api/history').then(tookHistory, () => {
      this.#hasHistory = false
    })
  }

  #lost(): void {
    this.#source?.close()
    this.#source = undefined
    // What happened meanwhile is in the console's hour.
    this.#hasHistory = false
    change({ link: 'lost' })
    clearTimeout(this.#retry)
    this.#retry = setTimeout(() => void this.#again(), this.#retryMs)
    this.#retryMs = Math.min(RETRY_MS_MAX, 2 * this.#retryMs)
  }

  async #again(): Promise<void> {
    try {
      const session = await ask<SessionMessage>('/api/session')
      change({ session })
      this.open()
    } catch (error) {
      if (error instanceof Refused && error.status === 401) {
        this.close()
        loggedOut('Your session has ended. Log in again to go on.')
      } else this.#lost()
    }
  }
}

const stream = new Stream()
