// The oes command: the tree of its subcommands, their flags and their help. The only door to commander. What a
// subcommand does is in commands/; here its words are read, the server is connected to, and every failure is turned
// into a line for people and an exit status.

import fs from 'node:fs'
import { Command, CommanderError } from 'commander'
import { connect, type OesClient, type StateChange } from '../client/index.ts'
import { parseWhole } from './arguments.ts'
import { commandErrorOf } from './command-error.ts'
import { cancel } from './commands/cancel.ts'
import { type CancelAllFlags, cancelAll, cancelAllOrder } from './commands/cancel-all.ts'
import { type ChangesFlags, showChanges as showAllChanges } from './commands/changes.ts'
import { type ConfigFlags, showConfig } from './commands/config.ts'
import { type ConsoleFlags, serveConsoleOf } from './commands/console.ts'
import { type FeedFlags, feed } from './commands/feed.ts'
import { findJournals, listJournals, verifyJournals } from './commands/journal.ts'
import { checkKillFlags, type KillFlags, kill } from './commands/kill.ts'
import {
  approveRequest,
  type LimitFlags,
  type LimitsDesk,
  rejectRequest,
  requestLimits,
  showChanges,
  showLimits,
  showRequests,
  storeState,
  withLimits,
} from './commands/limits.ts'
import { type LogFlags, showLog } from './commands/log.ts'
import { type LogLevelFlags, logLevel } from './commands/log-level.ts'
import { checkObserverWords, type ObserverFlags, observers } from './commands/observers.ts'
import { type OrdersFlags, orders } from './commands/orders.ts'
import { type PlatformFlags, platform } from './commands/platform.ts'
import { positions } from './commands/positions.ts'
import { checkReplaceFlags, type ReplaceFlags, replace } from './commands/replace.ts'
import {
  exportPositions,
  type RiskAction,
  resetScopes,
  showPortfolios,
  showStates,
  withRiskServer,
} from './commands/risk.ts'
import {
  addRule,
  changeRule,
  deleteRule,
  listRules,
  listViolations,
  type NodeFlags,
  type RulesDesk,
  withRules,
} from './commands/rules.ts'
import { type SessionsFlags, sessions, sessionsShown } from './commands/sessions.ts'
import type { AuditFlags } from './commands/store-audit.ts'
import type { RebuildFlags } from './commands/store-rebuild.ts'
import type { VerifyFlags } from './commands/store-verify.ts'
import { orderOf, type SubmitFlags, submit } from './commands/submit.ts'
import { checkSwitchWords, deadMansSwitch, type SwitchFlags } from './commands/switch.ts'
import { type TopFlags, top } from './commands/top.ts'
import { type TuneFlags, tune } from './commands/tune.ts'
import { type WatchFlags, watch } from './commands/watch.ts'
import { ExitStatus } from './exit-status.ts'
import { locatedServerOptions } from './located-server.ts'
import type { LocatorFlags } from './locator-options.ts'
import { Output } from './output.ts'
import { Progress } from './progress.ts'
import { readConfig, type ServerFlags, serverOptions, withClient } from './server-options.ts'

interface CommonFlags extends ServerFlags {
  json?: boolean
}

const output = new Output(process.stdout, process.stderr, process.env)
/** Of the subcommand that ran; `serve` has numbers of its own. */
let status: number = ExitStatus.Ok

// `oes orders | head`: a reader that has seen enough is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
  process.exit(status)
})

const program = new Command('oes')
  .description('Order execution server: runs it, trades through it, looks at what it keeps.')
  .version(packageVersion(), '-V, --version', 'tell the version')
  .exitOverride()
  .showHelpAfterError('     See --help.')
  .configureOutput({ outputError: (text, write) => write(text.replace(/^error: /, 'oes: ')) })
  .addHelpText(
    'after',
    `
Which server, and as whom:
  --server HOST:PORT, else OES_SERVER, else the server section of --config FILE, else 127.0.0.1:20700
  --username, else OES_USERNAME; --password, else OES_PASSWORD

Exit status:
  0  done    1  refused or failed    2  wrong command line    3  outcome unknown

Examples:
  $ oes serve
  $ export OES_USERNAME=alice OES_PASSWORD=...
  $ oes submit buy 100 ABX.TSX --limit 25.37
  $ oes watch --from 1`,
  )

program
  .command('serve')
  .description('run the server in the foreground, until it is interrupted')
  .option('-c, --config <file>', 'configuration; all on loopback, with a platform of its own, where absent')
  .option('--log-file <file>', 'write the log to this file, whatever the configuration says')
  .option('--adopt-store', 'on a new machine: go on from what the stores hold; the old server must never run again')
  .addHelpText(
    'after',
    `
The first interrupt stops in order; a second one at once. SIGHUP reads the section log of the configuration again and
opens the file of the log anew; SIGUSR2 has everything told, and a second one as little as before.

Examples:
  $ oes serve
  $ oes serve --config config.yml
  $ oes serve --config config.yml --adopt-store`,
  )
  .action(async (flags: { config?: string; adoptStore?: boolean; logFile?: string }) => {
    const { serve } = await import('../main/main.ts')
    status = await serve(flags)
  })

