// Accounts: what each may commit and has committed, its risk state, its positions; and, for administrators, the change of
// a risk state.

import type { AccountMessage, AccountRow, AccountsMessage } from '../messages.ts'
import { ask, Refused } from './connection.ts'
import { type Confirmation, ConfirmDialog, Dialog, Nothing, State, type Tone, valueIn } from './dialog.ts'
import * as format from './format.ts'
import { html, type Markup, useEffect, useState } from './markup.ts'
import { change, useStore } from './store.ts'

const EVERY_MS = 2_000
const STATES = ['active', 'close orders', 'disabled'] as const

export function AccountsView(): Markup {
  const [find, setFind] = useState('')
  const [offset, setOffset] = useState(0)
  const question = new URLSearchParams({ find, offset: String(offset) })
  const { answer, failure } = useEvery<AccountsMessage>(`/api/accounts?${question}`, EVERY_MS)
  return html`
    <div class="section-head">
      <h1>Accounts</h1>
      <label class="field inline"><span class="visually-hidden">Find by name</span>
        <input type="search" name="find" data-key="filter" placeholder="Find by name" value=${find}
          onInput=${(event: InputEvent) => {
            setFind(valueIn(event))
            setOffset(0)
          }} /></label>
      <span class="muted right">${answer === undefined ? '' : `${format.count(answer.total)} accounts`}</span>
    </div>
    <p class="failure" role="alert">${failure}</p>
    ${answer === undefined && failure === '' && html`<${Nothing} title="Loading accounts …" />`}
    ${answer !== undefined && html`<${AccountTable} answer=${answer} />`}
    ${answer !== undefined && answer.total > answer.rows.length && html`<${Pages} answer=${answer} onGo=${setOffset} />`}`
}

function AccountTable({ answer }: { readonly answer: AccountsMessage }): Markup {
  if (answer.rows.length === 0) return html`<${Nothing} title="No account fits" text="Names contain what was typed." />`
  return html`
    <div class="panel scroll">
      <table class="accounts">
        <thead><tr><th>Account</th><th>Risk state</th><th class="right">Buying power</th><th class="right">Used</th><th>Use</th>
          <th class="right">Open orders</th><th class="right">Positions</th><th class="right">Result, realised</th><th>Currency</th></tr></thead>
        <tbody>
          ${answer.rows.map(
            row => html`
            <tr key=${row.id}>
              <th scope="row"><a href=${`#accounts/${row.id}`}>${row.name}</a></th>
              <td><${RiskState} state=${row.riskState} /></td>
              <td class="right">${format.money(row.buyingPower)}</td>
              <td class="right">${format.money(row.used)}</td>
              <td><${Use} row=${row} /></td>
              <td class="right">${format.count(row.openOrders)}</td>
              <td class="right">${format.count(row.positions)}</td>
              <td class="right">${format.money(row.gross)}</td>
              <td>${row.currency}</td>
            </tr>`,
          )}
        </tbody>
      </table>
    </div>`
}

function Pages({
  answer,
  onGo,
}: {
  readonly answer: AccountsMessage
  readonly onGo: (offset: number) => void
}): Markup {
  const { offset, total, rows } = answer
  const size = Math.max(1, rows.length)
  return html`
    <nav class="pages" aria-label="Pages of accounts">
      <button type="button" class="button" disabled=${offset === 0} onClick=${() => onGo(Math.max(0, offset - 40))}>Back</button>
      <span class="muted">${offset + 1} to ${offset + size} of ${format.count(total)}</span>
      <button type="button" class="button" disabled=${offset + size >= total} onClick=${() => onGo(offset + size)}>On</button>
    </nav>`
}

function Use({ row }: { readonly row: AccountRow }): Markup {
  const share = row.buyingPower <= 0 ? 0 : Math.min(1, row.used / row.buyingPower)
  return html`
    <span class=${`meter${share > 0.9 ? ' bad' : share > 0.75 ? ' warn' : ''}`}>
      <span class="track" aria-hidden="true"><span style=${{ width: `${Math.round(100 * share)}%` }}></span></span>
      <span class="meter-figure">${format.percent(share)}</span>
    </span>`
}

const RISK_TONES: Readonly<Record<string, Tone>> = { active: 'good', 'close orders': 'warn', disabled: 'bad' }

function RiskState({ state }: { readonly state: string }): Markup {
  return html`<${State} tone=${RISK_TONES[state] ?? 'calm'}>${state}<//>`
}

export function AccountView({ id, onClose }: { readonly id: number; readonly onClose: () => void }): Markup {
  const { session } = useStore()
  const { answer, failure } = useEvery<AccountMessage>(`/api/accounts/${id}`, EVERY_MS)
  const [confirmation, confirm] = useState<Confirmation | undefined>(undefined)
  return html`
    <${Dialog} title=${answer === undefined ? 'Account' : `Account ${answer.account.name}`} className="life" onClose=${onClose}>
      ${failure !== '' && html`<p class="failure" role="alert">${failure}</p>`}
      ${answer === undefined && failure === '' && html`<${Nothing} title="Loading …" />`}
      ${answer !== undefined && html`<${AccountDetails} answer=${answer} mayChange=${session?.isAdministrator === true} onConfirm=${confirm} />`}
    <//>
    ${confirmation !== undefined && html`<${ConfirmDialog} confirmation=${confirmation} onClose=${() => confirm(undefined)} />`}`
}

