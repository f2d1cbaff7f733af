import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import net from 'node:net'
import path from 'node:path'
import { after, before, test } from 'node:test'
import { MysqlConnection, MysqlError, MysqlTrouble, type TlsSettings } from '../../src/base/mysql.ts'
import { freePort, type MariaDb, startMariaDb } from '../stores/mysql/mariadb-server.ts'

let mariaDb: MariaDb
before(async () => {
  mariaDb = await startMariaDb()
  await mariaDb.query('CREATE DATABASE place')
  await mariaDb.query('CREATE TABLE place.things (id INT PRIMARY KEY, name VARCHAR(3) NOT NULL, size DECIMAL(4, 2))')
})
after(() => mariaDb?.stop())

const open = (changes: { tls?: TlsSettings; statementTimeoutMs?: number } = {}) =>
  MysqlConnection.open({ ...mariaDb.endpoint('place'), ...changes })

/** What kind of trouble a statement leads to. */
async function troubleOf(connection: MysqlConnection, sql: string): Promise<MysqlTrouble | undefined> {
  try {
    await connection.query(sql)
    return undefined
  } catch (error) {
    assert.ok(error instanceof MysqlError, String(error))
    return error.trouble
  }
}

test('values come as what they are, and parameters go as what they are', async () => {
  const connection = await open()
  const [row] = await connection.query(
    "SELECT ? AS text, ? AS number, ? AS bytes, ? AS nothing, 9007199254740993 AS large, CAST('2.50' AS DECIMAL(5, 2)) AS exact, " +
      "CAST('2020-02-03 04:05:06.789012' AS DATETIME(6)) AS time",
    ["it's \\ ? é", -7.5, Buffer.from([0, 39, 255]), null],
  )
  assert.deepEqual(
    { ...row, bytes: Buffer.from(row!.bytes as Buffer) },
    {
      text: "it's \\ ? é",
      number: '-7.5',
      bytes: Buffer.from([0, 39, 255]),
      nothing: null,
      large: '9007199254740993',
      exact: '2.50',
      time: '2020-02-03 04:05:06.789012',
    },
  )
  assert.deepEqual(await connection.queryLists("SELECT 1, 'a?' UNION SELECT 2, 'b'"), [
    [1, 'a?'],
    [2, 'b'],
  ])
  await connection.close()
})

test('statements handed over at once are answered in order, and a failed one does not stop the others', async () => {
  const connection = await open()
  const outcomes = await Promise.allSettled([
    connection.run("INSERT INTO things VALUES (1, 'a', 1)"),
    connection.run("INSERT INTO things VALUES (1, 'b', 1)"),
    connection.run("UPDATE things SET name = 'a' WHERE id = 1"),
    connection.run("INSERT INTO things VALUES (2, 'c', 1), (3, 'd', 1)"),
  ])
  assert.deepEqual(
    outcomes.map(outcome => (outcome.status === 'fulfilled' ? outcome.value : 'refused')),
    // A row that an UPDATE finds counts, whether or not it was like that before.
    [1, 'refused', 1, 2],
  )
  await connection.run('DELETE FROM things')
  await connection.close()
})

test('what a server says has its meaning', async () => {
  const connection = await open()
  await connection.run("INSERT INTO things VALUES (7, 'g', 1)")
  for (const refused of [
    "INSERT INTO things VALUES (7, 'g', 1)",
    "INSERT INTO things VALUES (8, 'long', 1)",
    'INSERT INTO things VALUES (8, NULL, 1)',
    "INSERT INTO things VALUES (8, 'h', 1000)",
    "INSERT INTO things VALUES (8, 'h', 'x')",
    'INSERT INTO things (id) VALUES (8)',
  ]) {
    assert.equal(await troubleOf(connection, refused), MysqlTrouble.RowRefused, refused)
  }
  assert.equal(await troubleOf(connection, 'SELECT * FROM nothing'), MysqlTrouble.Mismatch)
  assert.equal(await troubleOf(connection, 'SELECT nothing FROM things'), MysqlTrouble.Mismatch)
  assert.equal(await troubleOf(connection, 'SET GLOBAL max_connections = 1'), MysqlTrouble.Denied)

  await mariaDb.query('SET GLOBAL read_only = 1')
  assert.equal(await troubleOf(connection, 'DELETE FROM things'), MysqlTrouble.ReadOnly)
  await mariaDb.query('SET GLOBAL read_only = 0')

  const other = await open()
  await other.run('BEGIN')
  await other.run("UPDATE things SET name = 'x'")
  await connection.run('SET SESSION innodb_lock_wait_timeout = 0')
  assert.equal(await troubleOf(connection, "UPDATE things SET name = 'y'"), MysqlTrouble.TryAgain)
  await other.run('ROLLBACK')
  await connection.run('DELETE FROM things')
  await other.close()

  const id = (await connection.query('SELECT CONNECTION_ID() AS id'))[0]!.id
  await mariaDb.query(`KILL ${id}`)
  assert.equal(await troubleOf(connection, 'SELECT 1'), MysqlTrouble.Away)
  assert.equal(connection.isOpen, false)
})

