// The console as an operator sees it: in a real browser, over a server under load.

import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { merged, ServerProcess, temporaryFolder, testSettings } from '../fault/server-process.ts'
import { Browser, loginAs, type Page } from './browser.ts'
import { Trading } from './trading.ts'

const WAIT_MS_MAX = 60_000
const LOOK_EVERY_MS = 50

const folder = temporaryFolder()
let server: ServerProcess
let trading: Trading
let url: string

before(async () => {
  server = await ServerProcess.start(folder.path, merged(testSettings(folder.path), { console: { http: 'on' } }))
  await server.logged(/the console is served/)
  url = `http://127.0.0.1:${server.consolePort}/`
  trading = new Trading(server.port, ['alice', 'bob', 'dave', 'erin'], 40)
})

after(async () => {
  await trading?.stop()
  await server?.stop()
  await folder.remove()
})

/** Opens a page, lets `act` use it, and holds it to have complained of nothing. */
async function inBrowser(
  view: Parameters<typeof Browser.open>[0],
  act: (page: Page, browser: Browser) => Promise<void>,
): Promise<void> {
  const browser = await Browser.open(view)
  try {
    // Whoever is not logged in is told so, which a browser counts as an error of its own.
    await act(await browser.page(url, [401, 403]), browser)
    deepEqual(browser.complaints, [])
  } finally {
    await browser.close()
  }
}

/** The grounds of the style sheet. */
const DARK = 'rgb(13, 17, 23)'
const LIGHT = 'rgb(244, 245, 247)'
const WIDE = { width: 1440, height: 900 }
const numberOf = (text: string) => Number(text.replaceAll(/[^\d.]/g, ''))
// What runs inside the page is text: this side of the wire knows nothing of its globals.
const FOCUSED = 'document.activeElement?.getAttribute("name") ?? document.activeElement?.getAttribute("role")'
const GROUND = 'getComputedStyle(document.body).backgroundColor'
const OVERFLOWS = 'document.documentElement.scrollWidth > document.documentElement.clientWidth'
const FIGURE = 'document.querySelector(".tile .figure")?.textContent'
const ORDERS =
  'Number(document.querySelector(".section-head [role=status]").textContent.split(" of ")[1].replaceAll(",", ""))'
/** Whether there is something in each chart. */
const ARE_DRAWN = `[...document.querySelectorAll(".chart canvas")].every(canvas =>
  canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data.some(value => value !== 0))`
/** Whether every row in sight has this text in a column. */
const every = (column: string, text: string) =>
  `[...document.querySelectorAll(".table-body .cell-${column}")].every(each => each.textContent === "${text}")`
/** Controls that nobody could tell apart by ear. */
const NAMELESS = `[...document.querySelectorAll("button, a, input, select")].filter(each =>
  (each.getAttribute("aria-label") ?? each.labels?.[0]?.textContent ?? each.textContent ?? "").trim() === "").length`

/** Waits until it is so in the page, whose policy forbids to watch for it from inside. */
async function until(page: Page, expression: string): Promise<void> {
  const endMs = performance.now() + WAIT_MS_MAX
  while ((await page.evaluate(expression)) !== true) {
    if (performance.now() > endMs) throw new Error(`it never became so: ${expression}`)
    await pause(LOOK_EVERY_MS)
  }
}

test('a wrong password is told, a trader is turned away, an administrator gets in and out again', async () => {
  await inBrowser(WIDE, async page => {
    const tell = async (name: string, password: string) => {
      await page.getByLabel('Name').fill(name)
      await page.getByLabel('Password').fill(password)
      await page.keyboard.press('Enter')
      await page.getByRole('alert').filter({ hasText: /\S/ }).waitFor()
      return await page.getByRole('alert').innerText()
    }
    await until(page, `(${FOCUSED}) === 'name'`)
    equal(await tell('administrator', 'wrong'), 'The name or the password is wrong.')
    await page.reload()
    equal(await tell('alice', 'alice'), 'The console is for administrators and for managers of trading groups.')
    await loginAs(page, 'administrator')
    // A page that is loaded anew finds its session; nothing of it can be read by scripts.
    equal(await page.evaluate('document.cookie'), '')
    await page.reload()
    await page.getByText('Orders per second').waitFor()
    await page.getByRole('button', { name: 'Log out' }).click()
    await page.getByRole('button', { name: 'Log in' }).waitFor()
    await page.reload()
    await page.getByRole('button', { name: 'Log in' }).waitFor()
  })
})