program
  .command('top')
  .description('show throughput, latency, load, lag and health of a running server, refreshed')
  .option('-a, --admin <host:port>', 'its administrative port; OES_ADMIN, else that of --config, else 127.0.0.1:20701')
  .option('-c, --config <file>', 'configuration of the server, to find its administrative port')
  .option('-i, --interval <ms>', 'time between two looks; 2000 where absent')
  .option('--once', 'one page of plain text over one interval, for scripts')
  .option('--json', 'the same as one JSON value')
  .addHelpText(
    'after',
    `
Keys: q quits, s sorts the shards by name, load, orders or depth, p or the space bar pauses.
Rates and percentiles are those of the time between the last two looks. NO_COLOR=1 leaves colours out.

Examples:
  $ oes top
  $ oes top --config config.yml --interval 5000
  $ oes top --once`,
  )
  .action(async (flags: TopFlags) => {
    status = await top(output, flags, process.env)
  })

program
  .command('tune')
  .description('measure on this machine how many shards suit it, and how they should wait; from a checkout')
  .option('-c, --config <file>', 'configuration of the server, to measure on the disk of its data directory')
  .option('-d, --directory <dir>', 'measure on the disk of this directory; the temporary one where both are absent')
  .option('--minutes <n>', 'begin nothing after so long; 10 where absent')
  .option('--seconds <n>', 'length of one measurement; 3 where absent')
  .option('--rounds <n>', 'how often each is made; 2 where absent')
  .option('-o, --output <file>', 'where the plot goes; oes-tune.svg where absent')
  .option('--json', 'the result as one JSON value')
  .option('--quick', 'the smallest size: shows that it works, its figures mean nothing')
  .addHelpText(
    'after',
    `
Starts servers of its own, one after the other, with a load as large as they can take, and removes them again. A server
that trades on this machine would be disturbed, and would disturb the figures.

Examples:
  $ oes tune
  $ oes tune --config config.yml --minutes 5`,
  )
  .action(async (flags: TuneFlags) => {
    status = await tune(flags, process.env)
  })

program
  .command('platform')
  .description('run the surrounding services in the foreground, all or some, until it is interrupted')
  .option('-c, --config <file>', 'configuration; all services on loopback where absent')
  .option('--services <names>', 'only these, separated by commas; what the configuration says where absent')
  .addHelpText(
    'after',
    `
Services: service_locator, definitions, administration, uid, market_data, compliance. Those of other processes are found
through the service locator, so they may be started in any order. The first interrupt stops in order; a second one at
once. SIGHUP reads the definitions again. platform.default.yml explains each key of the configuration.

Examples:
  $ oes platform
  $ oes platform --config platform.yml
  $ oes platform --config compliance.yml --services compliance,uid`,
  )
  .action(async (flags: PlatformFlags) => {
    status = await platform(flags)
  })

program
  .command('config')
  .description('show the configuration that is in force, with secrets hidden, or only check it')
  .option('-c, --config <file>', 'configuration; the defaults of a server without one where absent')
  .option('--for <program>', 'whose it is: server, platform or risk-server', 'server')
  .option('--check', 'only tell whether it can be used; 1 where it cannot')
  .option('--json', 'one JSON value per line')
  .addHelpText(
    'after',
    `
What is wrong is told with file, line, column and key, all of it at once. Secrets that the configuration takes from the
environment or from files are looked for there, as the server does.

Examples:
  $ oes config --config config.yml
  $ oes config --config config.yml --check
  $ oes config --config platform.yml --for platform`,
  )
  .action((flags: ConfigFlags & { json?: boolean }) => {
    output.isJson = flags.json === true
    status = showConfig(output, flags)
  })

program
  .command('log')
  .description('show lines of logs for people, from files or standard input')
  .argument('[file...]', 'the files in their order; standard input where absent')
  .option('--order <id>', 'only lines about this order')
  .option('--account <id>', 'only lines about this account')
  .option('--component <name>', 'only lines of this part, as main, writer, shard-0')
  .option('--level <level>', 'only lines at least so serious: debug, info, warning, error')
  .addHelpText(
    'after',
    `
At level debug there is a line for each step of an order: its request goes to a shard, each of its events is durable,
published, and stored.

Examples:
  $ oes log srv_20260130_093000.log
  $ oes log --order 1042 logs/srv_*.log srv_*.log
  $ tail -f srv_20260130_093000.log | oes log --level warning`,
  )
  .action(async (files: string[], flags: LogFlags) => {
    status = await showLog(output, files, flags)
  })

program
  .command('log-level')
  .description('change how much a running server on this machine writes to its log, until it is told or started anew')
  .argument('<level>', 'debug, info, warning or error; configured for what its configuration says')
  .argument('[part]', 'only of this part: main, shard, writer or platform')
  .option('-c, --config <file>', 'configuration of the server; that of a server without one where absent')
  .option('-d, --directory <folder>', 'folder with the pid.lock of scripts/start.sh; this one where absent')
  .option('--pid <number>', 'process of the server, where scripts/start.sh has not started it')
  .addHelpText('after', '\nExamples:\n  $ oes log-level debug shard --config config.yml\n  $ oes log-level configured')
  .action(async (level: string, part: string | undefined, flags: LogLevelFlags) => {
    status = await logLevel(output, level, part, flags)
  })

