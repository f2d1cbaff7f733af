// Makes a world: the accounts, groups and risk figures that a new platform starts with. The built-in one is small and
// has passwords that everybody knows; bigger ones are made from data for tests and benchmarks. The locator makes the
// accounts and groups, the administration service the risk figures of those accounts, each in one transaction and before
// anything is served: they may lie in different files.

import { Reason } from '../../domain/reasons.ts'
import { RiskStateType } from '../../domain/risk-state.ts'
import { NEVER, type RiskParameters, type RiskState, riskParametersDefault } from '../administration/risk.ts'
import type { RiskStore } from '../administration/risk-store.ts'
import { type DirectoryGraph, GroupDirectory, ROOT, WellKnown } from '../locator/directory-graph.ts'
import type { DirectoryStore } from '../locator/directory-store.ts'
import { hashPassword, type PasswordCost, passwordCostBuiltIn } from '../locator/passwords.ts'
import { ServiceError } from '../wire/service-error.ts'
import { builtInWorld } from './built-in-world.ts'

export interface WorldAccount {
  readonly name: string
  readonly password: string
  readonly riskParameters?: Partial<RiskParameters>
  readonly riskState?: RiskState
}

/** Members are named by their account names; an account may be in any number of places, or in none. */
export interface WorldData {
  readonly accounts: readonly WorldAccount[]
  readonly administrators: readonly string[]
  readonly services: readonly string[]
  readonly groups: readonly { name: string; managers: readonly string[]; traders: readonly string[] }[]
  /** Cost of the password hashes; without it the passwords count as known to everybody, and cost next to nothing. */
  readonly passwordCost?: PasswordCost
}

/** Directory of accounts that are nowhere else. */
const OTHER_ACCOUNTS = 'accounts'

/** Makes the directories that every world has. */
export function makeWellKnownDirectories(directory: DirectoryStore): void {
  for (const name of Object.values(WellKnown)) {
    if (directory.graph.directoryNamed(ROOT.id, name) === undefined) directory.makeDirectory(name, ROOT.id)
  }
}

/**
 * Makes the accounts and groups of a world in an empty directory. 100,000 accounts take a second or two.
 * @throws ServiceError NAME_TAKEN, INVALID_NAME; UNKNOWN_ENTRY where a member is none of the accounts.
 */
export async function makeAccounts(directory: DirectoryStore, data: WorldData = builtInWorld): Promise<void> {
  const builtIn = data.passwordCost === undefined
  const hashes = new Map<string, string>()
  for (const { password } of data.accounts) {
    // Accounts of one world that share a password share its hash: that hides nothing where everybody knows it.
    if (builtIn && hashes.has(password)) continue
    hashes.set(password, await hashPassword(password, data.passwordCost ?? passwordCostBuiltIn))
  }
  const names = new Set(data.accounts.map(account => account.name))
  const { administrators, services, groups } = data
  for (const member of [administrators, services, ...groups.flatMap(group => [group.managers, group.traders])].flat()) {
    if (!names.has(member)) throw new ServiceError(Reason.UnknownEntry, [member])
  }
  directory.together(() => {
    makeWellKnownDirectories(directory)
    const wellKnown = (name: string) => directory.graph.directoryNamed(ROOT.id, name)!.id
    const places = placesOf(data, directory, wellKnown)
    let otherAccounts: number | undefined
    for (const account of data.accounts) {
      let parents = places.get(account.name)
      if (parents === undefined) {
        otherAccounts ??= directory.makeDirectory(OTHER_ACCOUNTS, ROOT.id)
        parents = [otherAccounts]
      }
      const [first, ...more] = parents
      const id = directory.makeAccount(account.name, hashes.get(account.password)!, first!, { builtIn })
      for (const parent of more) directory.associate(parent, id)
    }
  })
}

/** Stores the risk figures of a world for those of its accounts that there are. */
export function makeRiskFigures(risk: RiskStore, directory: DirectoryGraph, data: WorldData = builtInWorld): void {
  risk.together(() => {
    for (const { name, riskParameters, riskState } of data.accounts) {
      const account = directory.accountNamed(name)
      if (account === undefined) continue
      if (riskParameters !== undefined)
        risk.storeParameters(account.id, { ...riskParametersDefault, ...riskParameters })
      if (riskState !== undefined) risk.storeState(account.id, riskState)
    }
  })
}

/** Makes the groups. @returns the directories that each account belongs in. */
function placesOf(
  data: WorldData,
  directory: DirectoryStore,
  wellKnown: (name: string) => number,
): Map<string, number[]> {
  const places = new Map<string, number[]>()
  const place = (names: readonly string[], parent: number) => {
    for (const name of names) {
      const parents = places.get(name)
      if (parents === undefined) places.set(name, [parent])
      else parents.push(parent)
    }
  }
  place(data.administrators, wellKnown(WellKnown.Administrators))
  place(data.services, wellKnown(WellKnown.Services))
  for (const { name, managers, traders } of data.groups) {
    const group = directory.makeDirectory(name, wellKnown(WellKnown.TradingGroups))
    place(managers, directory.graph.directoryNamed(group, GroupDirectory.Managers)!.id)
    place(traders, directory.graph.directoryNamed(group, GroupDirectory.Traders)!.id)
  }
  return places
}

/**
 * A world of `count` traders named `trader1` …, with the password `password` and the same risk figures, beside the
 * built-in accounts. For tests and benchmarks.
 */
export function worldOfTraders(
  count: number,
  options: { password?: string; tradersPerGroup?: number; riskParameters?: Partial<RiskParameters> } = {},
): WorldData {
  const { password = 'password', tradersPerGroup = 1_000, riskParameters = {} } = options
  const names = Array.from({ length: count }, (_, index) => `trader${index + 1}`)
  const groups = []
  for (let from = 0; from < count; from += tradersPerGroup) {
    groups.push({
      name: `desk${groups.length + 1}`,
      managers: [],
      traders: names.slice(from, from + tradersPerGroup),
    })
  }
  const allowedState = { type: RiskStateType.Active, expiry: NEVER }
  return {
    ...builtInWorld,
    accounts: [
      ...builtInWorld.accounts,
      ...names.map(name => ({ name, password, riskParameters: { allowedState, ...riskParameters } })),
    ],
    groups: [...builtInWorld.groups, ...groups],
  }
}