test('figures of a server under load come every second, with charts, shards, stores and sessions', async () => {
  await inBrowser(WIDE, async page => {
    await loginAs(page, 'administrator')
    const tile = page.locator('.tile').filter({ hasText: 'Orders per second' }).locator('.figure')
    // A rate above nothing, and another one later.
    await until(page, `Number(${FIGURE}) > 0`)
    const first = await tile.innerText()
    await until(page, `${FIGURE} !== ${JSON.stringify(first)}`)
    ok(numberOf(first) > 0)
    equal(await page.locator('.chart canvas').count(), 2)
    await until(page, ARE_DRAWN)
    const rows = async (name: string) => page.getByRole('region', { name }).getByRole('rowheader').allInnerTexts()
    deepEqual(await rows('Shards'), ['shard-0', 'shard-1', 'main'])
    deepEqual(await rows('Stores behind the journal'), ['embedded'])
    deepEqual(await rows('Way of an order'), ['Wait', 'Judge', 'Commit', 'Publish', 'Durable', 'Answer'])
    match(await page.getByRole('region', { name: 'Shards' }).innerText(), /shards and main share \d+ cores|spread well/)
    match(await page.getByRole('region', { name: 'Sessions' }).innerText(), /Sessions open\s+\d+ of \d+ accepted/)
    await page.getByRole('button', { name: '1 h' }).click()
    equal(await page.getByRole('button', { name: '1 h' }).getAttribute('aria-pressed'), 'true')
  })
})

test('orders come in as they happen; filters narrow them, and only those in sight are on the page', async () => {
  await inBrowser(WIDE, async page => {
    await loginAs(page, 'administrator')
    await page.keyboard.press('2')
    await page.getByText(/live, \d+ accounts/).waitFor()
    const cell = (column: string) => page.locator(`.table-body .cell-${column}`)
    await until(page, `${ORDERS} > 0`)
    const before = Number(await page.evaluate(ORDERS))
    await until(page, `${ORDERS} > ${before + 50}`)
    const isSmall = (await page.locator('.table-row').count()) < 80
    equal(isSmall, true)
    await page.getByLabel('Account').fill('erin')
    await page.getByLabel('Status').selectOption('rejected')
    await until(page, every('account', 'erin'))
    deepEqual([...new Set(await cell('account').allInnerTexts())], ['erin'])
    deepEqual(
      [...new Set(await cell('status').allInnerTexts())].map(text => text.trim()),
      ['rejected'],
    )
    await page.getByRole('button', { name: 'Clear' }).click()
    await page.getByLabel('Ticker').fill('abx')
    await page.getByLabel('Side').selectOption('buy')
    await until(page, every('ticker', 'ABX.TSX'))
    deepEqual([...new Set(await cell('side').allInnerTexts())], ['buy'])
    await page.getByLabel('Text').fill('no such order')
    await page.getByText('No order fits').waitFor()
  })
})