const consoleCommand = program
  .command('console')
  .description("serve the operators' page as a process of its own, until it is interrupted")
  .option('-i, --interface <host:port>', 'where the page is served; 127.0.0.1:20702 where absent')
  .option('-s, --server <host:port>', 'order execution server; OES_SERVER, else 127.0.0.1:20700 where absent')
  .option('-l, --locator <host:port>', 'service locator; OES_LOCATOR, else 127.0.0.1:20000 where absent')
  .option('--admin <host:port>', 'administrative port of the server; 127.0.0.1:20701 where absent')
  .addHelpText(
    'after',
    `
A server serves the page itself unless console.http is off; this is for another machine, or for one that should spend
nothing on it. Where the interface is not loopback, a proxy has to bring TLS: logins work over it alone. The flags of TLS
say how the order execution server is spoken to; their files are read again before each connection. Where that server
binds accounts to certificates, its console.client_certificate has to be the one that is given here.

Examples:
  $ oes console
  $ oes console --interface 127.0.0.1:8080 --server 10.0.0.5:20700 --locator 10.0.0.5:20000 --admin 10.0.0.5:20701`,
  )
  .action(async (flags: ConsoleFlags) => {
    status = await serveConsoleOf(flags, process.env)
  })
withTlsFlags(consoleCommand)

program
  .command('feed')
  .description('publish recorded market data to the market data service, as an example of a feed')
  .argument('<file>', 'the recording: comma separated values or JSON, a line for each event')
  .option('-l, --locator <host:port>', 'service locator; OES_LOCATOR, else 127.0.0.1:20000 where absent')
  .option('-u, --username <name>', 'account of a service to log in with')
  .option('-p, --password <password>', 'its password; OES_PASSWORD keeps it out of the list of processes')
  .option('--speed <percent>', 'how fast; 100, as fast as it was recorded, where absent')
  .addHelpText(
    'after',
    `
The market data service has to be one without a feed of its own: market_data.feed: published.

Examples:
  $ oes feed day.csv --locator 127.0.0.1:20000 --username market_data_service
  $ oes feed day.csv --speed 1000`,
  )
  .action(async (file: string, flags: FeedFlags) => {
    status = await feed(output, file, flags, process.env)
  })

program
  .command('risk-server')
  .description('watch the risk of every account in the foreground, until it is interrupted')
  .option('-c, --config <file>', 'configuration; a service locator on loopback where absent')
  .option('--forget-snapshots', 'count every account from its first order again')
  .addHelpText(
    'after',
    `
It logs in as an administrator, follows every account of the order execution server, and writes risk states to the
administration service. While it is away the last states stay in force. The first interrupt stops in order; a second one
at once.

Examples:
  $ oes risk-server
  $ oes risk-server --config risk.yml`,
  )
  .action(async (flags: { config?: string; forgetSnapshots?: boolean }) => {
    const { serveRisk } = await import('../risk/risk-process.ts')
    status = await serveRisk(flags)
  })

const risk = program
  .command('risk')
  .description('ask the risk server how accounts stand and what they hold')
  .addHelpText(
    'after',
    `
Which accounts: your own, the traders of the groups you manage, and for administrators all.

Examples:
  $ oes risk states
  $ oes risk portfolio alice
  $ oes risk reset TSX
  $ oes risk export > positions.csv`,
  )
riskCommand('states')
  .description('show the risk state and the result of accounts')
  .argument('[account...]', 'names or ids; all that you may see where absent')
  .addHelpText('after', '\nExamples:\n  $ oes risk states\n  $ oes risk states alice --json')
  .action((accounts: string[], flags: LocatorFlags) => runRisk(flags, showStates(accounts)))
riskCommand('portfolio')
  .description('show positions with their realised and unrealised results')
  .argument('[account...]', 'names or ids; all that you may see where absent')
  .addHelpText('after', '\nExamples:\n  $ oes risk portfolio\n  $ oes risk portfolio alice --json')
  .action((accounts: string[], flags: LocatorFlags) => runRisk(flags, showPortfolios(accounts)))
riskCommand('reset')
  .description('begin results, fees and volumes again at zero, as when a trading day is over; administrators only')
  .argument('<scope...>', "what to reset: '*', a country, a venue or a ticker")
  .addHelpText(
    'after',
    "\nPositions and what they cost stay.\n\nExamples:\n  $ oes risk reset TSX\n  $ oes risk reset '*'",
  )
  .action((scopes: string[], flags: LocatorFlags) => runRisk(flags, resetScopes(scopes)))
riskCommand('export')
  .description('write positions as comma separated values, magnitudes with their side')
  .argument('[account...]', 'names or ids; all that you may see where absent')
  .addHelpText('after', '\nExamples:\n  $ oes risk export > positions.csv\n  $ oes risk export alice')
  .action((accounts: string[], flags: LocatorFlags) => runRisk(flags, exportPositions(accounts)))

