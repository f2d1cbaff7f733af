// What the console answers, in the order of its page: files for everybody, a login, and behind it what the person may see
// and do. Everything that changes something asks for the name of what it changes once more, and is noted.

import type { HaltTarget } from '../client/index.ts'
import type { AuditTrail } from './audit-trail.ts'
import { type Desk, refusalOf, riskStateOf } from './desk.ts'
import type { Figures } from './figures.ts'
import { type EventPush, type Exchange, HttpRefusal, type HttpRoute } from './http-port.ts'
import type { AccountsMessage, SessionMessage } from './messages.ts'
import { lifeOf } from './order-rows.ts'
import type { PageFiles } from './page-files.ts'
import type { ConsoleSession, Sessions } from './sessions.ts'

export interface RoutesParts {
  readonly files: PageFiles
  readonly figures: Figures
  readonly sessions: Sessions
  readonly audit: AuditTrail
}

/** How often a page is told of orders that changed. */
const ORDERS_EVERY_MS = 250
const ACCOUNTS_PER_PAGE = 40
const STREAMS_PER_SESSION_MAX = 8
const TEXT_LENGTH_MAX = 200
/** A halt is answered when every shard has been through its orders. */
const HALT_MS_MAX = 15_000

export function consoleRoutes(parts: RoutesParts): readonly HttpRoute[] {
  const { figures, sessions, audit } = parts
  const get = (path: string, serve: (exchange: Exchange, session: ConsoleSession) => Promise<void> | void): HttpRoute =>
    behindLogin('GET', path, sessions, serve)
  const post = (path: string, serve: (exchange: Exchange, session: ConsoleSession) => Promise<void>): HttpRoute =>
    behindLogin('POST', path, sessions, serve)
  return [
    ...fileRoutes(parts.files),
    {
      method: 'POST',
      path: '/api/login',
      serve: async exchange => {
        const { name, password } = record(await exchange.body())
        const { session, cookie } = await sessions.login(name, password)
        audit.note({ who: session.desk.name, what: 'login', about: '', text: '', outcome: 'done' })
        exchange.json(200, sessionMessage(session), { 'set-cookie': cookie })
      },
    },
    post('/api/logout', async (exchange, session) => {
      audit.note({ who: session.desk.name, what: 'logout', about: '', text: '', outcome: 'done' })
      exchange.json(200, {}, { 'set-cookie': sessions.logout(session) })
    }),
    get('/api/session', (exchange, session) => exchange.json(200, sessionMessage(session))),
    get('/api/history', exchange => exchange.json(200, figures.history())),
    get('/api/stream', (exchange, session) => openStream(exchange, session, figures)),
    get('/api/orders/*', async (exchange, { desk }) => {
      const id = whole(exchange.rest)
      const order = await desk.client.load(id)
      if (order === undefined) throw new HttpRefusal(404, `There is no order ${id}, or it may not be seen.`)
      await desk.accounts()
      exchange.json(200, lifeOf(order, desk.nameOf(order.accepted.account), figures.latest?.stages ?? []))
    }),
    post('/api/follow', async (exchange, { desk, blotter }) => {
      const account = await accountNamed(desk, record(await exchange.body()).name)
      blotter.follow(account)
      exchange.json(200, account)
    }),
    get('/api/accounts', async (exchange, { desk }) => exchange.json(200, await accountsPage(desk, exchange.question))),
    get('/api/accounts/*', async (exchange, { desk }) => exchange.json(200, await desk.account(whole(exchange.rest)))),
    get('/api/violations', async (exchange, { desk }) => exchange.json(200, await desk.violations())),
    get('/api/sessions', async (exchange, { desk }) => exchange.json(200, await desk.sessions())),
    get('/api/halts', async (exchange, { desk }) => exchange.json(200, await desk.halts())),
    post('/api/halt', async (exchange, session) => {
      const request = record(await exchange.body())
      const { target, name } = await targetOf(session.desk, request)
      confirmed(request, name)
      const canceled = await noted(audit, session, 'halt', name, textOf(request), async text => {
        const count = await session.desk.client.halt(target, { text, deadlineMs: HALT_MS_MAX })
        return [count, `${count} working orders canceled`]
      })
      exchange.json(200, { canceled })
    }),
    post('/api/lift', async (exchange, session) => {
      const request = record(await exchange.body())
      const { target, name } = await targetOf(session.desk, request)
      confirmed(request, name)
      await noted(audit, session, 'lift', name, textOf(request), async text => {
        await session.desk.client.lift(target, { text, deadlineMs: HALT_MS_MAX })
        return [undefined, 'done']
      })
      exchange.json(200, {})
    }),
    post('/api/risk-state', async (exchange, session) => {
      const request = record(await exchange.body())
      const account = await accountNamed(session.desk, request.name)
      const type = riskStateOf(request.state)
      if (type === undefined) throw new HttpRefusal(400, 'There is no such risk state.')
      confirmed(request, account.name)
      await noted(audit, session, `risk state: ${request.state}`, account.name, textOf(request), async () => {
        await session.desk.storeRiskState(account.id, type)
        return [undefined, 'done']
      })
      exchange.json(200, {})
    }),
    get('/api/audit', (exchange, { desk }) =>
      exchange.json(200, audit.rows(desk.isAdministrator ? undefined : desk.name)),
    ),
  ]
}

