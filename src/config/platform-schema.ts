// Every key of the platform's configuration, in the order of its default file: what it is for, its unit, its bounds, its
// default. `platformTemplate` writes the default file from this table, and `PlatformConfig` is its type.

import { LOG_COMMENT, logFile, logLevel } from './log-schema.ts'
import { secret } from './secret.ts'
import { address, choice, integer, list, optional, optionalSection, required, section, text } from './setting.ts'

const KIB = 1 << 10
const MIB = 1 << 20
const GIB = 1 << 30

/** The services of a platform, in the order in which they come up. */
export const platformServiceNames = [
  'service_locator',
  'definitions',
  'administration',
  'uid',
  'market_data',
  'compliance',
] as const
export type PlatformServiceName = (typeof platformServiceNames)[number]

export const PLATFORM_SCHEMA = section('', {
  services: list({
    comment:
      'The services of this process. Services that run elsewhere are found through the service locator; each name may be\n' +
      'given to several processes, except service_locator, which there is once.',
    items: choice({ comment: 'a service', words: platformServiceNames, byDefault: 'service_locator' }),
    byDefault: platformServiceNames,
  }),
  server: section('Where servers and other services connect, and how they find this process.', {
    interface: address({
      comment: 'Address to listen at; port 0 takes any free port.',
      byDefault: '127.0.0.1:20000',
      template: '$local_interface:20000',
    }),
    addresses: list({
      comment:
        'Addresses to be registered, as others reach them; port 0 stands for the port that was taken. None means that of\n' +
        'the interface.',
      items: address({ comment: 'an address', byDefault: '127.0.0.1:20000' }),
      byDefault: [],
    }),
  }),
  service_locator: optionalSection(
    'The service locator, where it is not a service of this process. The account has to be one of the services.',
    {
      address: required(
        address({
          comment: 'Where the service locator listens',
          byDefault: '127.0.0.1:20000',
          template: '$service_locator_address',
        }),
      ),
      username: required(
        text({
          comment: 'Account that this process logs in with',
          what: 'a name',
          byDefault: '',
          template: '$platform_username',
        }),
      ),
      password: required(secret({ comment: 'Its password', byDefault: '', template: '$admin_password' })),
    },
    { isAside: true },
  ),
  data_file: text({
    comment:
      'File for accounts, groups, limits, rules, violations, ids and the record of every change. Services of one process\n' +
      'share it; two processes may not.',
    what: 'a path',
    byDefault: 'platform.db',
  }),
  world: text({
    comment: 'Accounts, groups and limits that a new data file begins with: a name of a built-in world, or a path.',
    what: 'a name or a path',
    byDefault: 'demo',
  }),
  definitions: optional(
    text({
      comment:
        'Countries, currencies, venues, destinations and exchange rates, as JSON; absent, the built-in ones. SIGHUP has the\n' +
        'file read again.',
      what: 'the path of a file',
      byDefault: '',
    }),
  ),
  market_data: section('Where quotes and prints come from.', {
    feed: choice({
      comment:
        'simulated, a market of its own; replay, what was recorded in a file; published, whatever feeds send over the wire.',
      words: ['simulated', 'replay', 'published'],
      byDefault: 'simulated',
    }),
    tickers: list({
      comment: 'Tickers to simulate, as ABX.TSX; none means all that the simulation knows.',
      items: text({ comment: 'a ticker', what: 'a ticker as ABX.TSX', byDefault: '' }),
      byDefault: [],
    }),
    rate: integer({
      comment: 'Simulated quotes and prints of all tickers together; 0 leaves the market as it begins.',
      unit: 'updates per second',
      min: 0,
      max: 1_000_000,
      byDefault: 100,
    }),
    seed: integer({
      comment: 'Where the simulation begins; the same seed gives the same market.',
      min: 0,
      max: 0xffff_ffff,
      byDefault: 1,
    }),
    replay: optional(text({ comment: 'The recording to replay.', what: 'the path of a file', byDefault: '' })),
    replay_speed: integer({
      comment: 'How fast it is replayed; 100 is as fast as it was recorded.',
      unit: 'percent',
      min: 1,
      max: 100_000,
      byDefault: 100,
    }),
  }),
  administration: section('Requests to change risk parameters.', {
    grant_interval_ms: integer({
      comment: 'How often those that were granted for a later date are looked through.',
      unit: 'milliseconds',
      min: 100,
      max: 86_400_000,
      byDefault: 3_600_000,
    }),
  }),
  logins: section('What a guesser of passwords may take. Counted for each name and the host it comes from.', {
    failures_max: integer({
      comment: 'Failed logins in a row after which each further one suspends the name for that host.',
      unit: 'logins',
      min: 1,
      max: 1_000,
      byDefault: 5,
    }),
    suspend_first_ms: integer({
      comment: 'The first suspension; each further one is twice as long.',
      unit: 'milliseconds',
      min: 100,
      max: 3_600_000,
      byDefault: 1_000,
    }),
    suspend_longest_ms: integer({
      comment: 'The longest of them.',
      unit: 'milliseconds',
      min: 100,
      max: 86_400_000,
      byDefault: 60_000,
    }),
  }),
  limits: section('What one connection may take.', {
    connections_max: integer({
      comment: 'Connections at once.',
      unit: 'connections',
      min: 1,
      max: 65_536,
      byDefault: 1_000,
    }),
    frame_bytes_max: integer({
      comment: 'Size of one message.',
      unit: 'bytes',
      min: 64 * KIB,
      max: 64 * MIB,
      byDefault: 4 * MIB,
    }),
    login_ms: integer({
      comment: 'Time from connecting to logging in.',
      unit: 'milliseconds',
      min: 100,
      max: 600_000,
      byDefault: 10_000,
    }),
    heartbeat_ms: integer({
      comment: 'Time between two heartbeats; who is silent for three of them is disconnected.',
      unit: 'milliseconds',
      min: 100,
      max: 600_000,
      byDefault: 10_000,
    }),
    outbox_bytes_max: integer({
      comment: 'What may wait to be read by one peer; one that reads too slowly is disconnected.',
      unit: 'bytes',
      min: 64 * KIB,
      max: GIB,
      byDefault: 16 * MIB,
    }),
    in_flight_max: integer({
      comment: 'Requests of one connection that are not answered yet.',
      unit: 'requests',
      min: 1,
      max: 1_000_000,
      byDefault: 256,
    }),
  }),
  log: section(LOG_COMMENT, { level: logLevel, ...logFile }),
})
