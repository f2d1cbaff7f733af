// Stage 2, where no service locator is configured: the server brings up the surrounding services itself, on a thread of
// their own.

import path from 'node:path'
import { MessageChannel } from 'node:worker_threads'
import type { Log } from '../base/log.ts'
import type { Address } from '../config/address.ts'
import type { Config } from '../config/config.ts'
import { simulatedTickers } from '../services/market-data/simulated-tickers.ts'
import type { PlatformThreadData, PlatformThreadMessage } from '../services/platform/platform-thread.ts'
import { readWorldFile } from '../services/platform/world-file.ts'
import { type StageParts, settled, threadFile } from './stage.ts'
import type { Threads } from './threads.ts'

/** Starts the platform over the file in `data`. @returns where its locator listens. */
export async function startPlatform(
  { config, log, onTheWayDown }: Pick<StageParts, 'config' | 'log' | 'onTheWayDown'>,
  threads: Threads,
  data: string,
): Promise<Address> {
  const { port1, port2 } = new MessageChannel()
  const options = optionsOf(config, data)
  const listening = new Promise<Address>(resolve => {
    port1.on('message', (message: PlatformThreadMessage) => {
      if (message.what === 'listening') resolve(message.address)
      else log.error('the platform met a fault of its own', { fault: message.text })
    })
  })
  const file = threadFile('../services/platform/platform-thread')
  const thread = threads.start('platform', file, { options, port: port2, log: log.share }, [port2])
  const failed = thread.ended.then(() => {
    throw new Error('the platform ended')
  })
  let stopping = false
  onTheWayDown('platform', async () => {
    stopping = true
    port1.postMessage('stop')
    await settled(thread)
    port1.close()
  })
  const address = await Promise.race([listening, failed])
  failed.catch((error: unknown) => tellUnlessStopping(log, () => stopping, error))
  return address
}

function tellUnlessStopping(log: Log, isStopping: () => boolean, error: unknown): void {
  if (!isStopping()) log.error('the platform has ended; what is known of it holds', { error })
}

function optionsOf({ platform, server }: Config, data: string): PlatformThreadData['options'] {
  const { tickers } = platform.marketData
  const chosen =
    tickers.length === 0 ? simulatedTickers : simulatedTickers.filter(({ ticker }) => tickers.includes(ticker))
  return {
    databasePath: path.resolve(data, platform.dataFile),
    clientsHost: server.interface.host,
    port: platform.port,
    market: { seed: platform.seed, eventsPerSecond: platform.marketData.rate, tickers: chosen },
    ...(platform.world === 'demo' ? {} : { world: readWorldFile(platform.world) }),
    ...(platform.marketData.replay === undefined ? {} : { replay: { path: platform.marketData.replay } }),
  }
}