remoteCommand('submit')
  .description('submit an order and show the first report')
  .argument('<side>', 'buy (bid) or sell (ask)')
  .argument('<quantity>', 'how much')
  .argument('<ticker>', 'SYMBOL.VENUE, as ABX.TSX')
  .option('-l, --limit <price>', 'limit price; the cap of a pegged order; a market order where absent')
  .option('--stop <price>', 'stop order: trigger price')
  .option('--peg <kind>', 'pegged order: primary, market or mid')
  .option('-t, --tif <time in force>', 'day, gtc, opg, moc, ioc, fok, gtx or gtd; day where absent')
  .option('--expiry <time>', 'end of a gtd order, as 2026-01-30T14:30 (UTC)')
  .option('-d, --destination <id>', "where to route; the preferred destination of the ticker's venue where absent")
  .option('--currency <code>', "ISO 4217 code or number; that of the ticker's venue where absent")
  .option('-a, --account <name or id>', 'whose order it is; your own where absent')
  .option('--cl-ord-id <id>', 'your own id of the order; the same again never places a second one')
  .option('-f, --follow', 'go on showing reports until the order has ended')
  .addHelpText(
    'after',
    `
Examples:
  $ oes submit buy 100 ABX.TSX --limit 25.37
  $ oes submit sell 500 RY.TSX --tif ioc --limit 130 --follow
  $ oes submit buy 100 ABX.TSX --peg mid --limit 25.40`,
  )
  .action((side: string, quantity: string, ticker: string, flags: SubmitFlags & CommonFlags) => {
    const order = orderOf(side, quantity, ticker, flags)
    const deadlineMs = parseWhole(flags.deadline ?? '5000', 'a time in milliseconds', 1)
    return run(flags, client => submit(client, output, order, { ...flags, deadlineMs }))
  })

remoteCommand('cancel')
  .description('ask for orders to be canceled')
  .argument('<order...>', 'order ids')
  .option('-a, --account <name or id>', 'whose orders they are; looked up where absent')
  .addHelpText(
    'after',
    `
Examples:
  $ oes cancel 1042
  $ oes cancel 1042 1043 1044 --account alice`,
  )
  .action((words: string[], flags: CommonFlags & { account?: string }) => {
    const orderIds = words.map(word => parseWhole(word, 'an order id', 1))
    return run(flags, client => cancel(client, output, orderIds, flags))
  })

const cancelAllCommand = program
  .command('cancel-all')
  .description('cancel many orders, and wait for their ends')
  .option('-r, --scope <scope>', "'*', a country, a venue or a ticker; alone: of every account you may trade")
  .option('--region <scope>', 'the same as --scope')
  .option('-a, --account <name>', 'of one account')
  .option('-g, --group <name>', 'of the traders of a group')
  .option('-o, --order <id>', 'one order; what else is said does not matter')
  .option('-b, --begin <time>', "submitted from then on: a date is the venue's own day, a date with a time is UTC")
  .option('-e, --end <time>', 'submitted up to then; a date counts whole')
  .option('-j, --connections <n>', 'requests go over so many connections; half of the cores where absent')
  .option('-m, --message <text>', "kept with the reports; 'Canceled in bulk.' where absent")
  .option('--dry-run', 'count, and change nothing')
  .option('--force', 'mark the orders as canceled without asking their destinations; administrators only')
  .option(
    '-c, --config <file>',
    'configuration whose section service_locator leads to the server; config.yml where absent',
  )
  .option('-s, --server <host:port>', 'server to talk to, instead')
  .option('-u, --username <name>', 'account to log in with; that of the section where absent')
  .option('-p, --password <password>', 'its password; OES_PASSWORD keeps it out of the list of processes')
  .option('--deadline <ms>', 'time that orders are given to end; 30000 where absent')
  .option('--json', 'the summary as JSON')
  .addHelpText(
    'after',
    `
Orders that come while it runs are left alone. Running it again is harmless, and finishes what a broken run has left.

Exit status: 0 all have ended, 1 something failed, 2 wrong command line, 3 some are still open or no answer came.

Examples:
  $ oes cancel-all --scope '*'
  $ oes cancel-all --scope TSX --begin 2026-01-30 --end 2026-01-30 --message 'Session reset.'
  $ oes cancel-all --account alice --dry-run
  $ oes cancel-all --order 1042 --force`,
  )
  .action(async (flags: CancelAllFlags & CommonFlags) => {
    output.isJson = flags.json === true
    const order = cancelAllOrder(flags)
    const { deadline: _, ...where } = flags
    const options = await locatedServerOptions(where, process.env)
    const progress = (what: string) => new Progress(process.stderr, what)
    status = await cancelAll(() => connect(options), output, progress, order)
  })
withTlsFlags(cancelAllCommand)

remoteCommand('replace')
  .description('ask for a live order to go on with another quantity or price')
  .argument('<order>', 'order id')
  .option('--quantity <number>', 'new total, what was executed included; as it is where absent')
  .option('--price <price>', 'new limit, trigger or cap; as it is where absent')
  .option('-a, --account <name or id>', 'whose order it is; looked up where absent')
  .option('--cl-ord-id <id>', 'of this replace; one is made where absent')
  .addHelpText(
    'after',
    `
A quantity that has been executed already cancels the rest.

Examples:
  $ oes replace 1042 --price 25.40
  $ oes replace 1042 --quantity 300 --price 25.40 --account alice`,
  )
  .action((word: string, flags: CommonFlags & ReplaceFlags) => {
    const orderId = parseWhole(word, 'an order id', 1)
    checkReplaceFlags(flags)
    const deadlineMs = parseWhole(flags.deadline ?? '5000', 'a time in milliseconds', 1)
    return run(flags, client => replace(client, output, orderId, { ...flags, deadlineMs }))
  })

remoteCommand('watch')
  .description('show orders and reports as they happen, over reconnects, without gap or duplicate')
  .option('-a, --account <name or id>', 'whose; your own where absent')
  .option('-g, --group <name>', 'all members of a trading group')
  .option('--from <sequence>', 'begin at this report sequence of the account; 1 is the first ever')
  .option('-n, --count <lines>', 'end after so many')
  .addHelpText(
    'after',
    `
Examples:
  $ oes watch
  $ oes watch --account alice --from 1
  $ oes watch --group desk --json | jq .orderId`,
  )
  .action((flags: WatchFlags & CommonFlags) => run(flags, client => watch(client, output, flags)))

