// Which server, and as whom: from flags, then the environment, then the configuration file.

import fs from 'node:fs'
import { type ConnectOptions, connect, type OesClient, type TlsPaths } from '../client/index.ts'
import { parseAddress } from '../config/address.ts'
import { type Config, ConfigInvalid, parseConfig, type ReadOptions } from '../config/config.ts'
import { parseWhole } from './arguments.ts'
import { CommandError, usageError } from './command-error.ts'
import { ExitStatus } from './exit-status.ts'

/** As the flags give them. */
export interface ServerFlags extends TlsFlags {
  server?: string
  username?: string
  password?: string
  config?: string
  deadline?: string
}

export interface TlsFlags {
  tls?: boolean
  tlsCa?: string
  tlsCertificate?: string
  tlsKey?: string
}

const SERVER_DEFAULT = '127.0.0.1:20700'

/** What to connect with. @throws CommandError where something is missing or cannot be understood. */
export function serverOptions(flags: ServerFlags, environment: NodeJS.ProcessEnv): ConnectOptions {
  const named = flags.server ?? (flags.config === undefined ? environment.OES_SERVER : undefined)
  const address = named === undefined ? configuredAddress(flags.config) : parseAddress(named)
  if (address === undefined) throw usageError(`'${named}' is no server.`, 'Write it as HOST:PORT, as 127.0.0.1:20700.')
  const username = flags.username ?? environment.OES_USERNAME
  if (!username) throw usageError('There is no user name.', 'Give --username, or set OES_USERNAME.')
  const password = flags.password ?? environment.OES_PASSWORD
  if (password === undefined) throw usageError('There is no password.', 'Set OES_PASSWORD, or give --password.')
  const deadlineMs = parseWhole(flags.deadline ?? '5000', 'a time in milliseconds', 1)
  return {
    host: address.host,
    port: address.port,
    username,
    password,
    connectDeadlineMs: deadlineMs,
    callDeadlineMs: deadlineMs,
    pageDeadlineMs: Math.max(deadlineMs, 30_000),
    ...tlsOptions(flags, environment),
  }
}

/** Whether and how the connection is encrypted: any of the flags or variables asks for it. */
function tlsOptions(flags: TlsFlags, environment: NodeJS.ProcessEnv): Pick<ConnectOptions, 'tls'> {
  const paths = tlsPaths(flags, environment)
  if (typeof paths === 'boolean') return paths ? { tls: true } : {}
  const texts = Object.entries(paths).flatMap(([name, file]) => (file === undefined ? [] : [[name, pemOf(file)]]))
  return { tls: Object.fromEntries(texts) }
}

/** The same as files. @throws CommandError where a certificate stands without its key. */
export function tlsPaths(flags: TlsFlags, environment: NodeJS.ProcessEnv): boolean | TlsPaths {
  const files = {
    ca: flags.tlsCa ?? environment.OES_TLS_CA,
    certificate: flags.tlsCertificate ?? environment.OES_TLS_CERTIFICATE,
    key: flags.tlsKey ?? environment.OES_TLS_KEY,
  }
  if ((files.certificate === undefined) !== (files.key === undefined)) {
    throw usageError('A certificate and its key go together.', 'Give both --tls-certificate and --tls-key.')
  }
  if (Object.values(files).some(file => file !== undefined)) return files
  return flags.tls === true || environment.OES_TLS === '1'
}

function pemOf(file: string): string {
  try {
    return fs.readFileSync(file, 'utf8')
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw new CommandError(`${file} cannot be read: ${why}.`, { status: ExitStatus.Usage, cause: error })
  }
}

function configuredAddress(file: string | undefined) {
  if (file === undefined) return parseAddress(SERVER_DEFAULT)
  // Whoever asks a server need not be able to read its secrets.
  const config = readConfig(file, { withholdsSecrets: true })
  return config.server.addresses[0] ?? config.server.interface
}

/** The configuration in `file`. @throws CommandError that tells what is wrong with it. */
export function readConfig(file: string, options: ReadOptions = {}): Config {
  const text = readText(file)
  try {
    return parseConfig(text, file, options)
  } catch (error) {
    if (!(error instanceof ConfigInvalid)) throw error
    throw new CommandError(error.message, { hint: 'config.default.yml explains each key.', cause: error })
  }
}

/** The text of a configuration. @throws CommandError where it cannot be read. */
export function readText(file: string): string {
  try {
    return fs.readFileSync(file, 'utf8')
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw new CommandError(`The configuration ${file} cannot be read: ${why}.`, {
      status: ExitStatus.Usage,
      hint: 'Name another with --config, or leave the flag out.',
      cause: error,
    })
  }
}

/** Connects, runs `action`, closes. A command that is interrupted is closed by the process. */
export async function withClient<T>(options: ConnectOptions, action: (client: OesClient) => Promise<T>): Promise<T> {
  using client = await connect(options)
  return await action(client)
}

/** The account that a word names: a number is its id, anything else its name; the session's own where absent. */
export async function accountOf(client: OesClient, word: string | undefined): Promise<number> {
  if (word === undefined) return client.session.account
  if (/^\d+$/.test(word)) return parseWhole(word, 'an account', 1)
  const account = await client.findAccount(word)
  if (account !== undefined) return account.id
  throw new CommandError(`There is no account '${word}'.`, { hint: 'Check the spelling; names are case sensitive.' })
}
