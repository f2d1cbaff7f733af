// The main thread's entry: reads the configuration, brings the server up, waits for a signal, and takes it down in order.
// A second signal does not wait. Every way out has an exit status of its own.

import { readFileSync } from 'node:fs'
import { Log } from '../base/log.ts'
import { formatAddress } from '../config/address.ts'
import { type Config, ConfigInvalid, defaultConfig, loadConfig } from '../config/config.ts'
import { isJournalFailure } from '../journal/journal-errors.ts'
import { raiseInliningBudgets } from './compiler.ts'
import { DataInUse } from './data-lock.ts'
import { ExitStatus } from './exit-status.ts'
import { Server } from './server.ts'

export interface ServeOptions {
  /** Path of the configuration; without it everything has its default. */
  readonly config?: string | undefined
  /** A data directory without journals goes on from what the stores hold, as on a new machine. */
  readonly adoptStore?: boolean | undefined
}

/** Runs the server until it is told to stop. @returns the exit status of the process. */
export async function serve(options: ServeOptions = {}): Promise<number> {
  raiseInliningBudgets()
  const warnings: string[] = []
  const onWarning = (warning: string) => warnings.push(warning)
  let config: Config
  try {
    config = options.config === undefined ? defaultConfig() : loadConfig(options.config, { onWarning })
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
    return error instanceof ConfigInvalid ? ExitStatus.ConfigInvalid : ExitStatus.StartFailed
  }
  const log = new Log({ component: 'main', level: config.log.level })
  for (const warning of warnings) log.warning(warning)

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

  let server: Server
  let started = false
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
  process.stdout.write(`ready ${formatAddress(server.address)}\n`)
  await signalled
  await server.stop()
  return ExitStatus.Stopped
}

function packageVersion(): string {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
  return String(version)
}
