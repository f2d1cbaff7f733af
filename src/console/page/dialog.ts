// Dialogs: the browser's own, which keep the keyboard inside while they are open and give it back afterwards. One kind
// asks for a name to be typed before something is done that cannot be taken back by looking away.

import { type Children, html, type Markup, useEffect, useRef, useState } from './markup.ts'

interface DialogProps {
  readonly title: string
  readonly className?: string
  readonly onClose: () => void
  readonly children?: Children
}

export function Dialog({ title, className = '', onClose, children }: DialogProps): Markup {
  const element = useRef<HTMLDialogElement>(null)
  useEffect(() => {
    const dialog = element.current
    if (dialog === null) return
    const before = document.activeElement
    if (!dialog.open) dialog.showModal()
    return () => {
      dialog.close()
      if (before instanceof HTMLElement && before.isConnected) before.focus()
    }
  }, [])
  const onClick = (event: MouseEvent) => {
    // The backdrop is the dialog's own surface; everything else lies inside its frame.
    if (event.target === element.current) onClose()
  }
  const onCancel = (event: Event) => {
    event.preventDefault()
    onClose()
  }
  return html`
    <dialog ref=${element} class=${className} aria-label=${title} onClick=${onClick} onCancel=${onCancel}>
      <div class="dialog-frame">
        <header class="dialog-head">
          <h2>${title}</h2>
          <button type="button" class="icon-button" aria-label="Close" onClick=${onClose}><${CrossIcon} /></button>
        </header>
        ${children}
      </div>
    </dialog>`
}

export interface Confirmation {
  readonly title: string
  readonly explanation: string
  /** What has to be typed. */
  readonly word: string
  readonly action: string
  readonly isDangerous: boolean
  readonly act: (text: string) => Promise<void>
}

export function ConfirmDialog({
  confirmation,
  onClose,
}: {
  readonly confirmation: Confirmation
  readonly onClose: () => void
}): Markup {
  const { title, explanation, word, action, isDangerous, act } = confirmation
  const [typed, setTyped] = useState('')
  const [text, setText] = useState('')
  const [isUnderWay, setUnderWay] = useState(false)
  const [failure, setFailure] = useState('')
  const onSubmit = async (event: Event) => {
    event.preventDefault()
    if (typed !== word || isUnderWay) return
    setUnderWay(true)
    setFailure('')
    try {
      await act(text)
      onClose()
    } catch (error) {
      setFailure(error instanceof Error ? error.message : String(error))
      setUnderWay(false)
    }
  }
  return html`
    <${Dialog} title=${title} className="confirm" onClose=${onClose}>
      <form onSubmit=${onSubmit}>
        <p>${explanation}</p>
        <label class="field">
          <span>Reason, kept with it</span>
          <input name="reason" maxlength="200" autocomplete="off" value=${text}
            onInput=${(event: InputEvent) => setText(valueIn(event))} />
        </label>
        <label class="field">
          <span>Type <strong class="typed-word">${word}</strong> to confirm</span>
          <input name="confirmation" autocomplete="off" spellcheck=${false} value=${typed}
            onInput=${(event: InputEvent) => setTyped(valueIn(event))} />
        </label>
        <p class="failure" role="alert">${failure}</p>
        <div class="dialog-actions">
          <button type="button" class="button" onClick=${onClose}>Leave it</button>
          <button type="submit" class=${`button ${isDangerous ? 'danger' : 'primary'}`}
            disabled=${typed !== word || isUnderWay}>${isUnderWay ? 'Under way …' : action}</button>
        </div>
      </form>
    <//>`
}

export function valueIn(event: Event): string {
  return (event.target as HTMLInputElement | HTMLSelectElement).value // the listener is on one of these
}

export function CrossIcon(): Markup {
  return html`<svg viewBox="0 0 16 16" class="icon" aria-hidden="true"><path d="M4 4l8 8M12 4l-8 8" /></svg>`
}

export type Tone = 'good' | 'warn' | 'bad' | 'calm'

/** A state as a shape and a word: a circle, a triangle, a square, a ring, so that nobody needs the colour. */
export function State({ tone, children }: { readonly tone: Tone; readonly children?: Children }): Markup {
  return html`
    <span class=${`state ${tone}`}>
      <svg viewBox="0 0 10 10" class="shape" aria-hidden="true">
        ${tone === 'good' && html`<circle cx="5" cy="5" r="4" />`}
        ${tone === 'warn' && html`<path d="M5 .8 9.6 9.2H.4z" />`}
        ${tone === 'bad' && html`<rect x="1" y="1" width="8" height="8" />`}
        ${tone === 'calm' && html`<circle cx="5" cy="5" r="3.2" class="ring" />`}
      </svg>
      <span>${children}</span>
    </span>`
}

/** What stands where there is nothing to show. */
export function Nothing({ title, text }: { readonly title: string; readonly text?: string }): Markup {
  return html`<div class="nothing"><strong>${title}</strong>${text && html`<p>${text}</p>`}</div>`
}
