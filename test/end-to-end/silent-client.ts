// A trading program that falls silent: connects with a choice, sends orders, says `ready`, and stays until it is killed, or
// told on its standard input to log out. Its words are one argument, `SilentClientWords` as JSON.

import { once } from 'node:events'
import {
  type ConnectOptions,
  connect,
  limitOrder,
  type NewOrderOptions,
  OesError,
  Side,
  TimeInForce,
} from '../../src/client/index.ts'

export interface SilentClientWords {
  readonly connect: ConnectOptions
  /** How many orders of each kind. */
  readonly day: number
  readonly gtc: number
}

const { connect: options, day, gtc } = JSON.parse(process.argv[2]!) as SilentClientWords
const client = await connect({ ...options, reconnect: false })
const send = (count: number, more: NewOrderOptions) =>
  Array.from({ length: count }, () => client.submit(limitOrder(Side.Bid, 'ABX.TSX', 100, 1, more)))
try {
  await Promise.all([...send(day, {}), ...send(gtc, { timeInForce: TimeInForce.Gtc })])
} catch (error) {
  // A server that is killed in the middle is what some tests are about.
  if (!(error instanceof OesError)) throw error
}
process.stdout.write('ready\n')
await once(process.stdin, 'data')
await client.logout()
process.stdin.destroy()
