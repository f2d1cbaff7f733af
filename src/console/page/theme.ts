// Light or dark: what the system asks for, until somebody chooses; the choice is kept by the browser.

export type Theme = 'light' | 'dark'

const KEY = 'oes-theme'
const system = matchMedia('(prefers-color-scheme: dark)')

export function theme(): Theme {
  const chosen = localStorage.getItem(KEY)
  if (chosen === 'light' || chosen === 'dark') return chosen
  return system.matches ? 'dark' : 'light'
}

/** Shows the theme, and goes on following the system. `onChange` is told each time it has changed. */
export function followTheme(onChange: () => void): void {
  const show = () => {
    document.documentElement.dataset.theme = theme()
    onChange()
  }
  system.addEventListener('change', show)
  show()
}

export function switchTheme(): void {
  localStorage.setItem(KEY, theme() === 'dark' ? 'light' : 'dark')
  document.documentElement.dataset.theme = theme()
}

/** A colour of the style sheet. */
export function colour(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim()
}
