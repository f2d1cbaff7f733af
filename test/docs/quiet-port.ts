// A port that stays free although nobody listens there yet: none that the system gives to connections going out, of which
// tests beside this one make many.

import fs from 'node:fs'
import net from 'node:net'
import { freePort } from '../stores/mysql/mariadb-server.ts'

/** Below the ports that connections going out get, and above those that services usually have. */
const FIRST = 21_000
const RANGE_FILE = '/proc/sys/net/ipv4/ip_local_port_range'
const TRIES_MAX = 100

export async function quietPort(): Promise<number> {
  const first = Number(/^\d+/.exec(fs.readFileSync(RANGE_FILE, 'utf8'))?.[0])
  for (let tries = 0; tries < TRIES_MAX && first > FIRST + TRIES_MAX; tries++) {
    const port = FIRST + Math.floor(Math.random() * (first - FIRST))
    if (await isFree(port)) return port
  }
  return await freePort()
}

function isFree(port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const server = net.createServer()
  server.once('error', () => resolve(false))
  server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  return promise
}
