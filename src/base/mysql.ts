// The only door to mysql2: connections to MySQL and MariaDB servers, each with time limits, and what their errors mean.
//
// A connection is used by one owner. Statements may be handed over without waiting for the answers of those before: they
// are sent one after the other, and answered in order. A connection that failed, or did not answer in time, is closed at
// once and stays closed: what became of its last statement is unknown, and its owner opens another.

import fs from 'node:fs'
import type { Socket } from 'node:net'
import { type Connection, type ConnectionOptions, createConnection, format, type SslOptions } from 'mysql2'

export interface TlsSettings {
  /** PEM file of the authorities that are trusted; undefined for those the system trusts. */
  readonly caFile: string | undefined
  /** PEM files of our own certificate and its key, for servers that ask for one. */
  readonly certificateFile: string | undefined
  readonly keyFile: string | undefined
  /** Whether the server has to prove who it is. */
  readonly isVerified: boolean
}

export interface MysqlAddress {
  readonly host: string
  readonly port: number
  readonly username: string
  readonly password: string
  /** The schema statements are about; undefined for none. */
  readonly schema: string | undefined
  readonly tls: TlsSettings | undefined
  readonly connectTimeoutMs: number
  readonly statementTimeoutMs: number
}

/** Decimals and times come as text; integers as numbers, or as text beyond what a double holds; binary columns as bytes. */
export type MysqlValue = string | number | Buffer | null
export type MysqlRow = Readonly<Record<string, MysqlValue>>

/** A parameter, put in place of a `?`. */
export type MysqlParameter = string | number | Uint8Array | null

export class MysqlConnection {
  readonly #connection: Connection
  readonly #statementTimeoutMs: number
  /** Those that wait for an answer. */
  readonly #waiting = new Set<Waiting>()
  #failure: MysqlError | undefined

  /** Opens a connection and sets what every statement here relies on. @throws MysqlError */
  static async open(address: MysqlAddress): Promise<MysqlConnection> {
    const connection = createConnection(optionsOf(address))
    const opened = new MysqlConnection(connection, address.statementTimeoutMs)
    try {
      await new Promise<void>((resolve, reject) => {
        connection.connect(error => (error ? reject(mysqlError(error, 'connect')) : resolve()))
      })
      for (const statement of SESSION) await opened.run(statement)
    } catch (error) {
      opened.destroy()
      throw error
    }
    return opened
  }

  private constructor(connection: Connection, statementTimeoutMs: number) {
    this.#connection = connection
    this.#statementTimeoutMs = statementTimeoutMs
    // Of a connection that nobody is asking anything: lost, or told to end.
    connection.on('error', error => {
      this.#failure ??= mysqlError(error, 'connection')
    })
  }

  /** False once it is lost or closed: every further statement fails. */
  get isOpen(): boolean {
    return this.#failure === undefined
  }

  /** The rows of a query, as objects. @throws MysqlError */
  query(sql: string, parameters?: readonly MysqlParameter[]): Promise<MysqlRow[]> {
    return this.#ask(sql, parameters, false)
  }

  /** The rows of a query, as lists in the order of its columns: smaller, where there are many. @throws MysqlError */
  queryLists(sql: string, parameters?: readonly MysqlParameter[]): Promise<MysqlValue[][]> {
    return this.#ask(sql, parameters, true)
  }

  /** Runs a statement without rows; the number of rows it changed or, of an UPDATE, found. @throws MysqlError */
  async run(sql: string, parameters?: readonly MysqlParameter[]): Promise<number> {
    const { affectedRows } = await this.#ask<{ affectedRows: number }>(sql, parameters, false)
    return affectedRows
  }

