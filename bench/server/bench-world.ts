// The world a measured server lives in: desks of traders with more money than they can spend, one manager for each, and
// a market that stands still, so that every order of a kind takes the same road.

import fs from 'node:fs'
import path from 'node:path'
import { simulatedTickers } from '../../src/services/market-data/simulated-tickers.ts'
import type { ConnectionPlan, QuotedTicker } from '../load/load-plan.ts'

/** More than all orders of a scenario together may cost, and little enough to be a sum of a few without overflow. */
const BUYING_POWER = '4000000000'
/** The quotes of the standing market: the spread around the previous close, in units. */
const HALF_SPREAD = 0.01

/** The first of the simulated tickers that cost enough to have a board lot of 100 and a thousand levels below. */
export const benchTickers: readonly QuotedTicker[] = simulatedTickers
  .filter(({ price }) => price > 20 && price < 100)
  .slice(0, 8)
  .map(({ ticker, price }) => ({ ticker, bid: cents(price - HALF_SPREAD), ask: cents(price + HALF_SPREAD) }))

/** How to log in for desk number `index`. */
export function deskConnection(index: number): ConnectionPlan {
  return { username: `manager${index + 1}`, password: 'password', desk: `desk${index + 1}` }
}

/** Who may halt everybody, and lift it. */
export const administrator = { username: 'administrator', password: 'password' }

/** Writes the files of a world with so many desks of so many traders each. @returns their paths */
export function writeWorld(
  directory: string,
  desks: number,
  tradersPerDesk: number,
): { world: string; market: string } {
  const names = (desk: number) => Array.from({ length: tradersPerDesk }, (_, index) => `trader${desk + 1}.${index + 1}`)
  const account = (name: string) => ({
    name,
    password: 'password',
    currency: 'CAD',
    buying_power: BUYING_POWER,
    net_loss: BUYING_POWER,
  })
  const numbers = Array.from({ length: desks }, (_, desk) => desk)
  const service = 'order_execution_service'
  const data = {
    accounts: [
      { name: service, password: service },
      account(administrator.username),
      ...numbers.map(desk => account(deskConnection(desk).username)),
      ...numbers.flatMap(desk => names(desk).map(account)),
    ],
    administrators: [administrator.username],
    services: [service],
    groups: numbers.map(desk => ({
      name: deskConnection(desk).desk,
      managers: [deskConnection(desk).username],
      traders: names(desk),
    })),
    built_in_passwords: true,
  }
  const world = path.join(directory, 'world.json')
  fs.writeFileSync(world, JSON.stringify(data))
  const market = path.join(directory, 'market.csv')
  const lines = benchTickers.flatMap(({ ticker, bid, ask }) => [
    `close,0,${ticker},${cents((bid + ask) / 2)}`,
    `quote,0,${ticker},${bid},${ask},1000,1000`,
  ])
  fs.writeFileSync(market, `${lines.join('\n')}\n`)
  return { world, market }
}

function cents(price: number): number {
  return Math.round(price * 100) / 100
}