remoteCommand('orders')
  .description('list orders, newest last')
  .option('-a, --account <name or id>', 'whose; your own where absent')
  .option('--live', 'only those that have not ended')
  .option('--symbol <symbol>', 'only this symbol, as ABX')
  .option('--venue <mic>', 'only this venue, by its MIC, as XTSE')
  .option('--from <point>', 'first order sequence, or a time as 2026-01-30T14:30 (UTC)')
  .option('--to <point>', 'last order sequence, or a time')
  .option('--first <n>', 'only the first n')
  .option('--last <n>', 'only the last n; 50 where nothing is said')
  .option('--all', 'all of them')
  .addHelpText(
    'after',
    `
Examples:
  $ oes orders --live
  $ oes orders --from 2026-01-30 --all --json
  $ oes orders --account alice --symbol ABX --last 10`,
  )
  .action((flags: OrdersFlags & CommonFlags) => run(flags, client => orders(client, output, flags)))

remoteCommand('positions')
  .description('show positions and buying power')
  .argument('[account...]', 'names or ids; your own where absent')
  .addHelpText(
    'after',
    `
Examples:
  $ oes positions
  $ oes positions alice bob --json`,
  )
  .action((accounts: string[], flags: CommonFlags) =>
    run(flags, client => positions(client, output, accounts.length === 0 ? [undefined] : accounts)),
  )

remoteCommand('kill')
  .description('kill switch: no new orders, and cancel the working ones; stays until an administrator lifts it')
  .option('-a, --account <name or id>', 'of one account')
  .option('-g, --group <name>', 'of the traders of a group')
  .option('-d, --destination <id>', 'to one destination')
  .option('--all', 'of everybody')
  .option('-r, --reason <text>', 'why; kept with the halt')
  .option('--lift', 'let orders pass again')
  .option('--list', 'show what is halted')
  .addHelpText(
    'after',
    `
A halt holds over restarts, and needs neither store nor service. Whoever may trade an account may halt it, a manager his
group, an administrator anything; only an administrator lifts. Throwing it again cancels what was missed.

Examples:
  $ oes kill --account alice --reason 'runaway algorithm'
  $ oes kill --all
  $ oes kill --all --lift --reason 'venue confirmed'
  $ oes kill --list`,
  )
  .action((flags: KillFlags & CommonFlags) => {
    checkKillFlags(flags)
    return run(flags, client => kill(client, output, flags))
  })

remoteCommand('sessions')
  .description('who is logged in, from where, since when, and with what under way; administrators only')
  .option('-a, --account <name or id>', 'only those of that account')
  .option('--limit <n>', 'at most so many; 1000 where absent')
  .addHelpText('after', '\nExamples:\n  $ oes sessions\n  $ oes sessions --account alice --json')
  .action((flags: SessionsFlags & CommonFlags) => {
    const shownMax = sessionsShown(flags)
    return run(flags, client => sessions(client, output, shownMax, flags))
  })

remoteCommand('switch')
  .description("dead-man's switch: cancel everything of an account unless refreshed in time")
  .argument('<action>', 'arm, refresh, disarm or show')
  .option('-a, --account <name or id>', 'of that account; the own one where absent')
  .option('-t, --timeout <ms>', 'with arm: time until it fires, from 1000 to 86400000')
  .option('--gtc', 'with arm: also orders that are good till canceled')
  .option('--gtd', 'with arm: also orders that are good till a date')
  .addHelpText(
    'after',
    `
The switch holds over restarts, and time goes on while the server is down. It fires once; then it has to be armed again.

Examples:
  $ oes switch arm --timeout 30000
  $ oes switch refresh
  $ oes switch show --account alice
  $ oes switch disarm`,
  )
  .action((word: string, flags: SwitchFlags & CommonFlags) => {
    const action = checkSwitchWords(word, flags)
    return run(flags, client => deadMansSwitch(client, output, action, flags))
  })

const rules = program
  .command('rules')
  .description('compliance rules: list, store, change and delete them; what they objected to')
  .addHelpText(
    'after',
    `
A rule is a name and its parameters; a rule inside another stands behind a slash. docs/compliance.md explains all of them.
Administrators store rules; a change is in force in all shards within a second.

Examples:
  $ oes rules list --group north
  $ oes rules add --account alice maximum_order_quantity quantity=1000
  $ oes rules add --group north scope_filter scope=TSX / per_ticker / order_count_limit count=10
  $ oes rules change 7 --group north --state passive
  $ oes rules violations --account alice`,
  )
rulesOfCommand('list')
  .description('list rules with their states; SHUT where one has shut itself')
  .action((flags: NodeFlags & LocatorFlags) => runRules(flags, desk => listRules(desk, flags)))
rulesOfCommand('add')
  .description('store a rule')
  .argument('<words...>', 'name, parameters as name=value, a rule inside behind a slash')
  .option('--state <state>', 'active, passive (it only tells) or disabled; active where absent')
  .action((words: string[], flags: NodeFlags & LocatorFlags & { state?: string }) =>
    runRules(flags, desk => addRule(desk, words, flags)),
  )
