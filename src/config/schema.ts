// Every key of the configuration, in the order of the default file: what it is for, its unit, its bounds, its default.
// `configTemplate` writes the default file from this table, and `Config` is its type.

import os from 'node:os'
import { LOG_COMMENT, logFile, logLevel, partLevel } from './log-schema.ts'
import { pemFile } from './pem-file.ts'
import { secret } from './secret.ts'
import {
  address,
  choice,
  integer,
  integerOrAuto,
  list,
  network,
  oneOrMany,
  optional,
  optionalDateTime,
  optionalSection,
  required,
  section,
  text,
} from './setting.ts'

const KIB = 1 << 10
const MIB = 1 << 20
const GIB = 1 << 30

/** One core is left for the main thread; more shards than that only take turns. */
const automaticShards = () => Math.min(Math.max(os.availableParallelism() - 1, 1), 64)

const server = section('Where clients connect, and how they find the server.', {
  service: text({
    comment: 'Name under which the server is registered with the service locator.',
    what: 'a name',
    byDefault: 'order_execution_service',
  }),
  interface: address({
    comment: 'Address to listen at; port 0 takes any free port.',
    byDefault: '127.0.0.1:20700',
    template: '$local_interface:20700',
  }),
  addresses: list({
    comment: 'Addresses to be registered, as clients reach them; none means that of the interface.',
    items: address({ comment: 'an address', byDefault: '127.0.0.1:20700' }),
    byDefault: [],
    template: '\n    - $global_interface:20700\n    - $local_interface:20700',
  }),
  allowed: list({
    comment:
      'Hosts that may connect, by their networks; none means every host. Others are closed before a byte is read.',
    items: network({ comment: 'a network', byDefault: '127.0.0.0/8' }),
    byDefault: [],
  }),
  tls: section('Encryption of connections by TLS 1.2 or later. Without a certificate they are plain.', {
    certificate: optional(
      text({
        comment:
          "The server's certificate, and those between it and its authority behind it. Files of this section are read again\n" +
          'when they change, and on SIGHUP.',
        what: 'the path of a PEM file',
        byDefault: '',
      }),
    ),
    key: optional(text({ comment: 'The key of that certificate.', what: 'the path of a PEM file', byDefault: '' })),
    client_ca: optional(
      text({
        comment: "Authorities of clients' certificates; absent, clients are asked for none.",
        what: 'the path of a PEM file',
        byDefault: '',
      }),
    ),
    client_certificates: choice({
      comment: 'Whether a client may or has to have a certificate, where there are authorities for them.',
      words: ['optional', 'required'],
      byDefault: 'optional',
    }),
    client_account: choice({
      comment:
        'Which account a client with a certificate may log in to, with the password of the account as always: the one that\n' +
        "is named by the certificate's common name, or any.",
      words: ['common_name', 'any'],
      byDefault: 'common_name',
    }),
  }),
})

const serviceLocator = optionalSection(
  'The service locator, which knows accounts, groups and the other services. Without this section the server brings up\n' +
    'its own services, the platform, on loopback.',
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
        comment: 'Account that the server logs in with',
        what: 'a name',
        byDefault: '',
        template: 'order_execution_service',
      }),
    ),
    password: required(secret({ comment: 'Its password', byDefault: '', template: '$admin_password' })),
  },
)

