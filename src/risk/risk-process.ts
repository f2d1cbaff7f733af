// The entry of the risk server's process: reads the configuration, brings the server up, waits for a signal, and takes
// it down in order. A second signal does not wait.

import { ProcessLog } from '../base/process-log.ts'
import { formatAddress } from '../config/address.ts'
import { ConfigInvalid } from '../config/config.ts'
import { loadRiskConfig, type RiskConfig } from '../config/risk-config.ts'
import { RiskServer } from './risk-server.ts'

/** The same numbers as those of the order execution server. */
const ExitStatus = { Stopped: 0, StartFailed: 1, Failed: 70, ConfigInvalid: 78, Forced: 130 } as const

export interface ServeRiskOptions {
  /** Path of the configuration; without it everything has its default. */
  readonly config?: string | undefined
  readonly forgetSnapshots?: boolean | undefined
}

/** Runs the risk server until it is told to stop. @returns the exit status of the process. */
export async function serveRisk(options: ServeRiskOptions = {}): Promise<number> {
  const warnings: string[] = []
  const onWarning = (warning: string) => warnings.push(warning)
  let config: RiskConfig
  try {
    config = loadRiskConfig(options.config, { onWarning })
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
    return error instanceof ConfigInvalid ? ExitStatus.ConfigInvalid : ExitStatus.StartFailed
  }
  let processLog: ProcessLog
  try {
    processLog = ProcessLog.open('risk', config.log)
  } catch (error) {
    process.stderr.write(`The log cannot be written: ${error instanceof Error ? error.message : String(error)}\n`)
    return ExitStatus.StartFailed
  }
  const { log } = processLog
  for (const warning of warnings) log.warning(warning)
  const { promise: signalled, resolve: onSignal } = Promise.withResolvers<void>()
  let signals = 0
  const handle = (signal: NodeJS.Signals) => {
    signals += 1
    log.info('told to stop', { signal })
    if (signals > 1) process.exit(ExitStatus.Forced)
    onSignal()
  }
  process.on('SIGINT', handle)
  process.on('SIGTERM', handle)
  process.on('SIGHUP', () => {
    try {
      if (options.config !== undefined) processLog.apply(loadRiskConfig(options.config).log)
    } catch (error) {
      log.error('the configuration cannot be used; the log goes on as before', { error })
    }
  })

  let server: RiskServer
  try {
    server = await RiskServer.start({
      config,
      log,
      forgetsSnapshots: options.forgetSnapshots === true,
      onFailure: error => {
        // The last written states stay in force; whoever starts it again finds everything where it was.
        log.error('the risk server cannot go on', { error })
        process.exit(ExitStatus.Failed)
      },
    })
  } catch (error) {
    log.error('the risk server could not start', { error })
    return ExitStatus.StartFailed
  }
  processLog.watchFile()
  process.stdout.write(`ready ${formatAddress(server.address)}\n`)
  await signalled
  await server.stop()
  log.info('stopped')
  return ExitStatus.Stopped
}
