// Takes the pictures of the console that the README shows, of a server under load: `node scripts/console-pictures.ts`.
// Needs Chromium. A folder may be given; docs/images where there is none.

import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { Browser, loginAs, type Page } from '../test/console/browser.ts'
import { Trading } from '../test/console/trading.ts'
import { merged, ServerProcess, temporaryFolder, testSettings } from '../test/fault/server-process.ts'

const TRADERS = ['alice', 'bob', 'carol', 'dave', 'erin']
/** Enough for charts with something in them. */
const LOAD_MS = Number(process.env.OES_LOAD_MS ?? 60_000)

const target = process.argv[2] ?? 'docs/images'
fs.mkdirSync(target, { recursive: true })
const folder = temporaryFolder()
const settings = merged(testSettings(folder.path), { engine: { shards: 1 }, console: { http: 'on' } })
const server = await ServerProcess.start(folder.path, settings)
await server.logged(/the console is served/)
const url = `http://127.0.0.1:${server.consolePort}/`
const trading = new Trading(server.port, TRADERS, 12)
const wide = await Browser.open({ width: 1440, height: 900 })
const narrow = await Browser.open({ width: 390, height: 844 })
try {
  const page = await wide.page(url, [401])
  await take(page, 'login')
  await loginAs(page, 'administrator')
  await pause(LOAD_MS)
  await take(page, 'console-overview')
  await page.keyboard.press('t')
  await pause(1_500)
  await take(page, 'console-overview-dark')
  await page.keyboard.press('2')
  await page.getByRole('row').nth(12).waitFor()
  await pause(1_500)
  await take(page, 'console-orders')
  await page.keyboard.press('t')
  await page.getByLabel('Text').fill('canceled on request')
  await page
    .getByRole('row', { name: /canceled/ })
    .first()
    .click()
  await page.getByText('Reports').waitFor()
  await pause(500)
  await take(page, 'console-order')
  await close(page)
  await page.getByRole('button', { name: 'Clear' }).click()
  await page.getByLabel('Status').selectOption('rejected')
  await page
    .getByRole('row', { name: /rejected/ })
    .first()
    .click()
  await page.getByText('Reports').waitFor()
  await pause(500)
  await take(page, 'order-rejected')
  await close(page)
  await page.keyboard.press('3')
  await page.getByRole('link', { name: 'alice' }).waitFor()
  await take(page, 'accounts')
  await page.getByRole('link', { name: 'alice' }).click()
  await page.getByText('Changes').waitFor()
  await take(page, 'account')
  await close(page)
  await page.keyboard.press('5')
  await page.getByText('Nothing is halted').waitFor()
  await page.getByLabel('Account', { exact: true }).fill('erin')
  await page.getByRole('button', { name: 'Halt …' }).click()
  await page.getByLabel('Reason').fill('runaway algorithm')
  await page.getByLabel(/to confirm/).fill('erin')
  await take(page, 'confirm')
  await page.getByRole('button', { name: 'Halt', exact: true }).click()
  await page.getByText('runaway algorithm').first().waitFor()
  await pause(1_500)
  await take(page, 'kill')
  await page.keyboard.press('6')
  await page.getByText('runaway algorithm').first().waitFor()
  await take(page, 'audit')
  await page.keyboard.press('4')
  await pause(500)
  await take(page, 'violations')
  await page.keyboard.press('?')
  await take(page, 'keys')
  const small = await narrow.page(url, [401])
  await loginAs(small, 'margaret')
  await pause(4_000)
  await take(small, 'narrow-overview')
  await small.keyboard.press('2')
  await small.getByRole('row').nth(6).waitFor()
  await pause(1_000)
  await take(small, 'console-narrow')
  await small
    .getByRole('row', { name: /filled/ })
    .first()
    .click()
  await small.getByText('Reports').waitFor()
  await take(small, 'narrow-order')
  for (const complaint of [...wide.complaints, ...narrow.complaints]) process.stdout.write(`${complaint}\n`)
} finally {
  await wide.close()
  await narrow.close()
  await trading.stop()
  await server.stop()
  await folder.remove()
}

async function close(page: Page): Promise<void> {
  await page.keyboard.press('Escape')
  await page.getByRole('dialog').waitFor({ state: 'hidden' })
}

async function take(page: Page, name: string): Promise<void> {
  const file = path.join(target, `${name}.png`)
  await page.screenshot({ path: file })
  // A third of the size, where there is the tool for it.
  spawnSync('pngquant', ['--force', '--ext', '.png', '--quality', '80-98', '--strip', file])
}
