// The main thread's entry: reads the configuration, brings the server up, waits for a signal, and takes it down in order.
// A second signal does not wait. Every way out has an exit status of its own.

import { readFileSync } from 'node:fs'
import { ProcessLog } from '../base/process-log.ts'
import { formatAddress } from '../config/address.ts'
import { type Config, ConfigInvalid, defaultConfig, loadConfig } from '../config/config.ts'
import { isJournalFailure } from '../journal/journal-errors.ts'
import { raiseInliningBudgets } from './compiler.ts'
import { DataInUse } from './data-lock.ts'
import { ExitStatus } from './exit-status.ts'
import { takeLevelRequest } from './level-request.ts'
import { Server } from './server.ts'

export interface ServeOptions {
  /** Path of the configuration; without it everything has its default. */
  readonly config?: string | undefined
  /** A data directory without journals goes on from what the stores hold, as on a new machine. */
  readonly adoptStore?: boolean | undefined
  /** File of the log, whatever the configuration says. */
  readonly logFile?: string | undefined
}

/** Runs the server until it is told to stop. @returns the exit status of the process. */
export async function serve(options: ServeOptions = {}): Promise<number> {
  raiseInliningBudgets()
  const warnings: string[] = []
  const onWarning = (warning: string) => warnings.push(warning)
  let config: Config
  try {
    config = read(options.config, onWarning)
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
    return error instanceof ConfigInvalid ? ExitStatus.ConfigInvalid : ExitStatus.StartFailed
  }
  let processLog: ProcessLog
  try {
    processLog = ProcessLog.open('main', { ...config.log, ...logFileOf(options) })
  } catch (error) {
    process.stderr.write(`The log cannot be written: ${error instanceof Error ? error.message : String(error)}\n`)
    return ExitStatus.StartFailed
  }
  const { log } = processLog
  for (const warning of warnings) log.warning(warning)

  let started = false
  const { promise: signalled, resolve: onSignal } = Promise.withResolvers<void>()
  let signals = 0
  const handle = (signal: NodeJS.Signals) => {
    signals += 1
    if (signals === 1) {
      log.info('told to stop', { signal })
      onSignal()
      return
    }
    log.warning('told to stop at once', { signal })
    process.exit(ExitStatus.Forced)
  }
  process.on('SIGINT', handle)
  process.on('SIGTERM', handle)
  // A terminal that is closed takes its server with it; without one, the signal asks to read the configuration again.
  if (process.stderr.isTTY) process.on('SIGHUP', handle)
  else process.on('SIGHUP', () => readLogSettings(processLog, options))
  process.on('SIGUSR2', () => changeLevels(processLog, config.dataDirectory))
  process.on('uncaughtException', error => {
    // What nobody caught leaves main in a state that nobody knows.
    log.error('the server met a fault of its own and ends', { error })
    process.exit(started ? ExitStatus.ThreadFailed : ExitStatus.StartFailed)
  })

  let server: Server
  try {
    server = await Server.start({
      config,
      log,
      version: packageVersion(),
      adoptsStore: options.adoptStore === true,
      onFailure: (thread, error) => {
        // Nothing that this process still knows can be trusted more than the journals; recovery begins from those.
        log.error('a thread has failed; the server ends', { thread, error })
        if (isJournalFailure(error)) process.exit(ExitStatus.JournalFailed)
        process.exit(started ? ExitStatus.ThreadFailed : ExitStatus.StartFailed)
      },
    })
  } catch (error) {
    log.error('the server could not start', { error })
    return error instanceof DataInUse ? ExitStatus.DataInUse : ExitStatus.StartFailed
  }
  started = true
  processLog.watchFile()
  process.stdout.write(`ready ${formatAddress(server.address)}\n`)
  await signalled
  await server.stop()
  processLog.close()
  return ExitStatus.Stopped
}

function read(file: string | undefined, onWarning?: (warning: string) => void): Config {
  return file === undefined ? defaultConfig() : loadConfig(file, onWarning === undefined ? {} : { onWarning })
}

function logFileOf({ logFile }: ServeOptions): { file?: string } {
  return logFile === undefined ? {} : { file: logFile }
}

/** On SIGHUP: the section `log` of the configuration as it stands now, and the file opened anew. */
function readLogSettings(processLog: ProcessLog, options: ServeOptions): void {
  try {
    processLog.apply({ ...read(options.config).log, ...logFileOf(options) })
  } catch (error) {
    processLog.log.error('the configuration cannot be used; the log goes on as before', { error })
  }
}

/** On SIGUSR2: what `oes log-level` asks for; debug and back where nobody has asked. */
function changeLevels(processLog: ProcessLog, dataDirectory: string): void {
  try {
    const request = takeLevelRequest(dataDirectory)
    if (request === undefined) processLog.toggleDebug()
    else if (request.level === 'configured') processLog.restoreLevels()
    else processLog.setLevel(request.level, request.part)
  } catch (error) {
    processLog.log.error('a request to change the levels of the log cannot be used', { error })
  }
}

function packageVersion(): string {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
  return String(version)
}