rulesOfCommand('change')
  .description('store a rule anew: with other words, in another state; as it was, which opens one that has shut itself')
  .argument('<rule>', 'its number')
  .argument('[words...]', 'name and parameters; as they were where absent')
  .option('--state <state>', 'active, passive or disabled; as it was where absent')
  .action((rule: string, words: string[], flags: NodeFlags & LocatorFlags & { state?: string }) =>
    runRules(flags, desk => changeRule(desk, parseWhole(rule, 'the number of a rule', 1), words, flags)),
  )
rulesCommand('delete')
  .description('delete a rule')
  .argument('<rule>', 'its number')
  .action((rule: string, flags: LocatorFlags) =>
    runRules(flags, desk => deleteRule(desk, parseWhole(rule, 'the number of a rule', 1))),
  )
rulesCommand('violations')
  .description('list what rules objected to, oldest first')
  .option('-a, --account <name>', 'only of this account; all where absent, for administrators')
  .option('--after <number>', 'only those behind this number')
  .action((flags: LocatorFlags & { account?: string; after?: string }) => {
    const after = flags.after === undefined ? 0 : parseWhole(flags.after, 'the number of a violation', 0)
    return runRules(flags, desk => listViolations(desk, { ...flags, after }))
  })

program
  .command('observers')
  .description('drop copies: accounts that read what others do, and do nothing else')
  .argument('<action>', 'list, add or remove')
  .argument('[account]', 'name of the account')
  .option('-g, --group <name>', 'who observes the traders of a group')
  .option('--everybody', 'who observes all accounts')
  .option('-l, --locator <host:port>', 'service locator; OES_LOCATOR, else 127.0.0.1:20000 where absent')
  .option('-u, --username <name>', 'account to log in with')
  .option('-p, --password <password>', 'its password; OES_PASSWORD keeps it out of the list of processes')
  .option('--json', 'one JSON value per line')
  .addHelpText(
    'after',
    `
An observer may subscribe, query, load orders and read positions. Everything else is refused, whatever other roles the
account has, and also for itself. A change holds at once, also for sessions that are there.

Examples:
  $ oes observers add auditor --group north
  $ oes observers list --everybody
  $ oes observers remove auditor --group north`,
  )
  .action(async (word: string, account: string | undefined, flags: ObserverFlags & { json?: boolean }) => {
    const action = checkObserverWords(word, account, flags)
    output.isJson = flags.json === true
    status = await observers(output, action, account, flags, process.env)
  })

const limits = program
  .command('limits')
  .description('what accounts may risk: look, set, ask for it, approve; risk states; who changed what')
  .addHelpText(
    'after',
    `
An administrator's request is granted at once, or when its date comes; a manager's is reviewed, a trader's pending until
somebody with more to say approves it. Changes are in force in all shards within a second.

Examples:
  $ oes limits show alice bob
  $ oes limits set alice --buying-power 500000 --net-loss 20000 --comment 'new desk'
  $ oes limits requests alice
  $ oes limits approve 12
  $ oes limits state alice closing
  $ oes limits changes alice`,
  )
limitsCommand('show')
  .description('show limits and states')
  .argument('<account...>', 'names')
  .action((names: string[], flags: LocatorFlags) => runLimits(flags, desk => showLimits(desk, names)))
limitsCommand('set')
  .description('set limits, or ask for them; what is left out stays as it is')
  .argument('<account>', 'name')
  .option('--currency <code>', 'ISO 4217 code or number of all figures')
  .option('--buying-power <amount>', 'the most that the account may tie up')
  .option('--net-loss <amount>', 'loss at which closing mode begins')
  .option('--allowed <state>', 'active, closing or disabled: the state the account may be in')
  .option('--transition <seconds>', 'how long closing mode lasts before the account is disabled')
  .option('--from <time>', 'when it is to hold, as 2026-01-30T14:30 (UTC); at once where absent')
  .option('--comment <text>', 'why; kept with the request')
  .action((name: string, flags: LimitFlags & LocatorFlags) =>
    runLimits(flags, desk => requestLimits(desk, name, flags)),
  )
limitsCommand('requests')
  .description('list the requests about an account')
  .argument('<account>', 'name')
  .action((name: string, flags: LocatorFlags) => runLimits(flags, desk => showRequests(desk, name)))
limitsCommand('approve')
  .description('bring a request as far as your role allows')
  .argument('<request>', 'its number')
  .option('--from <time>', 'when it is to hold; as it was where absent')
  .action((request: string, flags: LocatorFlags & { from?: string }) =>
    runLimits(flags, desk => approveRequest(desk, parseWhole(request, 'the number of a request', 1), flags)),
  )
limitsCommand('reject')
  .description('reject a request')
  .argument('<request>', 'its number')
  .action((request: string, flags: LocatorFlags) =>
    runLimits(flags, desk => rejectRequest(desk, parseWhole(request, 'the number of a request', 1))),
  )
limitsCommand('state')
  .description('store the risk state of an account')
  .argument('<account>', 'name')
  .argument('<state>', 'active, closing (only orders that reduce a position) or disabled')
  .action((name: string, state: string, flags: LocatorFlags) => runLimits(flags, desk => storeState(desk, name, state)))
limitsCommand('changes')
  .description('list who changed limits and states, with how they were before and after')
  .argument('[account]', 'name; all where absent')
  .action((name: string | undefined, flags: LocatorFlags) => runLimits(flags, desk => showChanges(desk, name)))

