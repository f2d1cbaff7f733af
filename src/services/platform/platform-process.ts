// The platform in a process of its own: reads the configuration, brings the services up, waits for a signal, and takes them
// down in order. A second signal does not wait; SIGHUP has the definitions read again. Every way out has an exit status.

import { type FileLock, lockFile } from '../../base/file-lock.ts'
import type { Log } from '../../base/log.ts'
import { ProcessLog } from '../../base/process-log.ts'
import { formatAddress } from '../../config/address.ts'
import { ConfigInvalid } from '../../config/config.ts'
import { loadPlatformConfig, type PlatformConfig } from '../../config/platform-config.ts'
import type { PlatformServiceName } from '../../config/platform-schema.ts'
import { simulatedTickers } from '../market-data/simulated-tickers.ts'
import { type Platform, type PlatformOptions, startPlatform } from './platform.ts'
import { readWorldFile } from './world-file.ts'

/** How the process ends; the numbers are those of the server, where both have them. */
const ExitStatus = { Stopped: 0, StartFailed: 1, Failed: 70, DataInUse: 75, ConfigInvalid: 78, Forced: 130 } as const

export interface PlatformProcessOptions {
  /** Path of the configuration; without it everything has its default. */
  readonly config?: string | undefined
  /** The services of the process, whatever the configuration says. */
  readonly services?: readonly PlatformServiceName[] | undefined
}

/** Runs the platform until it is told to stop. @returns the exit status of the process. */
export async function servePlatform({ config: file, services }: PlatformProcessOptions = {}): Promise<number> {
  const warnings: string[] = []
  const onWarning = (warning: string) => warnings.push(warning)
  let config: PlatformConfig
  try {
    config = loadPlatformConfig(file, { services, onWarning })
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
    return error instanceof ConfigInvalid ? ExitStatus.ConfigInvalid : ExitStatus.StartFailed
  }
  let processLog: ProcessLog
  try {
    processLog = ProcessLog.open('platform', config.log)
  } catch (error) {
    process.stderr.write(`The log cannot be written: ${error instanceof Error ? error.message : String(error)}\n`)
    return ExitStatus.StartFailed
  }
  const { log } = processLog
  for (const warning of warnings) log.warning(warning)
  // What nobody caught leaves this process in a state that nobody knows; what is stored is whole.
  process.on('uncaughtException', error => {
    log.error('the platform met a fault of its own and ends', { error })
    process.exit(ExitStatus.Failed)
  })
  const stop = stopSignal(log)

  let lock: FileLock | undefined
  try {
    lock = lockFile(`${config.dataFile}-lock`)
    if (lock === undefined) {
      log.error('another process uses the data file; stop it, or give this one another data_file', {
        file: config.dataFile,
      })
      return ExitStatus.DataInUse
    }
    const platform = await startPlatform({ ...optionsOf(config, log), signal: stop })
    reloadOnHangUp(platform, log, () => {
      if (file !== undefined) processLog.apply(loadPlatformConfig(file, { services }).log)
    })
    processLog.watchFile()
    process.stdout.write(`ready ${formatAddress(platform.address)}\n`)
    log.info('services are there', { services: config.services.join(' '), address: formatAddress(platform.address) })
    if (!stop.aborted) await new Promise(resolve => stop.addEventListener('abort', resolve, { once: true }))
    await platform.close()
    log.info('stopped')
    return ExitStatus.Stopped
  } catch (error) {
    if (stop.aborted) return ExitStatus.Stopped
    log.error('the platform could not start', { error })
    return ExitStatus.StartFailed
  } finally {
    lock?.release()
  }
}

/** Aborted by the first signal to stop; the second ends the process. */
function stopSignal(log: Log): AbortSignal {
  const stop = new AbortController()
  const handle = (signal: NodeJS.Signals) => {
    if (!stop.signal.aborted) {
      log.info('told to stop', { signal })
      stop.abort()
      return
    }
    log.warning('told to stop at once', { signal })
    process.exit(ExitStatus.Forced)
  }
  process.on('SIGINT', handle)
  process.on('SIGTERM', handle)
  return stop.signal
}

function reloadOnHangUp(platform: Platform, log: Log, readLogSettings: () => void): void {
  process.on('SIGHUP', () => {
    try {
      readLogSettings()
    } catch (error) {
      log.error('the configuration cannot be used; the log goes on as before', { error })
    }
    try {
      log.info(platform.reloadDefinitions() ? 'the definitions have changed' : 'the definitions are as they were')
    } catch (error) {
      log.error('the definitions cannot be used; the ones before hold', { error })
    }
  })
}

function optionsOf(config: PlatformConfig, log: Log): PlatformOptions {
  const { marketData, logins, server } = config
  const { tickers, feed, replay, replaySpeed } = marketData
  const chosen =
    tickers.length === 0 ? simulatedTickers : simulatedTickers.filter(({ ticker }) => tickers.includes(ticker))
  return {
    databasePath: config.dataFile,
    services: config.services,
    locator: config.serviceLocator,
    host: server.interface.host,
    port: server.interface.port,
    ...(server.addresses.length === 0 ? {} : { addresses: server.addresses }),
    ...(config.world === 'demo' ? {} : { world: readWorldFile(config.world) }),
    definitionsFile: config.definitions,
    market: feed === 'published' ? feed : { seed: marketData.seed, eventsPerSecond: marketData.rate, tickers: chosen },
    ...(feed === 'replay' && replay !== undefined ? { replay: { path: replay, speed: replaySpeed / 100 } } : {}),
    logins,
    grantIntervalMs: config.administration.grantIntervalMs,
    limits: config.limits,
    onFault: fault => log.error('a fault of our own; the request was refused', { fault }),
    onNote: (message, fields) => log.warning(message, fields),
    onAvailability: (service, available) => {
      if (available) log.info('a service is there again', { service })
      else log.warning('a service does not answer; what is known of it holds', { service })
    },
  }
}
