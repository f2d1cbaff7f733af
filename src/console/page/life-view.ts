// The whole life of one order: what was asked for, what each check said, every report with its time, and how long the
// server's stages took meanwhile. It is asked for anew while the order is live.

import type { LifeMessage, LifeStep, Verdict } from '../messages.ts'
import { statusOf } from './blotter-view.ts'
import { ask } from './connection.ts'
import { Dialog, Nothing, State, type Tone } from './dialog.ts'
import * as format from './format.ts'
import { html, type Markup, useEffect, useState } from './markup.ts'

const AGAIN_MS = 1_000

export function LifeView({ id, onClose }: { readonly id: number; readonly onClose: () => void }): Markup {
  const [life, setLife] = useState<LifeMessage | undefined>(undefined)
  const [failure, setFailure] = useState('')
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined
    let isOver = false
    const load = async () => {
      try {
        const loaded = await ask<LifeMessage>(`/api/orders/${id}`)
        if (isOver) return
        setLife(loaded)
        setFailure('')
        if (!loaded.order.isTerminal) timer = setTimeout(() => void load(), AGAIN_MS)
      } catch (error) {
        if (!isOver) setFailure(error instanceof Error ? error.message : String(error))
      }
    }
    setLife(undefined)
    setFailure('')
    void load()
    return () => {
      isOver = true
      clearTimeout(timer)
    }
  }, [id])
  return html`
    <${Dialog} title=${`Order ${id}`} className="life" onClose=${onClose}>
      ${failure !== '' && html`<p class="failure" role="alert">${failure}</p>`}
      ${life === undefined && failure === '' && html`<${Nothing} title="Loading …" />`}
      ${life !== undefined && html`<${Life} life=${life} />`}
    <//>`
}

function Life({ life }: { readonly life: LifeMessage }): Markup {
  const { order } = life
  const facts: readonly [string, string][] = [
    ['Account', order.accountName],
    ['Destination', order.destination],
    ['Time in force', order.timeInForce],
    ['Client order id', order.clOrdId || '–'],
    ['Currency', life.currency],
    ['Held per share', life.holdPrice === 0 ? '–' : format.price(life.holdPrice)],
    ['Place', `order ${format.count(life.orderSequence)}, report ${format.count(life.reportSequence)}`],
    ['Sold short', life.isShort ? 'yes' : 'no'],
  ]
  const share = order.quantity === 0 ? 0 : order.done / order.quantity
  return html`
    <div class="life-head">
      <p class="life-title">
        <span class=${`side ${order.side === 'buy' ? 'buy' : 'sell'}`}>${order.side}</span>
        <strong>${format.quantity(order.quantity)} ${order.ticker}</strong>
        <span>${order.type}${order.price === 0 ? '' : ` at ${format.price(order.price)}`}</span>
      </p>
      <p class="life-status">${statusOf(order.status)}</p>
    </div>
    <div class="done">
      <span class="track" aria-hidden="true"><span style=${{ width: `${100 * share}%` }}></span></span>
      <span>${format.quantity(order.done)} done${order.done > 0 ? ` at ${format.average(order.average)}` : ''}, ${format.quantity(order.open)} open</span>
    </div>
    <dl class="facts two">${facts.map(([label, value]) => html`<div key=${label}><dt>${label}</dt><dd>${value}</dd></div>`)}</dl>
    <h3>Checks</h3>
    <ol class="verdicts">${life.verdicts.map(verdict => html`<${VerdictRow} verdict=${verdict} key=${verdict.name} />`)}</ol>
    <h3>Reports <span class="muted">${life.steps.length}</span></h3>
    <ol class="steps">${life.steps.map(step => html`<${Step} step=${step} key=${step.sequence} />`)}</ol>
    <h3>Stages of the server <span class="muted">last 10 s, all orders</span></h3>
    <div class="scroll">
      <table>
        <thead><tr><th>Stage</th><th class="about">from, until</th><th class="right">Median</th><th class="right">99 %</th></tr></thead>
        <tbody>
          ${life.stages.map(
            ({ name, about, p50Us, p99Us }) => html`
            <tr key=${name}><th scope="row">${name}</th><td class="muted about">${about}</td>
              <td class="right">${format.latency(p50Us)}</td><td class="right">${format.latency(p99Us)}</td></tr>`,
          )}
        </tbody>
      </table>
    </div>`
}

const VERDICT_TONES: Readonly<Record<Verdict['verdict'], Tone>> = {
  passed: 'good',
  refused: 'bad',
  'not reached': 'calm',
  unknown: 'calm',
}

function VerdictRow({ verdict: { name, verdict, why } }: { readonly verdict: Verdict }): Markup {
  return html`
    <li>
      <span class="verdict-name">${name}</span>
      <${State} tone=${VERDICT_TONES[verdict]}>${verdict}<//>
      ${why && html`<span class="verdict-why">${why}</span>`}
    </li>`
}

function Step({ step }: { readonly step: LifeStep }): Markup {
  const { lastQty, lastPx, replace, market, text, reason, fees, operator } = step
  return html`
    <li class="step">
      <span class="step-time">${format.clockUs(step.timeUs)}</span>
      <span class="step-after">${step.sequence === 0 ? '' : `+${format.latency(step.afterUs)}`}</span>
      <span class="step-status">${statusOf(step.status)}</span>
      <span class="step-what">
        ${lastQty > 0 && html`<span><strong>${format.quantity(lastQty)}</strong> at <strong>${format.price(lastPx)}</strong>${market && ` on ${market}`}</span>`}
        ${replace && html`<span><strong>${format.quantity(replace.quantity)}</strong>${replace.price === 0 ? '' : html` at <strong>${format.price(replace.price)}</strong>`}</span>`}
        ${fees !== 0 && html`<span class="muted"> fees ${format.money(fees)}</span>`}
        ${reason && html`<span class=${`reason${step.status === 'rejected' ? ' bad' : ''}`}>${reason}</span>`}
        ${text && html`<span class="muted"> ${text}</span>`}
        ${operator !== 0 && html`<span class="muted"> by hand, operator ${operator}</span>`}
      </span>
      <span class="step-open">${format.quantity(step.done)} done · ${format.quantity(step.open)} open</span>
    </li>`
}