program
  .command('changes')
  .description('who changed what in the directory, limits, states and rules, oldest first')
  .option('--of <what>', 'directory, limits or rules; all of them where absent')
  .option('-n, --last <number>', 'only the latest so many')
  .option('-l, --locator <host:port>', 'service locator; OES_LOCATOR, else 127.0.0.1:20000 where absent')
  .option('-u, --username <name>', 'account to log in with')
  .option('-p, --password <password>', 'its password; OES_PASSWORD keeps it out of the list of processes')
  .option('--json', 'one JSON value per line')
  .addHelpText(
    'after',
    `
For administrators. What was changed is told with how it was before and after; null stands for what was or is not there.

Examples:
  $ oes changes --last 20
  $ oes changes --of limits --json`,
  )
  .action(async (flags: Omit<ChangesFlags, 'last'> & { last?: string; json?: boolean }) => {
    const { last, ...others } = flags
    output.isJson = flags.json === true
    const counted = last === undefined ? {} : { last: parseWhole(last, 'a number of changes', 1) }
    status = await showAllChanges(output, { ...others, ...counted }, process.env)
  })

const journal = program
  .command('journal')
  .description('look into journals, beside a running server or without one')
  .addHelpText(
    'after',
    `
Examples:
  $ oes journal list data
  $ oes journal verify --config config.yml`,
  )
journalCommand('list', 'list the segments of each journal', listJournals)
journalCommand('verify', 'read each journal to its end and tell whether it is whole; 1 where it is not', verifyJournals)

const store = program
  .command('store')
  .description('look into stores and put them right, beside a running server or without one')
  .addHelpText(
    'after',
    `
Stores, journals and installation are those of the configuration; without --config those of a server that was started
without one, in ./data.

Examples:
  $ oes store status --config config.yml
  $ oes store verify --config config.yml`,
  )

storeCommand('status')
  .description('show each store beside the journals: state, lag, positions; 1 where one does not take part')
  .addHelpText(
    'after',
    `
States: up to date, behind (it catches up by itself), away (it does not answer), needs rebuild (it lacks what the journals
do not hold any more), being rebuilt, refused (it is not what the journals say). Lag counts entries of the journals.

Examples:
  $ oes store status
  $ oes store status --config config.yml --json`,
  )
  .action(async (flags: CommonFlags) => {
    output.isJson = flags.json === true
    // Loaded only here, as those below: commands that talk to a server need nothing of stores, and start sooner.
    const { showStoreStatus } = await import('./commands/store-status.ts')
    status = await showStoreStatus(output, flags)
  })

storeCommand('verify')
  .description('compare the stores with one another and with the journals; 1 where they differ')
  .option('-a, --account <id>', 'only this account')
  .option('-l, --limit <rows>', 'rows that differ to be listed, 0 for all', '20')
  .option('--digests', 'show the digest of every account and day, also where they agree')
  .addHelpText(
    'after',
    `
Each store is read in one state and compared as far as it reaches, so a server may run meanwhile. Journals are compared as
far back as they go.

Examples:
  $ oes store verify
  $ oes store verify --config config.yml --account 7 --digests`,
  )
  .action(async (flags: VerifyFlags & CommonFlags) => {
    output.isJson = flags.json === true
    const { verifyStores } = await import('./commands/store-verify.ts')
    status = await verifyStores(output, flags)
  })

storeCommand('rebuild')
  .description('empty a store and fill it anew, from a healthy one or from the journals')
  .argument('<endpoint>', 'which: its name or its place in the list, as oes store status shows them')
  .option(
    '--from <source>',
    'another endpoint, or journals; where absent the healthy store that is furthest, else the journals',
  )
  .option('-y, --yes', 'do not ask before the tables are emptied')
  .addHelpText(
    'after',
    `
A server may run meanwhile as long as it has another store; it takes the store up again by itself. A rebuild that was
interrupted is gone on with by the same command. From journals only where they reach back to their first entries.

Examples:
  $ oes store rebuild db2:3306/oes --config config.yml
  $ oes store rebuild 2 --from journals --yes`,
  )
  .action(async (endpoint: string, flags: RebuildFlags & CommonFlags) => {
    output.isJson = flags.json === true
    const { rebuildStore } = await import('./commands/store-rebuild.ts')
    status = await rebuildStore(output, endpoint, flags)
  })

store
  .command('audit')
  .description('look whether the tables of each store fit together; 1 where they do not')
  .option('-c, --config <file>', 'configuration of the server', 'config.yml')
  .option('-a, --account <id>', 'only what belongs to this account; live orders are looked at whole')
  .option('-l, --limit <rows>', 'rows shown for each check, 0 for all', '20')
  .option('-j, --json <file>', 'write the findings as JSON lines to a file, - for standard output; replaces the text')
  .addHelpText(
    'after',
    `
Reads only, in one state of each store; a server may run meanwhile. Exit status 1 where anything is found, or the
configuration or a store cannot be read.

Examples:
  $ oes store audit
  $ oes store audit --config config.yml --account 7 --limit 0
  $ oes store audit --json findings.jsonl`,
  )
  .action(async (flags: AuditFlags) => {
    const { auditStores } = await import('./commands/store-audit.ts')
    status = await auditStores(output, flags)
  })

