// The world of a new platform out of a file: JSON, amounts as decimal texts, currencies by their codes.
//
//   { "accounts": [{ "name", "password", "currency"?, "buying_power"?, "net_loss"?, "risk_state"? }],
//     "administrators": [names], "services": [names],
//     "groups": [{ "name", "managers": [names], "traders": [names] }],
//     "built_in_passwords"?: true where everybody may know the passwords: loopback only, cheap hashes }

import fs from 'node:fs'
import { parseDecimal } from '../../domain/decimal.ts'
import { definitionsData, definitionsFromData } from '../../domain/definitions.ts'
import { InvalidData, type PlainRecord, readList, readRecord, readText } from '../../domain/plain-data.ts'
import { RiskStateType, riskStateTypeNames } from '../../domain/risk-state.ts'
import { NEVER } from '../administration/risk.ts'
import { passwordCostDefault } from '../locator/passwords.ts'
import type { WorldAccount, WorldData } from './world.ts'

const ACCOUNT_KEYS = ['name', 'password', 'currency', 'buying_power', 'net_loss', 'risk_state']

/** The world in `file`. @throws InvalidData with the path of what is wrong; the system's error where it cannot be read. */
export function readWorldFile(file: string): WorldData {
  const definitions = definitionsFromData(definitionsData)
  const text = fs.readFileSync(file, 'utf8')
  let data: unknown
  try {
    data = JSON.parse(text)
  } catch (error) {
    throw new InvalidData(file, `is not JSON: ${(error as Error).message}`)
  }
  const world = readRecord(data, file, ['accounts', 'administrators', 'services', 'groups', 'built_in_passwords'])
  const accounts = readList(world, 'accounts', (entry, path): WorldAccount => {
    const account = readRecord(entry, path, ACCOUNT_KEYS)
    const code = readText(account, 'currency', '')
    const currency = code === '' ? 0 : definitions.currencyByCode(code)?.id
    if (currency === undefined) throw new InvalidData(`${path}.currency`, `${code} is not defined`)
    const stateName = readText(account, 'risk_state', 'ACTIVE')
    const state = Object.values(RiskStateType).find(type => riskStateTypeNames[type] === stateName)
    if (state === undefined) throw new InvalidData(`${path}.risk_state`, `${stateName} is no risk state`)
    return {
      name: readText(account, 'name'),
      password: readText(account, 'password'),
      riskParameters: {
        currency,
        buyingPower: readAmount(account, 'buying_power'),
        netLoss: readAmount(account, 'net_loss'),
      },
      riskState: { type: state, expiry: NEVER },
    }
  })
  const names = (record: PlainRecord, key: string) => readList(record, key, readName)
  return {
    accounts,
    administrators: names(world, 'administrators'),
    services: names(world, 'services'),
    groups: readList(world, 'groups', (entry, path) => {
      const group = readRecord(entry, path, ['name', 'managers', 'traders'])
      return { name: readText(group, 'name'), managers: names(group, 'managers'), traders: names(group, 'traders') }
    }),
    ...(world.values.built_in_passwords === true ? {} : { passwordCost: passwordCostDefault }),
  }
}

function readName(data: unknown, path: string): string {
  if (typeof data !== 'string' || data === '') throw new InvalidData(path, 'has to be the name of an account')
  return data
}

function readAmount(record: PlainRecord, key: string): number {
  const micros = parseDecimal(readText(record, key, '0'))
  if (micros === undefined) throw new InvalidData(`${record.path}.${key}`, 'has to be a decimal text')
  return micros
}
