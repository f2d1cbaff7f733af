// The kill switch: what is halted, by whom and why; to halt and to lift, each after its name was typed.

import type { AuditRow, HaltRow } from '../messages.ts'
import { useEvery } from './account-view.ts'
import { AuditTable } from './audit-view.ts'
import { ask } from './connection.ts'
import { type Confirmation, ConfirmDialog, Nothing, State, valueIn } from './dialog.ts'
import * as format from './format.ts'
import { html, type Markup, useState } from './markup.ts'
import { change, useStore } from './store.ts'

const EVERY_MS = 1_000
/** What was done last, as far as it is shown here. */
const LATELY = 12
type Scope = HaltRow['scope']

export function KillView(): Markup {
  const { session } = useStore()
  const { answer: halts, failure } = useEvery<readonly HaltRow[]>('/api/halts', EVERY_MS)
  const { answer: done } = useEvery<readonly AuditRow[]>('/api/audit', EVERY_MS)
  const [confirmation, confirm] = useState<Confirmation | undefined>(undefined)
  const lately = done?.filter(({ what }) => what === 'halt' || what === 'lift').slice(0, LATELY)
  const isAdministrator = session?.isAdministrator === true
  return html`
    <div class="section-head"><h1>Kill switch</h1></div>
    <p class="lead">A halt refuses every new order of its scope at once, and cancels those that are working. It holds over
      restarts, until an administrator lifts it.</p>
    <div class="columns kill-columns">
      <section class="panel" aria-labelledby="halts-title">
        <h3 id="halts-title">In force</h3>
        <p class="failure" role="alert">${failure}</p>
        ${halts === undefined && failure === '' && html`<${Nothing} title="Loading …" />`}
        ${halts?.length === 0 && html`<p class="calm-line"><${State} tone="good">Nothing is halted.<//></p>`}
        <ul class="halts">${halts?.map(
          halt => html`
          <li key=${halt.scope + halt.target}>
            <div><${State} tone="bad"><strong>${nameOf(halt)}</strong><//> <span class="muted">${halt.scope}</span></div>
            <p class="muted">by ${halt.by}, ${format.dateTime(halt.sinceUs / 1_000)}${halt.text && `: ${halt.text}`}</p>
            ${
              isAdministrator &&
              html`<button type="button" class="button lift" aria-label=${`Lift the halt of ${nameOf(halt)}`}
                onClick=${() => confirm(liftOf(halt))}>Lift</button>`
            }
          </li>`,
        )}</ul>
      </section>
      <${HaltForm} isAdministrator=${isAdministrator} groups=${session?.groups ?? []} onConfirm=${confirm} />
    </div>
    ${
      lately !== undefined &&
      lately.length > 0 &&
      html`<div class="kill-columns"><h2>Thrown and lifted at this console</h2><${AuditTable} rows=${lately} /></div>`
    }
    ${confirmation !== undefined && html`<${ConfirmDialog} confirmation=${confirmation} onClose=${() => confirm(undefined)} />`}`
}

function HaltForm(props: {
  readonly isAdministrator: boolean
  readonly groups: readonly { readonly id: number; readonly name: string }[]
  readonly onConfirm: (confirmation: Confirmation) => void
}): Markup {
  const { isAdministrator, groups, onConfirm } = props
  const [scope, setScope] = useState<Scope>('account')
  const [name, setName] = useState('')
  const scopes: readonly Scope[] = isAdministrator
    ? ['account', 'group', 'destination', 'everybody']
    : ['account', 'group']
  const onSubmit = (event: Event) => {
    event.preventDefault()
    const wanted = scope === 'everybody' ? 'everybody' : name.trim()
    if (wanted !== '') onConfirm(haltOf(scope, wanted, () => setName('')))
  }
  return html`
    <form class="panel halt-form" onSubmit=${onSubmit} aria-labelledby="halt-title">
      <h3 id="halt-title">Halt</h3>
      <fieldset class="segments wide"><legend class="visually-hidden">What to halt</legend>
        ${scopes.map(
          each => html`
          <label key=${each}><input type="radio" name="scope" value=${each} checked=${scope === each} onChange=${() => setScope(each)} />
            <span>${each}</span></label>`,
        )}
      </fieldset>
      ${
        scope === 'everybody'
          ? html`<p class="muted">Every account, on every destination.</p>`
          : scope === 'group'
            ? html`<label class="field"><span>Trading group</span>
              <select name="name" value=${name} onChange=${(event: Event) => setName(valueIn(event))}>
                <option value="">choose</option>${groups.map(({ id, name }) => html`<option key=${id}>${name}</option>`)}
              </select></label>`
            : html`<label class="field"><span>${scope === 'account' ? 'Account' : 'Destination'}</span>
              <input name="name" autocomplete="off" spellcheck=${false} value=${name}
                onInput=${(event: InputEvent) => setName(valueIn(event))} /></label>`
      }
      <button type="submit" class="button danger" disabled=${scope !== 'everybody' && name.trim() === ''}>Halt …</button>
    </form>`
}

function nameOf({ scope, name, target }: HaltRow): string {
  return scope === 'everybody' ? 'everybody' : name || String(target)
}

function haltOf(scope: Scope, name: string, onDone: () => void): Confirmation {
  return {
    title: `Halt ${scope === 'everybody' ? '' : `${scope} `}${name}`,
    explanation: 'New orders are refused from the moment the server reads this, and working ones are canceled.',
    word: name,
    action: 'Halt',
    isDangerous: true,
    act: async text => {
      const { canceled } = await ask<{ canceled: number }>('/api/halt', { scope, name, text, confirmation: name })
      onDone()
      change({ announcement: `Trading is halted for ${name}; ${canceled} working orders were canceled.` })
    },
  }
}

function liftOf(halt: HaltRow): Confirmation {
  const name = nameOf(halt)
  return {
    title: `Lift the halt of ${name}`,
    explanation: 'New orders pass again. What was canceled stays canceled.',
    word: name,
    action: 'Lift',
    isDangerous: false,
    act: async text => {
      await ask('/api/lift', { scope: halt.scope, name, text, confirmation: name })
      change({ announcement: `Trading goes on for ${name}.` })
    },
  }
}