try {
  await program.parseAsync()
} catch (error) {
  if (error instanceof CommanderError) {
    // Commander has said what was wrong, or printed the help that was asked for.
    status = error.exitCode === 0 ? ExitStatus.Ok : ExitStatus.Usage
  } else {
    const failure = commandErrorOf(error)
    output.failure(failure)
    status = failure.status
  }
}
process.exitCode = status

function packageVersion(): string {
  const text = fs.readFileSync(new URL('../../package.json', import.meta.url), 'utf8')
  return (JSON.parse(text) as { version: string }).version // our own file
}

/** A subcommand that talks to the compliance service. */
function rulesCommand(name: string): Command {
  return rules
    .command(name)
    .option('-l, --locator <host:port>', 'service locator; OES_LOCATOR, else 127.0.0.1:20000 where absent')
    .option('-u, --username <name>', 'account to log in with')
    .option('-p, --password <password>', 'its password; OES_PASSWORD keeps it out of the list of processes')
    .option('--json', 'one JSON value per line')
}

/** One that is about the rules of somebody. */
function rulesOfCommand(name: string): Command {
  return rulesCommand(name)
    .option('-a, --account <name>', 'of one account')
    .option('-g, --group <name>', 'of a trading group')
    .option('--everybody', 'of all trading groups')
}

async function runRules(
  flags: LocatorFlags & { json?: boolean },
  action: (desk: RulesDesk) => Promise<ExitStatus>,
): Promise<void> {
  output.isJson = flags.json === true
  status = await withRules(output, flags, process.env, action)
}

function limitsCommand(name: string): Command {
  return limits
    .command(name)
    .option('-l, --locator <host:port>', 'service locator; OES_LOCATOR, else 127.0.0.1:20000 where absent')
    .option('-u, --username <name>', 'account to log in with')
    .option('-p, --password <password>', 'its password; OES_PASSWORD keeps it out of the list of processes')
    .option('--json', 'one JSON value per line')
}

async function runLimits(
  flags: LocatorFlags & { json?: boolean },
  action: (desk: LimitsDesk) => Promise<ExitStatus>,
): Promise<void> {
  output.isJson = flags.json === true
  status = await withLimits(output, flags, process.env, action)
}

/** A subcommand that talks to a server. */
function remoteCommand(name: string): Command {
  const command = program
    .command(name)
    .option('-s, --server <host:port>', 'server to talk to')
    .option('-u, --username <name>', 'account to log in with')
    .option('-p, --password <password>', 'its password; OES_PASSWORD keeps it out of the list of processes')
    .option('-c, --config <file>', 'configuration of the server, to find it')
    .option('--deadline <ms>', 'time until an answer is given up; 5000 where absent')
    .option('--json', 'one JSON value per line')
  return withTlsFlags(command)
}

/** How the order execution server is spoken to. */
function withTlsFlags(command: Command): Command {
  return command
    .option('--tls', 'encrypt the connection; so does OES_TLS=1, and any of the next')
    .option('--tls-ca <file>', 'authorities that are trusted, in PEM form; OES_TLS_CA, else those of the system')
    .option('--tls-certificate <file>', 'own certificate; OES_TLS_CERTIFICATE')
    .option('--tls-key <file>', 'its key; OES_TLS_KEY')
}

/** A subcommand that asks the risk server. */
function riskCommand(name: string): Command {
  return risk
    .command(name)
    .option('-l, --locator <host:port>', 'service locator; OES_LOCATOR, else 127.0.0.1:20000 where absent')
    .option('-u, --username <name>', 'account to log in with')
    .option('-p, --password <password>', 'its password; OES_PASSWORD keeps it out of the list of processes')
    .option('--json', 'one JSON value per line')
}

async function runRisk(flags: LocatorFlags & { json?: boolean }, action: RiskAction): Promise<void> {
  output.isJson = flags.json === true
  status = await withRiskServer(output, flags, process.env, action)
}

/** A subcommand that reads the stores of a configuration. */
function storeCommand(name: string): Command {
  return store
    .command(name)
    .option('-c, --config <file>', 'configuration of the server; that of a server without one where absent')
    .option('--json', 'one JSON value per line')
}

async function run(flags: CommonFlags, action: (client: OesClient) => Promise<ExitStatus>): Promise<void> {
  output.isJson = flags.json === true
  const onState = (change: StateChange) => {
    if (change.state !== 'lost') return
    output.note(`${change.cause.message} Trying again in ${Math.round(change.pauseMs)} ms.`)
  }
  status = await withClient({ ...serverOptions(flags, process.env), onState }, action)
}

function journalCommand(
  name: string,
  description: string,
  action: (output: Output, directories: readonly string[]) => ExitStatus,
): void {
  journal
    .command(name)
    .description(description)
    .argument('[directory]', 'data directory of a server, or a journal in it; data where absent')
    .option('-c, --config <file>', 'configuration of the server, to find its data directory')
    .option('--json', 'one JSON value per line')
    .addHelpText('after', `\nExamples:\n  $ oes journal ${name}\n  $ oes journal ${name} --config config.yml --json`)
    .action((directory: string | undefined, flags: { config?: string; json?: boolean }) => {
      output.isJson = flags.json === true
      const configured =
        flags.config === undefined ? 'data' : readConfig(flags.config, { withholdsSecrets: true }).dataDirectory
      status = action(output, findJournals(directory ?? configured))
    })
}
