// An example of a market data feed: publishes what was recorded in a file, as comma separated values or JSON, to the market
// data service that the locator names. A feed of your own does the same with what it receives elsewhere.

import { parseWhole } from '../arguments.ts'
import { ExitStatus } from '../exit-status.ts'
import { type LocatorFlags, withLocator } from '../locator-options.ts'
import type { Output } from '../output.ts'

/** As the flags give them. */
export interface FeedFlags extends LocatorFlags {
  speed?: string
}

const PERCENT = 100

/** Publishes to the end of the recording. @throws CommandError; InvalidRecording */
export async function feed(
  output: Output,
  file: string,
  flags: FeedFlags,
  environment: NodeJS.ProcessEnv,
): Promise<ExitStatus> {
  const speed = parseWhole(flags.speed ?? String(PERCENT), 'a speed in percent', 1) / PERCENT
  const [{ MarketDataPublisher }, { ReplayFeed }, { FeedDriver }, { Clock }] = await Promise.all([
    import('../../services/market-data/publisher.ts'),
    import('../../services/market-data/replay-feed.ts'),
    import('../../services/market-data/feed.ts'),
    import('../../base/clock.ts'),
  ])
  const recording = ReplayFeed.fromFile(file, speed)
  return await withLocator(flags, environment, 'Feeds log in as one of the services.', async locator => {
    const publisher = await MarketDataPublisher.open(locator, {
      onAvailability: (service, available) => {
        output.note(available ? `${service} takes market data.` : `${service} does not answer; the market goes on.`)
      },
    })
    try {
      const clock = new Clock()
      let events = 0
      const driver = new FeedDriver(
        recording,
        event => publisher.publish(event),
        () => clock.nowUs(),
      )
      await driver.run(count => {
        events += count
        return publisher.published()
      })
      output.note(`${events} events were published.`)
      return ExitStatus.Ok
    } finally {
      publisher.close()
    }
  })
}