test('the whole life of an order is shown: its checks, its reports with their times, the stages', async () => {
  await inBrowser(WIDE, async page => {
    await loginAs(page, 'margaret')
    await page.keyboard.press('2')
    const open = async (status: string) => {
      await page.getByLabel('Status').selectOption(status)
      await page
        .getByRole('row', { name: new RegExp(status) })
        .first()
        .click()
      const dialog = page.getByRole('dialog')
      await dialog.getByText('Stages of the server').waitFor()
      const checks = await dialog.locator('.verdicts li').allInnerTexts()
      const steps = await dialog.locator('.step').allInnerTexts()
      match(page.url(), /#orders\/\d+$/)
      await page.keyboard.press('Escape')
      await dialog.waitFor({ state: 'hidden' })
      return {
        checks: checks.map(text => text.replaceAll('\n', ' ')),
        steps: steps.map(text => text.replaceAll('\n', ' ')),
      }
    }
    const filled = await open('filled')
    equal(filled.checks.length, 7)
    ok(
      filled.checks.every(text => text.endsWith('passed')),
      filled.checks.join(),
    )
    match(filled.steps[0]!, /^\d\d:\d\d:\d\d\.\d{6} .*pending new/)
    match(filled.steps.at(-1)!, /filled .*\d+ at \d+\.\d\d/)
    const rejected = await open('rejected')
    deepEqual(
      rejected.checks.map(text => text.slice(0, 30)),
      [
        'Form and reference data passed',
        'Halts passed',
        'Board lot refused BOARD_LOT: The qu'.slice(0, 30),
        'Buying power not reached',
        'Risk state not reached',
        'Compliance rules not reached',
        'Destination not reached',
      ],
    )
  })
})

test('the kill switch is thrown after its name was typed, shows who threw it, and is lifted alike', async () => {
  await inBrowser(WIDE, async page => {
    await loginAs(page, 'administrator')
    await page.getByRole('link', { name: 'Kill switch' }).click()
    await page.getByText('Nothing is halted').waitFor()
    await page.getByText('group', { exact: true }).click()
    await page.getByLabel('Trading group').selectOption('north')
    await page.getByRole('button', { name: 'Halt …' }).click()
    const act = page.getByRole('dialog').getByRole('button', { name: 'Halt', exact: true })
    equal(await act.isDisabled(), true)
    await page.getByLabel('Reason').fill('drill')
    await page.getByLabel(/to confirm/).fill('nort')
    equal(await act.isDisabled(), true)
    await page.getByLabel(/to confirm/).fill('north')
    await act.click()
    await page.getByRole('dialog').waitFor({ state: 'hidden' })
    await page.locator('.halts').getByText('drill').waitFor()
    match(await page.locator('.halts').innerText(), /north\s+group\s+by administrator, [\d-]+ [\d:]+: drill/)
    await page.getByText('halted', { exact: true }).waitFor()
    await page.getByRole('button', { name: 'Lift the halt of north' }).click()
    await page.getByLabel(/to confirm/).fill('north')
    await page.getByRole('dialog').getByRole('button', { name: 'Lift', exact: true }).click()
    await page.getByText('Nothing is halted').waitFor()
    await page.getByText('trading', { exact: true }).waitFor()
    await page.keyboard.press('6')
    await page.getByRole('cell', { name: 'drill' }).waitFor()
    const rows = await page.locator('tbody tr').allInnerTexts()
    match(rows[0]!, /administrator\s+lift\s+north\s+done/)
    match(rows[1]!, /administrator\s+halt\s+north\s+drill\s+\d+ working orders canceled/)
  })
})

test('administrators see who is logged in, with what; managers are told that it is not for them', async () => {
  await inBrowser(WIDE, async page => {
    await loginAs(page, 'administrator')
    await page.getByRole('link', { name: 'Sessions' }).first().click()
    await page
      .getByRole('row', { name: /^alice trader 127\.0\.0\.1:\d+ 20[\d-]+ [\d:]+ plain .* never \d+$/ })
      .waitFor()
    await page.keyboard.press('/')
    await page.keyboard.type('ADMINISTRATOR')
    await page.getByRole('cell', { name: 'alice' }).waitFor({ state: 'detached' })
    match(await page.locator('tbody tr').first().innerText(), /^administrator\s+administrator\s+127/)
    await page.keyboard.type(' nobody')
    await page.getByText('No session fits').waitFor()
  })
  await inBrowser(WIDE, async page => {
    await loginAs(page, 'margaret')
    await page.keyboard.press('7')
    await page.getByText('For administrators').waitFor()
  })
})

test('a risk state is changed after the name was typed, and the change is shown with who and when', async () => {
  await inBrowser(WIDE, async page => {
    await loginAs(page, 'administrator')
    await page.keyboard.press('3')
    await page.getByRole('link', { name: 'carol' }).click()
    await page.getByRole('button', { name: 'Close only' }).click()
    await page.getByLabel(/to confirm/).fill('carol')
    await page.getByRole('dialog').getByRole('button', { name: 'Close only' }).last().click()
    await page.locator('.changes').getByText('risk state').waitFor()
    await page.locator('.life .life-status').getByText('close orders').waitFor()
    match(
      await page.locator('.changes li').first().innerText(),
      /^20[\d-]+ [\d:]+ administrator risk state active to close orders$/,
    )
  })
})

test('everything can be reached and left by the keyboard', async () => {
  await inBrowser(WIDE, async page => {
    const { keyboard } = page
    await until(page, `(${FOCUSED}) === 'name'`)
    await keyboard.type('margaret')
    await keyboard.press('Tab')
    await keyboard.type('margaret')
    await keyboard.press('Enter')
    await page.getByRole('navigation', { name: 'Views' }).waitFor()
    for (const [key, title] of [
      'Orders',
      'Accounts',
      'Compliance violations',
      'Kill switch',
      'Audit',
      'Sessions',
    ].entries()) {
      await keyboard.press(String(key + 2))
      await page.getByRole('heading', { level: 1, name: title }).waitFor()
    }
    await keyboard.press('?')
    await page.getByRole('dialog', { name: 'Keys' }).waitFor()
    await keyboard.press('Escape')
    await page.getByRole('dialog').waitFor({ state: 'hidden' })
    await keyboard.press('2')
    // Keys are for the view that is there.
    await page.getByRole('heading', { level: 1, name: 'Orders' }).waitFor()
    await keyboard.press('/')
    await until(page, `(${FOCUSED}) === 'text'`)
    const focused = () => page.evaluate<string | null>(`${FOCUSED} ?? null`)
    await keyboard.type('alice')
    // Every field, then the table, and on.
    const way: (string | null)[] = []
    for (let step = 0; step < 6; step++) {
      await keyboard.press('Tab')
      way.push(await focused())
    }
    deepEqual(way, ['account', 'ticker', 'status', 'side', null, 'grid'])
    const outline = await page.evaluate('getComputedStyle(document.activeElement).outlineStyle')
    equal(outline, 'solid')
    await page.getByRole('row', { name: /alice/ }).nth(1).waitFor()
    await keyboard.press('End')
    await keyboard.press('Home')
    await keyboard.press('ArrowDown')
    await keyboard.press('Enter')
    await page.getByRole('dialog').getByText('Stages of the server').waitFor()
    await keyboard.press('Escape')
    await page.getByRole('dialog').waitFor({ state: 'hidden' })
    await until(page, `(${FOCUSED}) === 'grid'`)
    // Out of the table in both directions.
    await keyboard.press('Shift+Tab')
    equal((await focused()) === 'grid', false)
    equal(await page.evaluate(NAMELESS), 0)
  })
})

test('the dark follows the system, and can be chosen', async () => {
  await inBrowser({ ...WIDE, colorScheme: 'dark' }, async page => {
    equal(await page.evaluate(GROUND), DARK)
    await loginAs(page, 'margaret')
    await page.keyboard.press('t')
    await until(page, `${GROUND} === '${LIGHT}'`)
    await page.reload()
    await page.getByRole('navigation', { name: 'Views' }).waitFor()
    equal(await page.evaluate(GROUND), LIGHT)
    await page.getByRole('button', { name: 'Dark' }).click()
    await until(page, `${GROUND} === '${DARK}'`)
    // Nothing moves for those who asked for that.
    equal(await page.evaluate('getComputedStyle(document.querySelector(".track > span")).transitionDuration'), '0s')
  })
})

test('on a narrow screen nothing lies beyond its edge', async () => {
  await inBrowser({ width: 390, height: 844 }, async page => {
    await loginAs(page, 'administrator')
    await page.locator('.chart canvas').first().waitFor()
    for (const view of ['overview', 'orders', 'accounts', 'violations', 'kill', 'audit', 'sessions']) {
      await page.evaluate(`location.hash = ${JSON.stringify(view)}`)
      await page.locator(`.view-${view}`).waitFor()
      equal(await page.evaluate(OVERFLOWS), false, view)
    }
    await page.evaluate('location.hash = "orders"')
    await page
      .getByRole('row', { name: /filled/ })
      .first()
      .click()
    await page.getByRole('dialog').getByText('Stages of the server').waitFor()
    const { x, width } = (await page.getByRole('dialog').boundingBox())!
    deepEqual([x >= 0, x + width <= 390], [true, true])
    await page.getByRole('button', { name: 'Close' }).click()
    await page.getByRole('dialog').waitFor({ state: 'hidden' })
  })
})

test('a page whose console is away says so, and goes on by itself when it is back', async () => {
  const browser = await Browser.open(WIDE)
  try {
    const page = await browser.page(url, [401])
    await loginAs(page, 'administrator')
    await page.getByText('Orders per second').waitFor()
    server.signal('SIGSTOP')
    await page.getByText('The console does not answer').waitFor()
    await page.getByText('disconnected', { exact: true }).waitFor()
    server.signal('SIGCONT')
    await page.getByText('The console does not answer').waitFor({ state: 'hidden' })
    await page.getByText('trading', { exact: true }).waitFor()
  } finally {
    server.signal('SIGCONT')
    await browser.close()
  }
})
