// Each service alone in a process of its own: they find each other, in whatever order they start, and whichever of them is
// killed, what was known holds and what changed meanwhile is told once.

import { deepEqual, equal, match, ok } from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import { type TestContext, test } from 'node:test'
import { RuleState } from '../../src/compliance/schema.ts'
import type { PlatformServiceName } from '../../src/config/platform-schema.ts'
import { definitionsData } from '../../src/domain/definitions.ts'
import { MICROS } from '../../src/domain/money.ts'
import { Reason } from '../../src/domain/reasons.ts'
import { RiskStateType } from '../../src/domain/risk-state.ts'
import { AdministrationClient } from '../../src/services/administration/client.ts'
import { riskParametersDefault } from '../../src/services/administration/risk.ts'
import { ComplianceClient } from '../../src/services/compliance/client.ts'
import { DefinitionsClient } from '../../src/services/definitions/client.ts'
import { LocatorClient } from '../../src/services/locator/client.ts'
import { MarketDataClient } from '../../src/services/market-data/client.ts'
import { NO_UID, UidClient } from '../../src/services/uid/client.ts'
import { ServiceError } from '../../src/services/wire/service-error.ts'
import { WorldFeed } from '../../src/services/world/world-feed.ts'
import { PlatformProcess, type PlatformSettings, platformFolder } from './platform-processes.ts'
import { refusal } from './running-platform.ts'

const SERVICE = 'order_execution_service'
const apart = ['definitions', 'administration', 'uid', 'market_data', 'compliance'] as const

async function login(t: TestContext, locator: PlatformProcess, name: string): Promise<LocatorClient> {
  const client = await LocatorClient.open({ addresses: [locator.address], name, password: name })
  t.after(() => client.close())
  return client
}

/** What was heard, and a way to wait for more. */
class Heard {
  readonly all: unknown[] = []
  #look = () => {}

  note(what: unknown): void {
    this.all.push(what)
    this.#look()
  }

  /** Something else has changed that somebody may wait for. */
  look(): void {
    this.#look()
  }

  /** Settles when `holds` does; looked at whenever something was heard. */
  until(holds: () => boolean): Promise<void> {
    return new Promise(resolve => {
      this.#look = () => {
        if (holds()) resolve()
      }
      this.#look()
    })
  }
}

test('services apart are found through the locator, and survive the loss of each other one by one', async t => {
  const folder = platformFolder(t)
  const locator = new PlatformProcess(t, folder, 'service_locator', { services: ['service_locator'] })
  await locator.start()
  const processes = new Map<PlatformServiceName, PlatformProcess>([['service_locator', locator]])
  for (const service of apart) {
    processes.set(service, PlatformProcess.ofService(t, folder, service, locator.address))
  }
  // Compliance waits for the definitions.
  await Promise.all([...apart].reverse().map(service => processes.get(service)!.start()))

  const away = new Set<string>()
  const heard = new Heard()
  const options = {
    onAvailability: (service: string, available: boolean) => {
      if (available) away.delete(service)
      else away.add(service)
      heard.look()
    },
  }
  const own = await LocatorClient.open({
    addresses: [locator.address],
    name: SERVICE,
    password: SERVICE,
    ...options,
  })
  t.after(() => own.close())
  const world = await WorldFeed.open(own, {
    riskParametersChanged: (account, { buyingPower }) => heard.note(['buying power', account, buyingPower]),
    riskStateChanged: (account, { type }) => heard.note(['state', account, type]),
    accountAdded: (_, name) => heard.note(['account', name]),
    availabilityChanged: options.onAvailability,
  })
  t.after(() => world.close())
  const compliance = await ComplianceClient.open(own, options)
  t.after(() => compliance.close())
  const rules = await compliance.followRules()
  rules.listen({ ruleChanged: ({ node, state }) => heard.note(['rule', node, state]) })
  const uids = await UidClient.open(own, options)
  t.after(() => uids.close())
  const market = await MarketDataClient.open(own, () => {}, options)
  t.after(() => market.close())
  await market.subscribe(['ABX.TSX'])

  const root = await login(t, locator, 'administrator')
  const administration = await AdministrationClient.open(root)
  t.after(() => administration.close())
  const administrator = await ComplianceClient.open(root)
  t.after(() => administrator.close())
  const alice = world.accountId('alice')!
  const schema = { name: 'reject_cancels', parameters: [] }
  const rule = await administrator.addRule(alice, RuleState.Active, schema)
  let lastId = 0
  let round = 0
  const expected: unknown[] = []

  for (const [service, victim] of processes) {
    round += 1
    await victim.kill()
    // What is known holds meanwhile.
    deepEqual([world.accountName(alice), rules.rule(rule)?.node], ['alice', alice])
    await victim.start()
    // Changes go through once all are there again, and are heard once.
    const parameters = { ...riskParametersDefault, currency: 124, buyingPower: round * MICROS }
    const state = round % 2 === 0 ? RiskStateType.Active : RiskStateType.Disabled
    const ruleState = round % 2 === 0 ? RuleState.Active : RuleState.Passive
    await retried(() => administration.storeRiskParameters(alice, parameters))
    await retried(() => administration.storeRiskState(alice, { type: state, expiry: 0 }))
    await retried(() => administrator.updateRule(rule, alice, ruleState, schema))
    await retried(() => root.makeAccount(`account${round}`, 'x', 0).then(() => undefined))
    await heard.until(() => away.size === 0 && rules.rule(rule)?.state === ruleState)
    await heard.until(() => world.riskState(alice).type === state && world.accountId(`account${round}`) !== undefined)
    if (round === 1) expected.push(['rule', alice, RuleState.Active])
    expected.push(
      ['account', `account${round}`],
      ['buying power', alice, round * MICROS],
      ['rule', alice, ruleState],
      ['state', alice, state],
    )
    for (let taken = 0; taken < 50; ) {
      const id = uids.next()
      if (id === NO_UID) await uids.whenAvailable()
      else {
        ok(id > lastId, `${service}: ${id} after ${lastId}`)
        lastId = id
        taken += 1
      }
    }
    ok(market.picture.quote('ABX.TSX') !== undefined)
    equal(await retried(() => own.authenticate('alice', 'alice')), alice)
  }
  const sorted = (what: unknown[]) => what.map(one => JSON.stringify(one)).sort()
  deepEqual(sorted(heard.all), sorted(expected))
})

