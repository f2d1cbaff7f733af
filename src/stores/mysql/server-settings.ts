// Which settings of a server let it lose what it has acknowledged. The writer counts a commit as safe, and the journals
// drop what every store has; so each such setting is told at the start, with what it means.

import type { Log } from '../../base/log.ts'
import type { MysqlConnection } from '../../base/mysql.ts'

export interface UnsafeSetting {
  /** As the server calls it, with its value. */
  readonly setting: string
  readonly meaning: string
}

/** What is asked for; a server that lacks one of them does not answer for it. */
const ASKED = [
  'innodb_flush_log_at_trx_commit',
  'innodb_doublewrite',
  'innodb_flush_method',
  'log_bin',
  'sync_binlog',
  'wsrep_on',
  'wsrep_trx_fragment_size',
  'wsrep_osu_method',
]

/** @param values of the variables by name; those the server does not have are missing. */
export function unsafeSettings(values: ReadonlyMap<string, string>): UnsafeSetting[] {
  const found: UnsafeSetting[] = []
  const unsafe = (name: string, meaning: string) => found.push({ setting: `${name} = ${values.get(name)}`, meaning })
  const isCluster = isOn(values.get('wsrep_on'))

  const flush = values.get('innodb_flush_log_at_trx_commit')
  if (flush !== undefined && flush !== '1' && flush !== '3') {
    const kills = flush === '2' ? 'a power failure' : 'a power failure, or a crash of the server,'
    unsafe(
      'innodb_flush_log_at_trx_commit',
      isCluster
        ? `${kills} of all nodes at once loses what was committed in the last second or so; 1 keeps it`
        : `${kills} loses what was committed in the last second or so; 1 keeps it`,
    )
  }
  const doublewrite = values.get('innodb_doublewrite')
  if (doublewrite !== undefined && !isOn(doublewrite) && doublewrite.toUpperCase() !== 'DETECT_ONLY') {
    unsafe(
      'innodb_doublewrite',
      'a power failure in the middle of writing a page can damage tables beyond repair, unless the file system writes ' +
        'whole pages or none; ON protects them',
    )
  }
  if (doublewrite?.toUpperCase() === 'DETECT_ONLY') {
    unsafe('innodb_doublewrite', 'a page that was half written is found out but cannot be repaired; ON repairs it')
  }
  if (values.get('innodb_flush_method')?.toLowerCase() === 'nosync') {
    unsafe('innodb_flush_method', 'nothing is ever made safe on the disk: a power failure can lose the whole store')
  }
  if (isOn(values.get('log_bin')) && values.get('sync_binlog') !== '1') {
    unsafe(
      'sync_binlog',
      'after a power failure the binary log can lack commits that the tables have, so replicas lack them for ever; 1 ' +
        'keeps both alike',
    )
  }
  const fragment = Number(values.get('wsrep_trx_fragment_size') ?? 0)
  if (isCluster && fragment > 0) {
    unsafe(
      'wsrep_trx_fragment_size',
      'a batch reaches the other nodes in pieces, and each piece can be refused by itself; 0 sends it whole',
    )
  }
  if (isCluster && values.get('wsrep_osu_method')?.toUpperCase() === 'RSU') {
    unsafe('wsrep_osu_method', 'tables are made and changed on this node alone; TOI changes them on all nodes')
  }
  return found
}

/** What this thread has told of each store, so that a store that comes and goes is not told over and over. */
const told = new Map<string, string>()

/** Warns of each unsafe setting, once as long as it stays. */
export async function tellUnsafeSettings(
  connection: MysqlConnection,
  store: string,
  log: Pick<Log, 'warning'>,
): Promise<void> {
  const values = new Map<string, string>()
  const names = ASKED.map(name => `'${name}'`).join(', ')
  const rows = await connection.query(`SHOW GLOBAL VARIABLES WHERE Variable_name IN (${names})`)
  for (const row of rows) values.set(String(row.Variable_name).toLowerCase(), String(row.Value))
  await connection.run('ROLLBACK')
  const found = unsafeSettings(values)
  const text = JSON.stringify(found)
  if ((told.get(store) ?? '[]') === text) return
  told.set(store, text)
  for (const { setting, meaning } of found) {
    log.warning('the database may lose what it has acknowledged', { store, setting, meaning })
  }
}

function isOn(value: string | undefined): boolean {
  return value !== undefined && ['ON', '1', 'YES', 'TRUE'].includes(value.toUpperCase())
}
