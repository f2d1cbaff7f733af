// A console as a program sees it: requests with the cookie and the second word of a login, and its stream of events.

import type { SessionMessage } from '../../src/console/messages.ts'

const WAIT_MS_MAX = 60_000

export interface Answer<Body> {
  readonly status: number
  readonly body: Body
}

export class ConsoleClient {
  readonly url: string
  readonly session: SessionMessage
  readonly cookie: string
  /** The header that set it. */
  readonly setCookie: string

  private constructor(url: string, session: SessionMessage, setCookie: string) {
    this.url = url
    this.session = session
    this.setCookie = setCookie
    this.cookie = setCookie.split(';', 1)[0]!
  }

  static async login(url: string, name: string, password = name): Promise<ConsoleClient> {
    const response = await postJson(`${url}/api/login`, { name, password })
    if (!response.ok) throw new Error(`${response.status}: ${await response.text()}`)
    return new ConsoleClient(url, (await response.json()) as SessionMessage, response.headers.get('set-cookie')!)
  }

  async get<Body = unknown>(path: string): Promise<Answer<Body>> {
    const response = await fetch(this.url + path, { headers: { cookie: this.cookie } })
    return { status: response.status, body: (await response.json()) as Body }
  }

  async post<Body = { error: string }>(path: string, body: unknown, csrf = this.session.csrf): Promise<Answer<Body>> {
    const response = await postJson(this.url + path, body, { cookie: this.cookie, 'x-csrf-token': csrf })
    return { status: response.status, body: (await response.json()) as Body }
  }

  /** The events of a stream, until the reader leaves or the console ends it. */
  async *stream(withOrders: boolean): AsyncGenerator<{ name: string; data: unknown }, void, undefined> {
    const ending = AbortSignal.timeout(WAIT_MS_MAX)
    const response = await fetch(`${this.url}/api/stream?orders=${withOrders ? 1 : 0}`, {
      headers: { cookie: this.cookie },
      signal: ending,
    })
    let waiting = ''
    for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
      waiting += chunk
      const events = waiting.split('\n\n')
      waiting = events.pop()!
      for (const event of events) {
        const [, name, data] = /^event: (\w+)\ndata: (.*)$/.exec(event) ?? []
        if (name !== undefined) yield { name, data: JSON.parse(data!) }
      }
    }
  }
}

export function postJson(url: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  })
}