  /** Says goodbye and closes; a server that does not listen is left without. */
  close(): Promise<void> {
    if (this.#failure !== undefined) return Promise.resolve()
    this.#failure = closedByUs()
    return new Promise(resolve => {
      const closed = () => {
        clearTimeout(giveUp)
        this.destroy()
        resolve()
      }
      const giveUp = setTimeout(closed, GOODBYE_MS_MAX)
      this.#connection.end(closed)
    })
  }

  /** Closes at once, whatever is on the way. */
  destroy(): void {
    this.#failure ??= closedByUs()
    this.#connection.destroy()
    // The driver only ends its side, which a server that hangs would never answer; and it answers nobody any more.
    socketOf(this.#connection)?.destroy()
    for (const { giveUp, reject } of this.#waiting) {
      clearTimeout(giveUp)
      reject(this.#failure)
    }
    this.#waiting.clear()
  }

  get #bytesHeard(): number {
    return socketOf(this.#connection)?.bytesRead ?? 0
  }

  /** After an error that says that the connection is gone, or will be, nothing more is asked over it. */
  #noted(error: MysqlError): MysqlError {
    if (error.trouble === MysqlTrouble.Away && this.#failure === undefined) {
      this.#failure = error
      this.destroy()
    }
    return error
  }

  #ask<Result>(sql: string, parameters: readonly MysqlParameter[] | undefined, rowsAsArray: boolean): Promise<Result> {
    return new Promise((resolve, reject) => {
      if (this.#failure !== undefined) return reject(this.#failure)
      let heard = this.#bytesHeard
      const look = () => {
        // An answer that is long, or comes slowly, is no silence.
        if (this.#bytesHeard !== heard) {
          heard = this.#bytesHeard
          waiting.giveUp = setTimeout(look, this.#statementTimeoutMs)
          return
        }
        this.#failure ??= timedOut(this.#statementTimeoutMs)
        this.destroy()
      }
      const waiting = { giveUp: setTimeout(look, this.#statementTimeoutMs), reject }
      this.#waiting.add(waiting)
      const values = parameters?.map(value => (value instanceof Uint8Array ? bufferOf(value) : value))
      this.#connection.query({ sql, values, rowsAsArray }, (error, result) => {
        clearTimeout(waiting.giveUp)
        this.#waiting.delete(waiting)
        if (error) reject(this.#noted(mysqlError(error, sql)))
        else resolve(result as Result)
      })
    })
  }
}

interface Waiting {
  giveUp: NodeJS.Timeout
  readonly reject: (error: MysqlError) => void
}

/** How long a goodbye may take. */
const GOODBYE_MS_MAX = 1_000

// What the server is told about every connection. Statements that would have to cut a value are refused instead; times
// are UTC; what a transaction reads twice may have changed in between, unless the reader asks for more.
const SESSION = [
  "SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ZERO_DATE,NO_ZERO_IN_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION', " +
    "time_zone = '+00:00', autocommit = 1",
  'SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED',
]

function optionsOf(address: MysqlAddress): ConnectionOptions {
  return {
    host: address.host,
    port: address.port,
    user: address.username,
    password: address.password,
    ...(address.schema === undefined ? {} : { database: address.schema }),
    ...(address.tls === undefined ? {} : { ssl: sslOptions(address.tls) }),
    connectTimeout: address.connectTimeoutMs,
    charset: 'utf8mb4_bin',
    timezone: 'Z',
    dateStrings: true,
    supportBigNumbers: true,
    bigNumberStrings: false,
    // The driver would look through every statement for placeholders, however large and whether it has parameters.
    queryFormat: (sql: string, values: Parameters<typeof format>[1]) =>
      Array.isArray(values) && values.length === 0 ? sql : format(sql, values),
    flags: ['-LOCAL_FILES', '-ODBC', '-IGNORE_SPACE'],
  }
}

function sslOptions(tls: TlsSettings): SslOptions {
  return {
    ...(tls.caFile === undefined ? {} : { ca: fs.readFileSync(tls.caFile) }),
    ...(tls.certificateFile === undefined ? {} : { cert: fs.readFileSync(tls.certificateFile) }),
    ...(tls.keyFile === undefined ? {} : { key: fs.readFileSync(tls.keyFile) }),
    rejectUnauthorized: tls.isVerified,
    verifyIdentity: tls.isVerified,
  }
}

/** What a failure means to whoever asked. */
export const MysqlTrouble = {
  /** The values themselves: the same statement would fail again. */
  RowRefused: 0,
  /** Somebody else was in the way (a deadlock, a lock): the same transaction may succeed at once. */
  TryAgain: 1,
  /** The server cannot be reached, goes away, or takes nobody now. */
  Away: 2,
  /** The server takes no writes: a replica, or one that was set so. */
  ReadOnly: 3,
  /** The server has no room left, on disk or in memory. */
  Full: 4,
  /** The server does not let us do this, or does not let us in. */
  Denied: 5,
  /** Tables are not what they have to be: missing, damaged, other columns. */
  Mismatch: 6,
  /** Anything else the server says. */
  Other: 7,
} as const
export type MysqlTrouble = (typeof MysqlTrouble)[keyof typeof MysqlTrouble]

/** A failure of a connection or of one statement. */
export class MysqlError extends Error {
  override name = 'MysqlError'
  readonly trouble: MysqlTrouble
  /** The server's number, or 0 where it is the connection that failed. */
  readonly number: number

  constructor(message: string, trouble: MysqlTrouble, number: number, options?: ErrorOptions) {
    super(message, options)
    this.trouble = trouble
    this.number = number
  }
}

// Numbers of MySQL and MariaDB; where they differ, both.
const troubles: readonly (readonly [MysqlTrouble, readonly number[]])[] = [
  [
    MysqlTrouble.RowRefused,
    [
      // null, duplicate key (three), out of range, cut, wrong value, wrong string, too long, no default
      1048, 1062, 1586, 1859, 1264, 1265, 1292, 1366, 1406, 1364,
      // a packet or result larger than allowed, wrong character string, row too large, computed out of range, check
      1153, 1301, 1300, 1118, 1690, 3819, 4025,
    ],
  ],
  [
    MysqlTrouble.TryAgain,
    [
      // lock wait, deadlock, lock table full, changed since read, table changed, interrupted, statement time (two),
      // refused by the cluster at commit, node of a cluster not ready
      1205, 1213, 1206, 1020, 1412, 1317, 1969, 3024, 3101, 1047, 1180, 3100, 1105,
    ],
  ],
  [
    MysqlTrouble.Away,
    [
      // too many connections (three), shutdown (two), aborted, killed, network packets, host blocked, killed, idle
      1040, 1203, 1226, 1053, 1079, 1152, 1184, 1927, 1158, 1159, 1160, 1161, 1129, 3169, 4031, 1042, 1043, 1135,
    ],
  ],
  // read only option, transaction, mode, InnoDB
  [MysqlTrouble.ReadOnly, [1290, 1792, 1836, 1874]],
  // disk full, table full, error on write (two), out of memory (three), log cannot be written
  [MysqlTrouble.Full, [1021, 1114, 1026, 3, 1037, 1038, 1041, 1598, 1030]],
  [MysqlTrouble.Denied, [1044, 1045, 1130, 1142, 1143, 1227, 1251, 1370, 1698, 1820, 1862, 3118, 1873, 1396]],
  // database, table, column, columns, view, index, damaged (five), tablespace
  [
    MysqlTrouble.Mismatch,
    [1049, 1146, 1054, 1136, 1356, 1072, 126, 127, 1034, 1194, 1195, 1877, 1812, 1814, 1932, 1064, 1305],
  ],
]
const troubleByNumber = new Map(troubles.flatMap(([trouble, numbers]) => numbers.map(number => [number, trouble])))

/** The driver's error with its meaning, and with what was asked. */
function mysqlError(error: unknown, asked: string): MysqlError {
  if (error instanceof MysqlError) return error
  const { errno, code, message } = error as { errno?: unknown; code?: unknown; message?: unknown }
  const isServer =
    typeof errno === 'number' && errno > 0 && typeof code === 'string' && !/^(PROTOCOL|E[A-Z]+$)/.test(code)
  const number = isServer ? errno : 0
  const about = asked.length > 60 ? `${asked.slice(0, 60)}…` : asked
  const text = `${message}${number > 0 ? ` (${number})` : ''} [${about}]`
  // Without a number of the server it is the connection that failed.
  const trouble = number === 0 ? MysqlTrouble.Away : (troubleByNumber.get(number) ?? MysqlTrouble.Other)
  return new MysqlError(text, trouble, number, { cause: error })
}

function closedByUs(): MysqlError {
  return new MysqlError('the connection was closed', MysqlTrouble.Away, 0)
}

function timedOut(ms: number): MysqlError {
  return new MysqlError(`the server did not answer within ${ms} ms`, MysqlTrouble.Away, 0)
}

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

function socketOf(connection: Connection): Socket | undefined {
  // The driver has it, but its types do not tell.
  return (connection as unknown as { stream?: Socket }).stream
}