const dataStore = oneOrMany(
  'The MySQL server that keeps orders, or a list of several that keep the same; each entry of a list takes the keys it\n' +
    'leaves out from the one before it. Without this section orders are kept in a file in the data directory.',
  {
    address: required(
      address({
        comment: 'Where the MySQL server listens',
        byDefault: '127.0.0.1:3306',
        template: '$mysql_address',
      }),
    ),
    username: required(text({ comment: 'Its user', what: 'a name', byDefault: '', template: '$mysql_username' })),
    password: required(secret({ comment: "The user's password", byDefault: '', template: '$mysql_password' })),
    schema: required(text({ comment: 'Its database', what: 'a name', byDefault: '', template: '$mysql_schema' })),
    tls: choice({
      comment:
        'Whether connections are encrypted: off, they are not; unverified, they are, with whoever answers; verified, the\n' +
        'server has to prove its name with a certificate.',
      words: ['off', 'unverified', 'verified'],
      byDefault: 'off',
    }),
    tls_ca: optional(
      text({
        comment: 'Certificates of the authorities that are trusted; absent, those that the system trusts.',
        what: 'the path of a PEM file',
        byDefault: '',
      }),
    ),
    tls_certificate: optional(
      text({
        comment: "The server's own certificate, where the MySQL server asks for one.",
        what: 'the path of a PEM file',
        byDefault: '',
      }),
    ),
    tls_key: optional(text({ comment: 'The key of that certificate.', what: 'the path of a PEM file', byDefault: '' })),
    connect_ms: integer({
      comment: 'How long opening a connection may take; the start waits no longer for a MySQL server that is away.',
      unit: 'milliseconds',
      min: 100,
      max: 600_000,
      byDefault: 5_000,
    }),
    statement_ms: integer({
      comment: 'How long the MySQL server may be silent while it owes an answer; then the connection is given up.',
      unit: 'milliseconds',
      min: 100,
      max: 3_600_000,
      byDefault: 30_000,
    }),
  },
)

const engine = section('The shards, which judge orders, and the memory they share with the main thread.', {
  shards: integerOrAuto({
    comment: 'Threads that judge orders, each with its own accounts; auto is one less than there are cores.',
    unit: 'threads',
    min: 1,
    max: 64,
    auto: automaticShards,
  }),
  spin_us: integer({
    comment: 'How long a shard without work looks for more before it sleeps; 0 unless cores are set apart for shards.',
    unit: 'microseconds',
    min: 0,
    max: 10_000,
    byDefault: 0,
  }),
  live_orders_per_shard_max: integer({
    comment: 'Live orders that one shard can hold; a further order is refused. About 600 bytes each, when used.',
    unit: 'orders',
    min: 1_000,
    max: 16_000_000,
    byDefault: 1_000_000,
  }),
  accounts_max: integer({
    comment: 'Accounts that can trade in one run of the server.',
    unit: 'accounts',
    min: 1,
    max: 1_000_000,
    byDefault: 131_072,
  }),
  tickers_max: integer({
    comment: 'Tickers that can be traded in one run of the server.',
    unit: 'tickers',
    min: 1,
    max: 1_000_000,
    byDefault: 65_536,
  }),
  positions_per_shard_max: integer({
    comment: 'Pairs of account and ticker that one shard can hold; an order that needs a further one is refused.',
    unit: 'positions',
    min: 1,
    max: 16_000_000,
    byDefault: 1_000_000,
  }),
  cl_ord_ids_per_shard_max: integer({
    comment: "Clients' order ids that one shard remembers, so that an order sent twice is accepted once.",
    unit: 'ids',
    min: 1_000,
    max: 64_000_000,
    byDefault: 1_048_576,
  }),
  command_ring_bytes: integer({
    comment: 'Room for commands on their way to one shard; when it is full, clients of the shard wait.',
    unit: 'bytes',
    min: 64 * KIB,
    max: GIB,
    byDefault: 4 * MIB,
    isPowerOfTwo: true,
  }),
  report_ring_bytes: integer({
    comment: 'Room for reports on their way from one shard to clients; when it is full, the shard waits.',
    unit: 'bytes',
    min: 64 * KIB,
    max: GIB,
    byDefault: 16 * MIB,
    isPowerOfTwo: true,
  }),
  batch_commands_max: integer({
    comment: 'Commands that are judged between two commits of the journal.',
    unit: 'commands',
    min: 1,
    max: 65_536,
    byDefault: 512,
  }),
  snapshot_reports: integer({
    comment: 'Reports of an account between two snapshots of its inventory; fewer make starting faster.',
    unit: 'reports',
    min: 100,
    max: 10_000_000,
    byDefault: 10_000,
  }),
})

