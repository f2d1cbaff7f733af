// A real browser for tests of the console: the system's Chromium, driven through playwright-core, in a folder of its own.
// Whatever a page complains of is kept: a test that ends with a complaint has failed.

import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { type BrowserContext, chromium, type Page } from 'playwright-core'

export type { Page } from 'playwright-core'

const CHROMIUM = process.env.OES_CHROMIUM ?? '/usr/bin/chromium'
/** Long enough for a busy machine; whoever waits longer is told what for. */
const WAIT_MS_MAX = 60_000

export interface View {
  readonly width: number
  readonly height: number
  readonly colorScheme?: 'light' | 'dark'
}

export class Browser {
  readonly #context: BrowserContext
  readonly #folder: string
  /** Errors of scripts, of the console, and of requests that failed. */
  readonly complaints: string[] = []

  private constructor(context: BrowserContext, folder: string) {
    this.#context = context
    this.#folder = folder
  }

  static async open({ width, height, colorScheme = 'light' }: View): Promise<Browser> {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'oes-browser-'))
    const context = await chromium.launchPersistentContext(folder, {
      executablePath: CHROMIUM,
      headless: true,
      viewport: { width, height },
      colorScheme,
      reducedMotion: 'reduce',
      timeout: WAIT_MS_MAX,
      args: [
        '--no-sandbox',
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
      ],
    })
    context.setDefaultTimeout(WAIT_MS_MAX)
    return new Browser(context, folder)
  }

  /** A page at an address; its complaints are kept, but for answers with one of `expected` statuses. */
  async page(url: string, expected: readonly number[] = []): Promise<Page> {
    const page = await this.#context.newPage()
    page.on('pageerror', error => this.complaints.push(`error: ${error.message}`))
    page.on('console', message => {
      if (message.type() !== 'error' && message.type() !== 'warning') return
      const text = message.text()
      if (expected.some(status => text.includes(`status of ${status}`))) return
      this.complaints.push(`${message.type()}: ${text}`)
    })
    await page.goto(url)
    return page
  }

  async close(): Promise<void> {
    await this.#context.close()
    fs.rmSync(this.#folder, { recursive: true, force: true })
  }
}

/** Logs in, and waits until the first view is there. */
export async function loginAs(page: Page, name: string, password = name): Promise<void> {
  await page.getByLabel('Name').fill(name)
  await page.getByLabel('Password').fill(password)
  await page.getByRole('button', { name: 'Log in' }).click()
  await page.getByRole('navigation', { name: 'Views' }).waitFor()
}