function fileRoutes(files: PageFiles): HttpRoute[] {
  return [...files.paths].map(path => ({
    method: 'GET',
    path,
    serve: exchange => {
      const file = files.at(path)!
      const headers = { etag: file.etag, 'cache-control': 'no-cache', vary: 'accept-encoding' }
      if (exchange.header('if-none-match') === file.etag) return exchange.reply(304, file.type, '', headers)
      const isGzip = /\bgzip\b/.test(exchange.header('accept-encoding') ?? '')
      if (isGzip) exchange.reply(200, file.type, file.gzip, { ...headers, 'content-encoding': 'gzip' })
      else exchange.reply(200, file.type, file.bytes, headers)
    },
  }))
}

function behindLogin(
  method: HttpRoute['method'],
  path: string,
  sessions: Sessions,
  serve: (exchange: Exchange, session: ConsoleSession) => Promise<void> | void,
): HttpRoute {
  return {
    method,
    path,
    serve: async exchange => {
      const session = sessions.of(exchange)
      try {
        await serve(exchange, session)
      } catch (error) {
        throw refusalOf(error)
      }
    },
  }
}

/** Figures each second, and orders as they change, where the page shows them. */
function openStream(exchange: Exchange, session: ConsoleSession, figures: Figures): void {
  if (session.streams.size >= STREAMS_PER_SESSION_MAX) {
    throw new HttpRefusal(429, `There are ${STREAMS_PER_SESSION_MAX} pages of this session open already.`)
  }
  const push = exchange.stream()
  const end = () => push.end()
  session.streams.add(end)
  const sendFigures = () => {
    if (!push.hasRoom) return
    if (figures.latest === undefined) push.send('missing', { why: figures.why })
    else push.send('figures', figures.latest)
  }
  const forget = figures.listen(sendFigures)
  sendFigures()
  const stopOrders = exchange.question.get('orders') === '1' ? sendOrders(push, session) : () => {}
  push.onClose(() => {
    forget()
    stopOrders()
    session.streams.delete(end)
  })
}

function sendOrders(push: EventPush, { blotter }: ConsoleSession): () => void {
  const view = blotter.open()
  const timer = setInterval(() => {
    if (!push.hasRoom) return
    const message = view.take()
    if (message !== undefined) push.send('orders', message)
  }, ORDERS_EVERY_MS)
  return () => {
    clearInterval(timer)
    blotter.close(view)
  }
}

function sessionMessage({ desk, csrf, expiresMs }: ConsoleSession): SessionMessage {
  const { account, server, durability } = desk.client.session
  const { name, isAdministrator, groups } = desk
  return { name, account, isAdministrator, groups, csrf, expiresMs, server, durability }
}

async function accountsPage(desk: Desk, question: URLSearchParams): Promise<AccountsMessage> {
  const all = await desk.accounts()
  const wanted = (question.get('find') ?? '').toLowerCase()
  const found = wanted === '' ? all : all.filter(({ name }) => name.toLowerCase().includes(wanted))
  const offset = Math.min(whole(question.get('offset') ?? '0'), Math.max(0, found.length - 1))
  const rows = await desk.accountRows(found.slice(offset, offset + ACCOUNTS_PER_PAGE))
  return { rows, total: found.length, offset }
}

/** What a request is about, and by which name. @throws HttpRefusal */
async function targetOf(
  desk: Desk,
  { scope, name }: Readonly<Record<string, unknown>>,
): Promise<{ target: HaltTarget; name: string }> {
  if (scope === 'everybody') return { target: 'everybody', name: 'everybody' }
  if (typeof name !== 'string' || name === '') throw new HttpRefusal(400, 'It has to be said by name what is meant.')
  if (scope === 'account') return { target: { account: (await accountNamed(desk, name)).id }, name }
  if (scope === 'destination') return { target: { destination: name }, name }
  if (scope !== 'group') throw new HttpRefusal(400, 'Accounts, groups, destinations and everybody can be halted.')
  const group = await desk.client.findGroup(name)
  if (group === undefined) throw new HttpRefusal(404, `There is no trading group ${name}.`)
  return { target: { group: group.id }, name }
}

async function accountNamed(desk: Desk, name: unknown): Promise<{ id: number; name: string }> {
  if (typeof name !== 'string' || name === '') throw new HttpRefusal(400, 'The account has to be named.')
  const account = await desk.client.findAccount(name)
  if (account === undefined) throw new HttpRefusal(404, `There is no account ${name}, or it may not be seen.`)
  return account
}

/** @throws HttpRefusal where the name was not typed once more. */
function confirmed({ confirmation }: Readonly<Record<string, unknown>>, name: string): void {
  if (confirmation !== name) throw new HttpRefusal(400, `Type ${name} to confirm.`)
}

/** Does something that is to be remembered, whatever comes of it. */
async function noted<Result>(
  audit: AuditTrail,
  { desk }: ConsoleSession,
  what: string,
  about: string,
  text: string,
  act: (text: string) => Promise<[result: Result, outcome: string]>,
): Promise<Result> {
  try {
    const [result, outcome] = await act(text)
    audit.note({ who: desk.name, what, about, text, outcome })
    return result
  } catch (error) {
    audit.note({ who: desk.name, what, about, text, outcome: error instanceof Error ? error.message : String(error) })
    throw error
  }
}

function textOf({ text }: Readonly<Record<string, unknown>>): string {
  if (text === undefined) return ''
  if (typeof text === 'string' && text.length <= TEXT_LENGTH_MAX) return text
  throw new HttpRefusal(400, `The reason has at most ${TEXT_LENGTH_MAX} characters.`)
}

function record(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown> // as looked at
  throw new HttpRefusal(400, 'The body is no object.')
}

/** @throws HttpRefusal */
function whole(text: string): number {
  const number = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN
  if (!Number.isSafeInteger(number)) throw new HttpRefusal(400, `${text.slice(0, 40)} is no number.`)
  return number
}