const limits = section('What one client may take.', {
  connections_max: integer({
    comment: 'Clients connected at once.',
    unit: 'connections',
    min: 1,
    max: 65_536,
    byDefault: 1_000,
  }),
  frame_bytes_max: integer({
    comment: 'Size of one message from a client.',
    unit: 'bytes',
    min: KIB,
    max: 16 * MIB,
    byDefault: 64 * KIB,
  }),
  login_ms: integer({
    comment: 'Time from connecting to logging in.',
    unit: 'milliseconds',
    min: 100,
    max: 600_000,
    byDefault: 5_000,
  }),
  heartbeat_ms: integer({
    comment: 'Time between two heartbeats; who is silent for three of them is disconnected.',
    unit: 'milliseconds',
    min: 100,
    max: 600_000,
    byDefault: 10_000,
  }),
  outbox_bytes_max: integer({
    comment: 'What may wait to be read by one client; one that reads too slowly is disconnected.',
    unit: 'bytes',
    min: 64 * KIB,
    max: GIB,
    byDefault: 16 * MIB,
  }),
  in_flight_max: integer({
    comment: 'Requests of one client that are not answered yet, and of one account that wait for a pooled rule.',
    unit: 'requests',
    min: 1,
    max: 1_000_000,
    byDefault: 4_096,
  }),
  subscriptions_max: integer({
    comment: 'Subscriptions of one client.',
    unit: 'subscriptions',
    min: 1,
    max: 100_000,
    byDefault: 1_000,
  }),
  requests_per_second: integer({
    comment:
      'Requests of one client, all but cancels, within a second; more are refused with RATE_EXCEEDED. 0 sets no limit.\n' +
      'The default is more than a client on a machine of its own sends at full speed.',
    unit: 'requests per second',
    min: 0,
    max: 10_000_000,
    byDefault: 500_000,
  }),
  cancels_per_second: integer({
    comment:
      'Cancels of one client within a second, which are counted apart: who sends orders too fast can still cancel. 0 sets\n' +
      'no limit.',
    unit: 'cancels per second',
    min: 0,
    max: 10_000_000,
    byDefault: 500_000,
  }),
  rate_refusals_max: integer({
    comment:
      'Requests of one client that are refused for their rate, without a second of quiet between, before it is\n' +
      'disconnected. 0 never disconnects.',
    unit: 'refusals',
    min: 0,
    max: 1_000_000_000,
    byDefault: 10_000,
  }),
})

const platform = section('The services that the server brings up itself where no service_locator is given.', {
  port: integer({
    comment: 'Port on loopback; 0 takes any free port.',
    min: 0,
    max: 65_535,
    byDefault: 20_000,
  }),
  data_file: text({
    comment: 'File for accounts, groups, limits and ids, in the data directory unless the path is absolute.',
    what: 'a path',
    byDefault: 'platform.db',
  }),
  world: text({
    comment: 'Accounts and groups that a new data file begins with: a name of a built-in world, or a path.',
    what: 'a name or a path',
    byDefault: 'demo',
  }),
  seed: integer({
    comment: 'Where the simulated market begins; the same seed gives the same market.',
    min: 0,
    max: 0xffff_ffff,
    byDefault: 1,
  }),
  market_data: section('Quotes and prints.', {
    tickers: list({
      comment: 'Tickers to simulate, as ABX.TSX; none means all that the world has.',
      items: text({ comment: 'a ticker', what: 'a ticker as ABX.TSX', byDefault: '' }),
      byDefault: [],
    }),
    replay: optional(
      text({ comment: 'Recorded market data to replay instead of the simulation.', what: 'a path', byDefault: '' }),
    ),
    rate: integer({
      comment: 'Quotes and prints of all tickers together; 0 leaves the market as it begins.',
      unit: 'updates per second',
      min: 0,
      max: 1_000_000,
      byDefault: 100,
    }),
  }),
})

const admin = section('The administrative port: metrics and health over HTTP, for those who watch the server.', {
  http: choice({
    comment: 'Whether the port is opened.',
    words: ['on', 'off'],
    byDefault: 'on',
  }),
  interface: address({
    comment: 'Address to listen at; port 0 takes any free port. Where it is taken, the server trades and tries again.',
    byDefault: '127.0.0.1:20701',
  }),
  reach: choice({
    comment:
      'Who can get there: loopback, this machine alone; network, whoever reaches the interface. Nobody is asked for a\n' +
      'password, so let a firewall or a proxy decide who does.',
    words: ['loopback', 'network'],
    byDefault: 'loopback',
  }),
  connections_max: integer({
    comment: 'Connections to the port at once.',
    unit: 'connections',
    min: 1,
    max: 1_000,
    byDefault: 32,
  }),
  request_ms: integer({
    comment: 'Time in which a request has to be there, and its answer to be read.',
    unit: 'milliseconds',
    min: 100,
    max: 60_000,
    byDefault: 5_000,
  }),
  lag_ms_max: integer({
    comment: 'A store that is further behind than this is told as degraded.',
    unit: 'milliseconds',
    min: 100,
    max: 86_400_000,
    byDefault: 60_000,
  }),
  disk_free_bytes_min: integer({
    comment: 'Less room than this where the data directory is, is told as degraded.',
    unit: 'bytes',
    min: 0,
    max: 1024 * GIB,
    byDefault: GIB,
  }),
})