test('who cannot be reached or does not answer is away, within the time limit', async t => {
  const nobody = { ...mariaDb.endpoint('place'), port: await freePort() }
  await assert.rejects(MysqlConnection.open(nobody), { trouble: MysqlTrouble.Away })

  // One who takes the connection, and says nothing.
  const sockets = new Set<net.Socket>()
  const silent = net.createServer(socket => sockets.add(socket))
  t.after(() => {
    for (const socket of sockets) socket.destroy()
    silent.close()
  })
  await new Promise<void>(resolve => silent.listen(0, '127.0.0.1', resolve))
  const { port } = silent.address() as net.AddressInfo // a TCP server has such an address
  const address = { ...mariaDb.endpoint('place'), port, connectTimeoutMs: 50 }
  await assert.rejects(MysqlConnection.open(address), { trouble: MysqlTrouble.Away })

  const connection = await open({ statementTimeoutMs: 50 })
  const waiting = connection.run('DO SLEEP(20)')
  const behind = connection.run('DO 1')
  await assert.rejects(waiting, { trouble: MysqlTrouble.Away })
  await assert.rejects(behind, { trouble: MysqlTrouble.Away })
  await assert.rejects(connection.run('DO 1'), { trouble: MysqlTrouble.Away })
  assert.equal(connection.isOpen, false)
})

test('who may not come in is told so', async () => {
  await assert.rejects(MysqlConnection.open({ ...mariaDb.endpoint('place'), password: 'wrong' }), {
    trouble: MysqlTrouble.Denied,
  })
})

test('connections are encrypted where that is asked for, and the server proves its name', async t => {
  const folder = fs.mkdtempSync(path.join(mariaDb.directory, 'tls-'))
  const file = (name: string) => path.join(folder, name)
  const openssl = (...words: string[]) => execFileSync('openssl', words, { stdio: 'pipe' })
  const certificate = (name: string, subject: string, alternative: string) => {
    const request = ['-newkey', 'rsa:2048', '-nodes', '-subj', `/CN=${subject}`, '-keyout', file(`${name}.key`)]
    fs.writeFileSync(file(`${name}.ext`), `subjectAltName=${alternative}\n`)
    openssl('req', ...request, '-out', file(`${name}.csr`))
    const signed = ['-in', file(`${name}.csr`), '-CA', file('ca.pem'), '-CAkey', file('ca.key'), '-CAcreateserial']
    openssl('x509', '-req', ...signed, '-days', '2', '-extfile', file(`${name}.ext`), '-out', file(`${name}.pem`))
  }
  const self = ['-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2']
  openssl('req', ...self, '-subj', '/CN=authority', '-keyout', file('ca.key'), '-out', file('ca.pem'))
  openssl('req', ...self, '-subj', '/CN=stranger', '-keyout', file('other.key'), '-out', file('other.pem'))
  certificate('server', 'database', 'DNS:localhost,IP:127.0.0.1')

  const server = await startMariaDb({
    args: [`--ssl-ca=${file('ca.pem')}`, `--ssl-cert=${file('server.pem')}`, `--ssl-key=${file('server.key')}`],
  })
  t.after(() => server.stop())
  const tls = (caFile: string | undefined, isVerified: boolean): TlsSettings => ({
    caFile,
    certificateFile: undefined,
    keyFile: undefined,
    isVerified,
  })
  const cipherOver = async (settings: TlsSettings | undefined, host = 'localhost') => {
    const endpoint = { ...server.endpoint('mysql'), schema: undefined, host, tls: settings }
    const connection = await MysqlConnection.open(endpoint)
    const [row] = await connection.query("SHOW SESSION STATUS LIKE 'Ssl_cipher'")
    await connection.close()
    return row!.Value !== ''
  }
  assert.equal(await cipherOver(undefined), false)
  assert.equal(await cipherOver(tls(undefined, false)), true)
  assert.equal(await cipherOver(tls(file('ca.pem'), true)), true)
  assert.equal(await cipherOver(tls(file('ca.pem'), true), '127.0.0.1'), true)
  await assert.rejects(cipherOver(tls(file('other.pem'), true)), { trouble: MysqlTrouble.Away })

  certificate('server', 'elsewhere', 'DNS:elsewhere')
  await server.restart()
  await assert.rejects(cipherOver(tls(file('ca.pem'), true)), { trouble: MysqlTrouble.Away })
  await assert.rejects(cipherOver(tls(file('ca.pem'), true), '127.0.0.1'), { trouble: MysqlTrouble.Away })
  assert.equal(await cipherOver(tls(file('ca.pem'), false)), true)
})
