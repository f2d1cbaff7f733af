// The login.

import { login } from './connection.ts'
import { valueIn } from './dialog.ts'
import { html, type Markup, useEffect, useRef, useState } from './markup.ts'

export function LoginView({ farewell }: { readonly farewell: string }): Markup {
  const [name, setName] = useState('')
  const [password, setPassword] = useState('')
  const [isUnderWay, setUnderWay] = useState(false)
  const [failure, setFailure] = useState('')
  const first = useRef<HTMLInputElement>(null)
  useEffect(() => first.current?.focus(), [])
  const onSubmit = async (event: Event) => {
    event.preventDefault()
    if (isUnderWay) return
    setUnderWay(true)
    setFailure('')
    try {
      await login(name, password)
    } catch (error) {
      setFailure(error instanceof Error ? error.message : String(error))
      setPassword('')
      setUnderWay(false)
    }
  }
  return html`
    <main class="login">
      <form class="panel" onSubmit=${onSubmit} aria-labelledby="login-title">
        <img src="/page/icon.svg" alt="" width="40" height="40" />
        <h1 id="login-title">Order execution server</h1>
        <p class="muted">For administrators and managers of trading groups.</p>
        ${farewell && html`<p class="farewell" role="status">${farewell}</p>`}
        <label class="field"><span>Name</span>
          <input name="name" ref=${first} autocomplete="username" autocapitalize="none" spellcheck=${false} required
            value=${name} onInput=${(event: InputEvent) => setName(valueIn(event))} />
        </label>
        <label class="field"><span>Password</span>
          <input name="password" type="password" autocomplete="current-password" required
            value=${password} onInput=${(event: InputEvent) => setPassword(valueIn(event))} />
        </label>
        <p class="failure" role="alert">${failure}</p>
        <button type="submit" class="button primary" disabled=${isUnderWay}>${isUnderWay ? 'Logging in …' : 'Log in'}</button>
      </form>
    </main>`
}
