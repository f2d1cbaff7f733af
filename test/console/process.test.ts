import { deepEqual, equal, match, rejects } from 'node:assert/strict'
import { once } from 'node:events'
import net from 'node:net'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { bareOes, start } from '../cli/command.ts'
import { merged, ServerProcess, temporaryFolder, testSettings } from '../fault/server-process.ts'
import { ConsoleClient } from './console-client.ts'

const OES = fileURLToPath(new URL('../../src/cli/oes.ts', import.meta.url))

test('a console that is a process of its own serves the same page, and ends when it is told to', async t => {
  const folder = temporaryFolder()
  t.after(() => folder.remove())
  const server = await ServerProcess.start(folder.path, testSettings(folder.path))
  // A server that serves none of its own says so where people look for it.
  const nowhere = await fetch(`http://127.0.0.1:${server.adminPort}/console`)
  deepEqual(
    [nowhere.status, await nowhere.text()],
    [404, 'The console is not served: console.http is off, or the log says why.\n'],
  )
  const places = ['--server', `127.0.0.1:${server.port}`, '--admin', `127.0.0.1:${server.adminPort}`]
  const words = ['console', '--interface', '127.0.0.1:0', ...places]
  const running = start(process.execPath, [OES, ...words])
  t.after(() => running.process.kill('SIGKILL'))
  let said = ''
  while (!said.includes('\n')) said += String((await once(running.process.stdout!, 'data'))[0])
  const url = /^ready (.*)\n$/.exec(said)?.[1]
  match(await (await fetch(`http://${url}/`)).text(), /^<!doctype html>/)
  await rejects(ConsoleClient.login(`http://${url}`, 'nobody'), /^Error: 401/)
  running.process.kill('SIGTERM')
  equal((await running.finished).status, 0)
})

test('addresses that are none are told', async () => {
  for (const flag of ['--interface', '--server', '--locator', '--admin']) {
    const { status, err } = await bareOes('console', flag, 'nowhere')
    deepEqual([status, /^oes: 'nowhere' is no address\./.test(err)], [2, true])
  }
})

test('a console whose address is taken does not keep the server from trading, and comes when it is free', async t => {
  const folder = temporaryFolder()
  t.after(() => folder.remove())
  const settings = (port: number) =>
    merged(testSettings(folder.path), { console: { http: 'on', interface: `127.0.0.1:${port}` } })
  const other = net.createServer().listen(0, '127.0.0.1')
  await once(other, 'listening')
  const { port } = other.address() as net.AddressInfo // a TCP server has such an address
  const server = await ServerProcess.start(folder.path, settings(port))
  await server.logged(/the console cannot be opened; it is tried again/)
  other.close()
  await server.logged(/the console is served/)
  equal((await fetch(`http://127.0.0.1:${port}/`)).status, 200)
  deepEqual(await server.stop(), { status: 0, signal: null })
})