/** Asks again where the connection broke on the way; every request here may be made twice. */
async function retried<Result>(ask: () => Promise<Result>): Promise<Result> {
  for (;;) {
    try {
      return await ask()
    } catch (error) {
      const { code } = error as { code: number }
      if (code === Reason.NameTaken) return undefined as Result // the account that the lost answer was about
      if (!(error instanceof ServiceError && error.isOfTheMoment)) throw error
    }
  }
}

test('a process without the locator waits for it, and stops waiting when it is told to', async t => {
  const folder = platformFolder(t)
  const locator = new PlatformProcess(t, folder, 'service_locator', { services: ['service_locator'] })
  const address = await locator.start()
  await locator.kill()
  const uid = PlatformProcess.ofService(t, folder, 'uid', address)
  const started = uid.start()
  await uid.logged(/waiting for a service elsewhere/)
  await locator.start()
  await started
  equal(await uid.stop(), 0)
  await locator.kill()
  uid.log = ''
  const hopeless = uid.start().catch(() => undefined)
  await uid.logged(/waiting for a service elsewhere/)
  equal(await uid.stop('SIGINT'), 0)
  await hopeless
})

test('how the process ends is told by its exit status', async t => {
  const folder = platformFolder(t)
  const platform = new PlatformProcess(t, folder, 'all', {})
  await platform.start()
  const dataFile = path.join(folder, 'all.db')
  const failure = async (settings: PlatformSettings) => {
    const other = new PlatformProcess(t, folder, 'other', settings)
    await other.start().catch(() => undefined)
    return [await other.ended(), other.log]
  }
  const [inUse, inUseLog] = await failure({ data_file: dataFile })
  const [wrong, wrongLog] = await failure({ services: ['uid', 'no_such_service'], speed: 1 })
  const [noSuchAccount, loginLog] = await failure({
    services: ['uid'],
    service_locator: { address: `127.0.0.1:${platform.address.port}`, username: 'nobody', password: 'x' },
  })
  deepEqual([inUse, wrong, noSuchAccount, await platform.stop()], [75, 78, 1, 0])
  match(String(inUseLog), /another process uses the data file/)
  match(
    String(wrongLog),
    /other\.yml:1:\d+: services\[1\] must be one of service_locator, .*\n.*other\.yml:1:\d+: speed is not a key/,
  )
  match(String(loginLog), /Unknown account or wrong password/)
})

test('definitions are read again on SIGHUP, and those that are wrong change nothing', async t => {
  const folder = platformFolder(t)
  const file = path.join(folder, 'definitions.json')
  const rates = (rate: string) => [{ pair: 'USD/CAD', rate }]
  const write = (data: unknown) => fs.writeFileSync(file, JSON.stringify(data))
  write({ ...definitionsData, exchange_rates: rates('1.33') })
  const platform = new PlatformProcess(t, folder, 'all', { definitions: file, log: { level: 'info' } })
  await platform.start()
  const locator = await login(t, platform, 'administrator')
  const told: unknown[] = []
  let heard = () => {}
  const client = await DefinitionsClient.open(locator, {
    onChanged: data => {
      told.push((data as { exchange_rates: unknown }).exchange_rates)
      heard()
    },
  })
  t.after(() => client.close())
  write({ ...definitionsData, exchange_rates: rates('1.40') })
  const changed = new Promise<void>(resolve => {
    heard = resolve
  })
  platform.signal('SIGHUP')
  await changed
  equal(await client.reload(), false)
  write({ ...definitionsData, exchange_rates: rates('free') })
  equal(await refusal(client.reload()), Reason.InvalidDefinitions)
  const trader = await DefinitionsClient.open(await login(t, platform, 'alice'))
  t.after(() => trader.close())
  equal(await refusal(trader.reload()), Reason.NotPermitted)
  deepEqual(told, [rates('1.40')])
  deepEqual((trader.data as { exchange_rates: unknown }).exchange_rates, rates('1.40'))
})