const console = section(
  "The console: the operators' page, served on a thread of its own to administrators and managers.",
  {
    http: choice({
      comment: 'Whether the page is served.',
      words: ['on', 'off'],
      byDefault: 'on',
    }),
    interface: address({
      comment:
        'Address to listen at; port 0 takes any free port. Where it is taken, the server trades and tries again.',
      byDefault: '127.0.0.1:20702',
    }),
    reach: choice({
      comment:
        'Who can get there: loopback, this machine alone; network, whoever reaches the interface. Then https has to be on, or\n' +
        'a proxy has to bring TLS: logins work over it alone.',
      words: ['loopback', 'network'],
      byDefault: 'loopback',
    }),
    https: choice({
      comment:
        'Whether the page is served by HTTPS, with the certificate and the key of server.tls, which are taken over from\n' +
        'there when they change.',
      words: ['on', 'off'],
      byDefault: 'off',
    }),
    client_certificate: pemFile({
      comment:
        'Certificate that the console shows to the server, where server.tls.client_certificates is required. With it, and\n' +
        "no other, one may log in to every account, by the account's password. Read again when it changes.",
    }),
    client_key: pemFile({
      comment: 'The key of that certificate; not needed where the page is served elsewhere, by oes console.',
    }),
    connections_max: integer({
      comment: 'Connections to the page at once; a browser makes up to six.',
      unit: 'connections',
      min: 6,
      max: 1_000,
      byDefault: 64,
    }),
    request_ms: integer({
      comment: 'Time in which a request has to be there, and half the time in which its answer has to be read.',
      unit: 'milliseconds',
      min: 100,
      max: 60_000,
      byDefault: 10_000,
    }),
    sessions_max: integer({
      comment: 'Logins at once.',
      unit: 'sessions',
      min: 1,
      max: 1_000,
      byDefault: 32,
    }),
    session_ms: integer({
      comment: 'How long a login lasts.',
      unit: 'milliseconds',
      min: 1_000,
      max: 604_800_000,
      byDefault: 43_200_000,
    }),
    idle_ms: integer({
      comment: 'How long a login lasts that no open page uses.',
      unit: 'milliseconds',
      min: 1_000,
      max: 86_400_000,
      byDefault: 1_800_000,
    }),
    nice: integer({
      comment: 'How far the thread steps back behind the others when cores are scarce.',
      unit: 'nice levels',
      min: 0,
      max: 19,
      byDefault: 10,
    }),
  },
)

