// A world out of a file, and what is said about a file that is wrong.

import { deepEqual, throws } from 'node:assert/strict'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { MICROS } from '../../src/domain/money.ts'
import { RiskStateType } from '../../src/domain/risk-state.ts'
import { passwordCostDefault } from '../../src/services/locator/passwords.ts'
import { readWorldFile } from '../../src/services/platform/world-file.ts'

test('a world file is read, or refused at the place that is wrong', t => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'world-'))
  t.after(() => fs.rmSync(folder, { recursive: true }))
  const file = path.join(folder, 'world.json')
  const read = (data: unknown) => {
    fs.writeFileSync(file, typeof data === 'string' ? data : JSON.stringify(data))
    return readWorldFile(file)
  }
  const alice = { name: 'alice', password: 'a', currency: 'USD', buying_power: '12.5', risk_state: 'CLOSE_ORDERS' }
  const groups = [{ name: 'north', managers: [], traders: ['alice'] }]
  const world = { accounts: [alice, { name: 'bob', password: 'b' }], administrators: ['bob'], services: [], groups }
  deepEqual(read(world), {
    accounts: [
      {
        name: 'alice',
        password: 'a',
        riskParameters: { currency: 840, buyingPower: 12.5 * MICROS, netLoss: 0 },
        riskState: { type: RiskStateType.CloseOrders, expiry: 0 },
      },
      {
        name: 'bob',
        password: 'b',
        riskParameters: { currency: 0, buyingPower: 0, netLoss: 0 },
        riskState: { type: RiskStateType.Active, expiry: 0 },
      },
    ],
    administrators: ['bob'],
    services: [],
    groups,
    passwordCost: passwordCostDefault,
  })
  deepEqual(read({ built_in_passwords: true }), { accounts: [], administrators: [], services: [], groups: [] })

  const wrong: [data: unknown, path: string][] = [
    ['{', file],
    [{ acounts: [] }, `${file}.acounts`],
    [{ accounts: [{ ...alice, name: '' }] }, `${file}.accounts[0].name`],
    [{ accounts: [{ ...alice, currency: 'XXX' }] }, `${file}.accounts[0].currency`],
    [{ accounts: [{ ...alice, buying_power: '1.0000001' }] }, `${file}.accounts[0].buying_power`],
    [{ accounts: [{ ...alice, risk_state: 'ASLEEP' }] }, `${file}.accounts[0].risk_state`],
    [{ groups: [{ ...groups[0], traders: [1] }] }, `${file}.groups[0].traders[0]`],
  ]
  for (const [data, where] of wrong) throws(() => read(data), { name: 'InvalidData', path: where })
})
