// A platform in a process of its own, for tests that kill it. Started with the path of the database; prints the port.

import { startPlatform } from '../../src/services/platform/platform.ts'

const [databasePath] = process.argv.slice(2)
const platform = await startPlatform({ databasePath: databasePath!, market: { eventsPerSecond: 0 } })
process.stdout.write(`${platform.address.port}\n`)
