// The page as a whole: who is logged in, which view is shown, the keys that work everywhere.

import { AccountsView, AccountView } from './account-view.ts'
import { AuditView } from './audit-view.ts'
import { BlotterView } from './blotter-view.ts'
import { findSession, logout, streamOrders } from './connection.ts'
import { Dialog, State, type Tone } from './dialog.ts'
import { KillView } from './kill-view.ts'
import { LifeView } from './life-view.ts'
import { LoginView } from './login-view.ts'
import { html, type Markup, render, useEffect } from './markup.ts'
import { Overview } from './overview.ts'
import { SessionsView } from './sessions-view.ts'
import { change, current, type PageState, type Route, useStore } from './store.ts'
import { followTheme, switchTheme, theme } from './theme.ts'
import { ViolationsView } from './violations-view.ts'

const VIEWS = [
  { view: 'overview', title: 'Overview', show: Overview },
  { view: 'orders', title: 'Orders', show: BlotterView },
  { view: 'accounts', title: 'Accounts', show: AccountsView },
  { view: 'violations', title: 'Violations', show: ViolationsView },
  { view: 'kill', title: 'Kill switch', show: KillView },
  { view: 'audit', title: 'Audit', show: AuditView },
  { view: 'sessions', title: 'Sessions', show: SessionsView },
] as const

const KEYS: readonly [key: string, what: string][] = [
  ['1 … 7', 'Go to a view'],
  ['/', 'Go to the filter of the view'],
  ['↑ ↓ PgUp PgDn Home End', 'Move through the orders'],
  ['Enter', 'Open the order'],
  ['Esc', 'Close what is open; leave a field'],
  ['T', 'Light or dark'],
  ['?', 'These keys'],
]

function Page(): Markup {
  const state = useStore()
  const { session, route, helpIsOpen, farewell, link, announcement } = state
  useEffect(() => streamOrders(route.view === 'orders'), [route.view])
  if (session === undefined) {
    return html`<main class="login"><p class="muted" role="status">${link === 'lost' ? 'The console does not answer; trying again …' : 'Loading …'}</p></main>`
  }
  if (session === null) return html`<${LoginView} farewell=${farewell} />`
  const { show } = VIEWS.find(({ view }) => view === route.view) ?? VIEWS[0]
  return html`
    <a class="skip" href="#main" onClick=${focusMain}>To the content</a>
    <${Head} state=${state} />
    ${link === 'lost' && html`<p class="lost" role="alert">The console does not answer. What is shown may be old; it comes back by itself.</p>`}
    <main id="main" tabindex="-1" class=${`view view-${route.view}`}><${show} /></main>
    <p class="announcement" role="status" aria-live="polite">${announcement}</p>
    ${route.view === 'orders' && route.id !== undefined && html`<${LifeView} id=${route.id} key=${route.id} onClose=${() => go('orders')} />`}
    ${route.view === 'accounts' && route.id !== undefined && html`<${AccountView} id=${route.id} key=${route.id} onClose=${() => go('accounts')} />`}
    ${helpIsOpen && html`<${Help} />`}`
}

function Head({ state }: { readonly state: PageState }): Markup {
  const { route, session } = state
  return html`
    <header class="head">
      <a class="brand" href="#overview" aria-label="Order execution server, overview"><img src="/page/icon.svg" alt="" width="24" height="24" /><span>OES</span></a>
      <nav aria-label="Views">
        ${VIEWS.map(
          ({ view, title }, place) => html`
          <a key=${view} href=${`#${view}`} aria-current=${route.view === view ? 'page' : undefined}
            title=${`Key ${place + 1}`}>${title}</a>`,
        )}
      </nav>
      <div class="head-right">
        <${Health} state=${state} />
        <span class="who">${session?.name}</span>
        <button type="button" class="icon-button" aria-label="Keys" title="Keys (?)" onClick=${() => change({ helpIsOpen: true })}>
          <svg viewBox="0 0 16 16" class="icon" aria-hidden="true"><path d="M5.7 6a2.3 2.3 0 1 1 3.3 2c-.7.4-1 .8-1 1.6M8 12.2v.3" /></svg></button>
        <button type="button" class="icon-button" aria-label=${theme() === 'dark' ? 'Light' : 'Dark'} title="Light or dark (T)" onClick=${changeTheme}>
          <svg viewBox="0 0 16 16" class="icon" aria-hidden="true"><path d="M13 9.6A5.5 5.5 0 0 1 6.4 3 5.5 5.5 0 1 0 13 9.6z" /></svg></button>
        <button type="button" class="button small" onClick=${() => void logout()}>Log out</button>
      </div>
    </header>`
}

function Health({ state }: { readonly state: PageState }): Markup {
  const [tone, text] = healthOf(state)
  return html`<span class="health"><${State} tone=${tone}>${text}<//></span>`
}

function healthOf({ link, figures, figuresMissing }: PageState): [tone: Tone, text: string] {
  if (link === 'connecting') return ['calm', 'connecting']
  if (link === 'lost') return ['bad', 'disconnected']
  if (figures === undefined) return ['calm', figuresMissing === '' ? 'connecting' : 'no figures']
  if (!figures.isReady) return ['bad', figures.stage]
  if (figures.degraded.length === 0) return ['good', figures.stage]
  return ['warn', figures.degraded.some(({ part }) => part === 'halt') ? 'halted' : 'degraded']
}

function Help(): Markup {
  return html`
    <${Dialog} title="Keys" className="help" onClose=${() => change({ helpIsOpen: false })}>
      <dl class="keys">${KEYS.map(([key, what]) => html`<div key=${key}><dt>${key.split(' ').map(part => (part === '…' ? ' … ' : html`<kbd>${part}</kbd>`))}</dt><dd>${what}</dd></div>`)}</dl>
    <//>`
}

function focusMain(event: Event): void {
  event.preventDefault()
  document.getElementById('main')?.focus()
}

function changeTheme(): void {
  switchTheme()
  change({ themes: current().themes + 1 })
}

function go(view: Route['view']): void {
  location.hash = view
}

function routeOf(hash: string): Route {
  const [word = '', id = ''] = hash.replace(/^#/, '').split('/')
  const found = VIEWS.find(({ view }) => view === word)
  return { view: found?.view ?? 'overview', id: /^\d+$/.test(id) ? Number(id) : undefined }
}

function onKey(event: KeyboardEvent): void {
  if (event.ctrlKey || event.metaKey || event.altKey || !current().session) return
  const field = event.target instanceof HTMLElement ? event.target.closest('input, select, textarea') : null
  if (field instanceof HTMLElement && event.key === 'Escape' && field.closest('dialog') === null) return field.blur()
  if (field !== null || document.querySelector('dialog[open]') !== null) return
  const view = VIEWS[Number(event.key) - 1]
  if (view !== undefined) go(view.view)
  else if (event.key === '?') change({ helpIsOpen: true })
  else if (event.key === 't' || event.key === 'T') changeTheme()
  else if (event.key === '/') document.querySelector<HTMLElement>('[data-key="filter"]')?.focus()
  else return
  event.preventDefault()
}

followTheme(() => change({ themes: current().themes + 1 }))
addEventListener('hashchange', () => change({ route: routeOf(location.hash) }))
addEventListener('keydown', onKey)
change({ route: routeOf(location.hash) })
render(html`<${Page} />`, document.getElementById('page')!)
void findSession()
