// Who is logged in at the console: a cookie that no script can read names the session, and every change has to carry a
// second word that only a page of this place could read. Sessions end by a logout, after a time, and when nobody uses
// them; the names and passwords they were opened with end with them.

import { randomBytes, timingSafeEqual } from 'node:crypto'
import { Blotter, type ServerLoad } from './blotter.ts'
import { Desk, type DeskPlaces } from './desk.ts'
import { type Exchange, HttpRefusal } from './http-port.ts'

export interface SessionLimits {
  readonly sessionsMax: number
  /** How long a session may last, and how long it may go unused. */
  readonly sessionMs: number
  readonly idleMs: number
  /** The cookie travels over TLS alone. */
  readonly isSecure: boolean
}

export interface ConsoleSession {
  readonly id: string
  readonly csrf: string
  readonly desk: Desk
  readonly blotter: Blotter
  readonly expiresMs: number
  usedMs: number
  /** Streams that are open; each is ended with the session. */
  readonly streams: Set<() => void>
}

/** Logins that may be under way at once, and in a minute: the locator slows down names, this slows down everybody. */
const LOGINS_AT_ONCE_MAX = 4
const LOGINS_PER_MINUTE_MAX = 60
const LOOK_EVERY_MS = 1_000
const TOKEN_BYTES = 32
const NAME_BYTES_MAX = 256

export class Sessions {
  readonly #limits: SessionLimits
  readonly #places: DeskPlaces
  readonly #serverLoad: () => ServerLoad
  readonly #sessions = new Map<string, ConsoleSession>()
  readonly #looking: NodeJS.Timeout
  readonly #cookie: string
  #loginsUnderWay = 0
  #minuteBegan = 0
  #loginsInMinute = 0

  constructor(limits: SessionLimits, places: DeskPlaces, serverLoad: () => ServerLoad) {
    this.#limits = limits
    this.#places = places
    this.#serverLoad = serverLoad
    this.#cookie = limits.isSecure ? '__Host-oes_console' : 'oes_console'
    this.#looking = setInterval(() => this.#expire(), LOOK_EVERY_MS).unref()
  }

  /** @throws HttpRefusal */
  async login(name: unknown, password: unknown): Promise<{ session: ConsoleSession; cookie: string }> {
    if (!isWord(name) || !isWord(password)) throw new HttpRefusal(400, 'A name and a password are needed.')
    if (this.#sessions.size >= this.#limits.sessionsMax) {
      throw new HttpRefusal(
        503,
        `There are ${this.#limits.sessionsMax} sessions already; console.sessions_max decides.`,
      )
    }
    this.#countLogin()
    this.#loginsUnderWay += 1
    try {
      const desk = await Desk.open(this.#places, name, password)
      const id = token()
      const session: ConsoleSession = {
        id,
        csrf: token(),
        desk,
        blotter: new Blotter(desk, { serverLoad: this.#serverLoad }),
        expiresMs: Date.now() + this.#limits.sessionMs,
        usedMs: Date.now(),
        streams: new Set(),
      }
      this.#sessions.set(id, session)
      desk.onEnded = () => this.#end(session)
      return { session, cookie: this.#setCookie(id, Math.floor(this.#limits.sessionMs / 1_000)) }
    } finally {
      this.#loginsUnderWay -= 1
    }
  }

  /** The session of a request. @throws HttpRefusal 401 where there is none, 403 where a change does not prove its page */
  of(exchange: Exchange): ConsoleSession {
    const session = this.#sessions.get(cookieOf(exchange.header('cookie') ?? '', this.#cookie))
    if (session === undefined) throw new HttpRefusal(401, 'Nobody is logged in.')
    if (exchange.isChange && !isSame(exchange.header('x-csrf-token') ?? '', session.csrf)) {
      throw new HttpRefusal(403, 'The request does not come from a page of this console.')
    }
    session.usedMs = Date.now()
    return session
  }

  /** @returns the cookie that takes the one of the session away. */
  logout(session: ConsoleSession): string {
    this.#end(session)
    return this.#setCookie('', 0)
  }

  close(): void {
    clearInterval(this.#looking)
    for (const session of this.#sessions.values()) this.#end(session)
  }

  #countLogin(): void {
    const minute = Math.floor(performance.now() / 60_000)
    if (minute !== this.#minuteBegan) {
      this.#minuteBegan = minute
      this.#loginsInMinute = 0
    }
    this.#loginsInMinute += 1
    if (this.#loginsUnderWay >= LOGINS_AT_ONCE_MAX || this.#loginsInMinute > LOGINS_PER_MINUTE_MAX) {
      throw new HttpRefusal(429, 'Too many logins at once; try again in a moment.')
    }
  }

  #expire(): void {
    const now = Date.now()
    for (const session of this.#sessions.values()) {
      // Whoever looks on uses it.
      if (session.streams.size > 0) session.usedMs = now
      if (now >= session.expiresMs || now - session.usedMs > this.#limits.idleMs) this.#end(session)
    }
  }

  #end(session: ConsoleSession): void {
    this.#sessions.delete(session.id)
    for (const end of session.streams) end()
    session.blotter.dispose()
    session.desk.close()
  }

  #setCookie(value: string, seconds: number): string {
    const secure = this.#limits.isSecure ? '; Secure' : ''
    return `${this.#cookie}=${value}; Path=/; Max-Age=${seconds}; HttpOnly; SameSite=Strict${secure}`
  }
}

function isWord(value: unknown): value is string {
  return typeof value === 'string' && value.length > 0 && Buffer.byteLength(value) <= NAME_BYTES_MAX
}

function token(): string {
  return randomBytes(TOKEN_BYTES).toString('base64url')
}

function cookieOf(header: string, name: string): string {
  for (const part of header.split(';')) {
    const [key, value = ''] = part.trim().split('=', 2)
    if (key === name) return value
  }
  return ''
}

function isSame(given: string, expected: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(expected)]
  return a.length === b.length && timingSafeEqual(a, b)
}