export const SCHEMA = section('', {
  server,
  service_locator: serviceLocator,
  data_store: dataStore,
  session_start_time: optionalDateTime({
    comment:
      'UTC date-time, as 2026-01-30 09:30:00: orders before it are left out when an account that has no snapshot is\n' +
      'restored. Absent, all its orders are read.',
  }),
  data_directory: text({
    comment: 'Where journals and files are kept.',
    what: 'a path',
    byDefault: 'data',
  }),
  durability: choice({
    comment:
      'How far an order goes before it is acknowledged: fsync, it is on the disk; os, it outlives the server but not\n' +
      'the machine; none, for tests.',
    words: ['fsync', 'os', 'none'],
    byDefault: 'fsync',
  }),
  engine,
  checks: list({
    comment: 'What an order must pass, in this order.',
    items: choice({
      comment: 'a check',
      words: ['board_lot', 'buying_power', 'risk_state'],
      byDefault: 'board_lot',
    }),
    byDefault: ['board_lot', 'buying_power', 'risk_state'],
  }),
  journal: section('The journals, one for each shard.', {
    segment_bytes: integer({
      comment: 'Size of the files that a journal is made of.',
      unit: 'bytes',
      min: MIB,
      max: GIB,
      byDefault: 64 * MIB,
    }),
    spare_segments: integer({
      comment:
        'Files made ahead of time and kept ready, so that a burst of orders does not share the disk with their making. One\n' +
        'file takes about 250,000 events.',
      unit: 'files',
      min: 1,
      max: 1024,
      byDefault: 16,
    }),
  }),
  limits,
  market_data: section('Which tickers the server follows at the market data service.', {
    subscribe: choice({
      comment:
        'first_use, those of positions and orders, from the first order on; everything, all that the service has, which\n' +
        'suits a market of some hundred tickers.',
      words: ['first_use', 'everything'],
      byDefault: 'first_use',
    }),
    first_use_ms: integer({
      comment:
        'How long the first order of a ticker waits for its market, and later ones of the same account behind it. Then it is\n' +
        'judged without a quote.',
      unit: 'milliseconds',
      min: 1,
      max: 60_000,
      byDefault: 1_000,
    }),
  }),
  writer: section('The thread that copies the journals into the stores.', {
    copy: choice({
      comment:
        'Whether orders are copied into the store all the time, or only what there is at the start of the server; then\n' +
        'journals grow until the next start. For measurements.',
      words: ['always', 'at_start'],
      byDefault: 'always',
    }),
    batch_rows_max: integer({
      comment: 'Rows that are written to a store at once.',
      unit: 'rows',
      min: 1,
      max: 100_000,
      byDefault: 32_768,
    }),
    batch_bytes_max: integer({
      comment: 'Size of the rows that are written to a store at once; a batch may exceed it by its last row.',
      unit: 'bytes',
      min: 64 * KIB,
      max: 64 * MIB,
      byDefault: 4 * MIB,
    }),
    batch_age_ms: integer({
      comment: 'How long a row waits for others before it is written.',
      unit: 'milliseconds',
      min: 0,
      max: 60_000,
      byDefault: 20,
    }),
    lag_ms_max: integer({
      comment:
        'How far a store may fall behind while shards and clients want the processors; beyond it the writer takes its\n' +
        'share again.',
      unit: 'milliseconds',
      min: 0,
      max: 3_600_000,
      byDefault: 60_000,
    }),
    catch_up_share: integer({
      comment:
        'Part of the time that a store which was away may spend on catching up while orders come in: after each of its\n' +
        'small statements it rests for the other part. 100 lets it catch up as fast as it can, at the cost of the orders.',
      unit: 'percent',
      min: 1,
      max: 100,
      byDefault: 25,
    }),
    retry_first_ms: integer({
      comment: 'Pause before a store that failed is tried again; each further pause is about twice as long.',
      unit: 'milliseconds',
      min: 1,
      max: 60_000,
      byDefault: 100,
    }),
    retry_longest_ms: integer({
      comment: 'The longest of these pauses. A store is tried for as long as the server runs.',
      unit: 'milliseconds',
      min: 1,
      max: 3_600_000,
      byDefault: 10_000,
    }),
    stop_ms_max: integer({
      comment:
        'How long the server waits at its end for stores to take what they lack; the next start goes on from there.',
      unit: 'milliseconds',
      min: 0,
      max: 3_600_000,
      byDefault: 60_000,
    }),
    nice: integer({
      comment: 'How far the thread steps back behind the others when cores are scarce.',
      unit: 'nice levels',
      min: 0,
      max: 19,
      byDefault: 19,
    }),
  }),
  readers: section('The threads that answer queries from the stores.', {
    threads: integer({
      comment: 'How many there are; each holds one connection to each store that it asks.',
      unit: 'threads',
      min: 0,
      max: 16,
      byDefault: 1,
    }),
    nice: integer({
      comment: 'How far each steps back behind the threads of orders when cores are scarce.',
      unit: 'nice levels',
      min: 0,
      max: 19,
      byDefault: 10,
    }),
  }),
  platform,
  admin,
  console,
  log: section(LOG_COMMENT, {
    level: logLevel,
    levels: section('Levels of single parts, where they are not that of everything.', {
      main: partLevel('The main thread: connections, logins, requests.'),
      shard: partLevel('The shards; at debug, every event that has become durable.'),
      writer: partLevel('The writer; at debug, every event that a store has taken.'),
      platform: partLevel('The services that the server brings up itself.'),
    }),
    ...logFile,
  }),
})