function AccountDetails(props: {
  readonly answer: AccountMessage
  readonly mayChange: boolean
  readonly onConfirm: (confirmation: Confirmation) => void
}): Markup {
  const { answer, mayChange, onConfirm } = props
  const { account, limits, positions, changes } = answer
  const facts: readonly [string, string][] = [
    ['Buying power', `${format.money(account.buyingPower)} ${account.currency}`],
    ['Used', `${format.money(account.used)} ${account.currency}`],
    ['Open orders', format.count(account.openOrders)],
    ['Result, realised', format.money(account.gross)],
    ['Net loss allowed', limits === undefined ? 'not known now' : format.money(limits.netLoss)],
    ['Time to close', limits === undefined ? 'not known now' : format.seconds(limits.transitionSeconds)],
  ]
  const ask = (state: string) => onConfirm(riskStateConfirmation(account, state))
  return html`
    <div class="life-head"><p class="life-status"><${RiskState} state=${account.riskState} /></p><${Use} row=${account} /></div>
    <dl class="facts two">${facts.map(([label, value]) => html`<div key=${label}><dt>${label}</dt><dd>${value}</dd></div>`)}</dl>
    ${
      mayChange &&
      html`<div class="risk-actions" role="group" aria-label="Risk state">
        ${STATES.map(
          state => html`
          <button type="button" key=${state} class=${`button ${state === 'active' ? '' : 'danger quiet'}`}
            disabled=${state === account.riskState} onClick=${() => ask(state)}>
            ${state === 'active' ? 'Activate' : state === 'disabled' ? 'Disable' : 'Close only'}</button>`,
        )}
      </div>`
    }
    <h3>Positions <span class="muted">${positions.length}</span></h3>
    ${positions.length === 0 && html`<p class="muted">Nothing is held, and nothing was traded.</p>`}
    ${
      positions.length > 0 &&
      html`<div class="scroll"><table>
        <thead><tr><th>Ticker</th><th class="right">Quantity</th><th class="right">Average</th><th class="right">Cost</th>
          <th class="right">To buy</th><th class="right">To sell</th><th class="right">Realised</th></tr></thead>
        <tbody>${positions.map(
          position => html`
          <tr key=${position.ticker + position.currency}><th scope="row">${position.ticker}</th>
            <td class="right">${format.quantity(position.quantity)}</td><td class="right">${format.average(position.average)}</td>
            <td class="right">${format.money(position.cost)}</td><td class="right">${format.quantity(position.pendingBuy)}</td>
            <td class="right">${format.quantity(position.pendingSell)}</td><td class="right">${format.money(position.gross - position.fees)}</td></tr>`,
        )}</tbody>
      </table></div>`
    }
    ${
      mayChange &&
      html`<h3>Changes <span class="muted">who, when, what</span></h3>
      ${changes.length === 0 && html`<p class="muted">Nothing was changed.</p>`}
      <ol class="changes">${changes.map(
        ({ timeUs, by, what, before, after }) => html`
        <li key=${timeUs}><span class="step-time">${format.dateTime(timeUs / 1_000)}</span> <strong>${by}</strong>${' '}
          ${`${what} `}<code>${before}</code> to <code>${after}</code></li>`,
      )}</ol>`
    }`
}

const STATE_EXPLANATIONS: Readonly<Record<(typeof STATES)[number], string>> = {
  active: 'The account may trade again within its limits.',
  'close orders': 'From now on only orders that reduce a position are accepted.',
  disabled: 'From now on the account is disabled, as its risk state says to all services.',
}

function riskStateConfirmation(account: AccountRow, state: string): Confirmation {
  const { id, name } = account
  return {
    title: `Risk state of ${name}: ${state}`,
    explanation: STATE_EXPLANATIONS[state as (typeof STATES)[number]], // one of the buttons
    word: name,
    action: state === 'active' ? 'Activate' : state === 'disabled' ? 'Disable' : 'Close only',
    isDangerous: state !== 'active',
    act: async text => {
      await ask('/api/risk-state', { name, state, text, confirmation: name })
      change({ announcement: `The risk state of account ${id} is ${state}.` })
    },
  }
}

/** What a path answers, asked for again and again. What was there stays while a failure lasts. */
export function useEvery<Answer>(path: string, everyMs: number): { answer: Answer | undefined; failure: string } {
  const [answer, setAnswer] = useState<Answer | undefined>(undefined)
  const [failure, setFailure] = useState('')
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined
    let isOver = false
    const load = async () => {
      try {
        const loaded = await ask<Answer>(path)
        if (isOver) return
        setAnswer(loaded)
        setFailure('')
      } catch (error) {
        if (isOver) return
        setFailure(error instanceof Error ? error.message : String(error))
        if (error instanceof Refused && error.status === 404) return
      }
      timer = setTimeout(() => void load(), everyMs)
    }
    void load()
    return () => {
      isOver = true
      clearTimeout(timer)
    }
  }, [path])
  return { answer, failure }
}
