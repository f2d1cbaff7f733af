// The directory as the locator keeps it: the graph in memory for every look-up, SQLite as the truth. A change is
// written first, together with its record, and then applied to the graph, whose listeners pass it on; so nobody hears of
// what is not stored. What is made without anybody asking for it, as a new world, has no record.
//
//   directory_entries      id, type, name
//   directory_parents      parent, child
//   directory_permissions  source, target, permissions (bits)
//   accounts               id, password (hash), built_in (1 while the password is one everybody knows), registered,
//                          last_login

import { type Database, inTransaction, type Statement } from '../../base/sqlite.ts'
import { Reason } from '../../domain/reasons.ts'
import type { Value } from '../../protocol/msgpack.ts'
import { ChangeLog } from '../changes/change-log.ts'
import { type Page, pageOf } from '../wire/pages.ts'
import { ServiceError } from '../wire/service-error.ts'
import { DirectoryGraph, type Entry, EntryType, GroupDirectory, ROOT, WellKnown } from './directory-graph.ts'
import { SERVICE_LOCATOR } from './messages.ts'
import { Permissions } from './permissions.ts'

/** Longest name of an account or directory, in characters. */
export const NAME_LENGTH_MAX = 128

export interface AccountTimes {
  /** µs since the epoch. */
  readonly registered: number
  /** µs since the epoch, 0 where the account never logged in. */
  readonly lastLogin: number
}

/** An entry that was just written, with its first parent. */
interface Made {
  readonly entry: Entry
  readonly parent: number
}

export class DirectoryStore {
  readonly graph = new DirectoryGraph()
  readonly permissions = new Permissions(this.graph)
  readonly changes: ChangeLog
  readonly #database: Database
  readonly #now: () => number
  readonly #insertEntry: Statement
  readonly #insertAccount: Statement
  readonly #insertParent: Statement

  /** @param now µs since the epoch. */
  constructor(database: Database, now: () => number) {
    this.#database = database
    this.#now = now
    database.exec(`
      CREATE TABLE IF NOT EXISTS directory_entries (id INTEGER PRIMARY KEY AUTOINCREMENT, type INTEGER NOT NULL, name TEXT NOT NULL);
      CREATE TABLE IF NOT EXISTS directory_parents (
        parent INTEGER NOT NULL, child INTEGER NOT NULL, PRIMARY KEY (parent, child)
      ) WITHOUT ROWID;
      CREATE TABLE IF NOT EXISTS directory_permissions (
        source INTEGER NOT NULL, target INTEGER NOT NULL, permissions INTEGER NOT NULL, PRIMARY KEY (source, target)
      ) WITHOUT ROWID;
      CREATE TABLE IF NOT EXISTS accounts (
        id INTEGER PRIMARY KEY, password TEXT NOT NULL, built_in INTEGER NOT NULL DEFAULT 0,
        registered INTEGER NOT NULL, last_login INTEGER NOT NULL DEFAULT 0
      );
    `)
    this.changes = new ChangeLog(database, SERVICE_LOCATOR, now)
    this.#insertEntry = database.prepare('INSERT INTO directory_entries (type, name) VALUES (?, ?)')
    this.#insertAccount = database.prepare(
      'INSERT INTO accounts (id, password, built_in, registered) VALUES (?, ?, ?, ?)',
    )
    this.#insertParent = database.prepare('INSERT INTO directory_parents (parent, child) VALUES (?, ?)')
    const entries = database.prepare('SELECT id, type, name FROM directory_entries ORDER BY id')
    for (const row of entries.iterate()) this.graph.storeEntry(entryOfRow(row))
    const parents = database.prepare('SELECT parent, child FROM directory_parents ORDER BY parent, child')
    for (const row of parents.iterate()) this.graph.associate(Number(row.parent), Number(row.child))
    for (const row of database.prepare('SELECT * FROM directory_permissions').iterate()) {
      this.permissions.store(Number(row.source), Number(row.target), Number(row.permissions))
    }
  }

  /** Runs several changes as one transaction, for worlds that are made at once. */
  together<Result>(work: () => Result): Result {
    return inTransaction(this.#database, work)
  }

  /**
   * @param options.builtIn whether everybody knows the password.
   * @param options.by who wants it, here and below; nobody in a world that is being made.
   * @throws ServiceError NAME_TAKEN, INVALID_NAME, UNKNOWN_ENTRY
   */
  makeAccount(
    name: string,
    passwordHash: string,
    parent: number,
    { builtIn = false, by }: { builtIn?: boolean; by?: number | undefined } = {},
  ): number {
    this.#checkName(name)
    if (this.graph.accountNamed(name) !== undefined) throw new ServiceError(Reason.NameTaken, [name])
    this.#directory(parent)
    return this.#atomic(by, () => {
      const account = this.#make(EntryType.Account, name, parent)
      this.#insertAccount.run(account.entry.id, passwordHash, builtIn ? 1 : 0, this.#now())
      return [account]
    })
  }

  /**
   * Makes a directory; one made in `trading_groups` is a trading group and gets its two parts.
   * @throws ServiceError NAME_TAKEN, INVALID_NAME, UNKNOWN_ENTRY
   */
  makeDirectory(name: string, parent: number, by?: number): number {
    this.#checkName(name)
    this.#directory(parent)
    if (this.graph.directoryNamed(parent, name) !== undefined) throw new ServiceError(Reason.NameTaken, [name])
    const isGroup = parent === this.graph.directoryNamed(ROOT.id, WellKnown.TradingGroups)?.id
    return this.#atomic(by, () => {
      const directory = this.#make(EntryType.Directory, name, parent)
      const parts = isGroup ? Object.values(GroupDirectory) : []
      return [directory, ...parts.map(part => this.#make(EntryType.Directory, part, directory.entry.id))]
    })
  }

  /** Deletes an entry, and with it every child that has no other parent. @throws ServiceError UNKNOWN_ENTRY, ILLEGAL_MOVE */
  delete(id: number, by?: number): void {
    this.#entry(id)
    this.#requireMovable(id)
    const doomed = new Set([id])
    for (const current of doomed) {
      for (const child of this.graph.children(current)) {
        if (this.graph.parents(child).every(parent => doomed.has(parent))) doomed.add(child)
      }
    }
    inTransaction(this.#database, () => {
      for (const one of doomed) {
        this.#database.prepare('DELETE FROM directory_parents WHERE parent = ?1 OR child = ?1').run(one)
        this.#database.prepare('DELETE FROM directory_permissions WHERE source = ?1 OR target = ?1').run(one)
        this.#database.prepare('DELETE FROM directory_entries WHERE id = ?').run(one)
        this.#database.prepare('DELETE FROM accounts WHERE id = ?').run(one)
        this.#record(by, 'entry', one, recordOf(this.#entry(one), this.graph.parents(one)), null)
      }
    })
    for (const one of [...doomed].reverse()) {
      this.permissions.forget(one)
      this.graph.deleteEntry(one)
    }
  }

  /** @throws ServiceError UNKNOWN_ENTRY, NAME_TAKEN, ILLEGAL_MOVE */
  associate(parent: number, child: number, by?: number): void {
    const entry = this.#entry(child)
    this.#directory(parent)
    if (this.graph.hasChild(parent, child)) return
    if (this.graph.isWithin(parent, child)) throw new ServiceError(Reason.IllegalMove)
    if (entry.type === EntryType.Directory && this.graph.directoryNamed(parent, entry.name) !== undefined) {
      throw new ServiceError(Reason.NameTaken, [entry.name])
    }
    const parents = this.graph.parents(child)
    inTransaction(this.#database, () => {
      this.#insertParent.run(parent, child)
      this.#record(by, 'parents', child, [...parents], [...parents, parent])
    })
    this.graph.associate(parent, child)
  }

  /** @throws ServiceError UNKNOWN_ENTRY, ILLEGAL_MOVE where it is the last parent. */
  detach(parent: number, child: number, by?: number): void {
    this.#entry(child)
    if (!this.graph.hasChild(parent, child)) throw new ServiceError(Reason.UnknownEntry, [parent])
    this.#requireMovable(child)
    const parents = this.graph.parents(child)
    if (parents.length === 1) throw new ServiceError(Reason.IllegalMove)
    inTransaction(this.#database, () => {
      this.#database.prepare('DELETE FROM directory_parents WHERE parent = ? AND child = ?').run(parent, child)
      const left = parents.filter(id => id !== parent)
      this.#record(by, 'parents', child, [...parents], left)
    })
    this.graph.detach(parent, child)
  }

  /** @throws ServiceError UNKNOWN_ENTRY, NAME_TAKEN, INVALID_NAME */
  rename(id: number, name: string, by?: number): void {
    const entry = this.#entry(id)
    this.#checkName(name)
    this.#requireMovable(id)
    if (entry.name === name) return
    const taken =
      entry.type === EntryType.Account
        ? this.graph.accountNamed(name) !== undefined
        : this.graph.parents(id).some(parent => this.graph.directoryNamed(parent, name) !== undefined)
    if (taken) throw new ServiceError(Reason.NameTaken, [name])
    inTransaction(this.#database, () => {
      this.#database.prepare('UPDATE directory_entries SET name = ? WHERE id = ?').run(name, id)
      this.#record(by, 'name', id, entry.name, name)
    })
    this.graph.storeEntry({ ...entry, name })
  }

  /** Gives an account exactly these permissions over an entry and what lies below it. @throws ServiceError UNKNOWN_ENTRY */
  storePermissions(source: number, target: number, permissions: number, by?: number): void {
    this.#entry(source)
    this.#entry(target)
    const previous = this.permissions.granted(source, target)
    inTransaction(this.#database, () => {
      this.#database
        .prepare('INSERT OR REPLACE INTO directory_permissions (source, target, permissions) VALUES (?, ?, ?)')
        .run(source, target, permissions)
      const [before, after] = [previous, permissions].map(bits => ({ source, permissions: bits }))
      this.#record(by, 'permissions', target, before!, after!)
    })
    this.permissions.store(source, target, permissions)
  }

  /** Hash of an account's password, empty where there is no such account. */
  passwordHash(account: number): string {
    const row = this.#database.prepare('SELECT password FROM accounts WHERE id = ?').get(account)
    return row === undefined ? '' : String(row.password)
  }

  /** @throws ServiceError UNKNOWN_ACCOUNT */
  storePasswordHash(account: number, passwordHash: string, by?: number): void {
    const statement = this.#database.prepare('UPDATE accounts SET password = ?, built_in = 0 WHERE id = ?')
    inTransaction(this.#database, () => {
      if (statement.run(passwordHash, account).changes === 0) throw new ServiceError(Reason.UnknownAccount)
      // That it was changed is told, and nothing of what it was.
      this.#record(by, 'password', account, null, null)
    })
  }

  /** True before anything was made. */
  get empty(): boolean {
    return this.graph.children(ROOT.id).size === 0
  }

  /** Accounts whose password everybody knows. */
  get builtInPasswords(): number {
    return Number(this.#database.prepare('SELECT count(*) AS count FROM accounts WHERE built_in = 1').get()?.count)
  }

  /** @throws ServiceError UNKNOWN_ACCOUNT */
  accountTimes(account: number): AccountTimes {
    const row = this.#database.prepare('SELECT registered, last_login FROM accounts WHERE id = ?').get(account)
    if (row === undefined) throw new ServiceError(Reason.UnknownAccount)
    return { registered: Number(row.registered), lastLogin: Number(row.last_login) }
  }

  storeLogin(account: number): void {
    this.#database.prepare('UPDATE accounts SET last_login = ? WHERE id = ?').run(this.#now(), account)
  }

  /** Entries with ids above `after`; the root is known to everybody and not among them. */
  entriesAfter(after: number, rowsMax: number): Page<Entry> {
    const rows = this.#database
      .prepare('SELECT id, type, name FROM directory_entries WHERE id > ? ORDER BY id LIMIT ?')
      .all(after, rowsMax + 1)
    return pageOf(rows.map(entryOfRow), rowsMax)
  }

  /** Pairs of parent and child that come after the given one. */
  associationsAfter(parent: number, child: number, rowsMax: number): Page<readonly [number, number]> {
    const rows = this.#database
      .prepare(
        'SELECT parent, child FROM directory_parents WHERE (parent, child) > (?, ?) ORDER BY parent, child LIMIT ?',
      )
      .all(parent, child, rowsMax + 1)
      .map(row => [Number(row.parent), Number(row.child)] as const)
    return pageOf(rows, rowsMax)
  }

  /**
   * Entries belong together with their first parents, and a group with its parts. Inside `together` the surrounding
   * transaction makes them so. @returns the id of the first entry made.
   */
  #atomic(by: number | undefined, make: () => [Made, ...Made[]]): number {
    const made = inTransaction(this.#database, () => {
      const made = make()
      for (const { entry, parent } of made) this.#record(by, 'entry', entry.id, null, recordOf(entry, [parent]))
      return made
    })
    for (const { entry, parent } of made) {
      this.graph.storeEntry(entry)
      this.graph.associate(parent, entry.id)
    }
    return made[0].entry.id
  }

  #record(by: number | undefined, what: string, subject: number, before: Value, after: Value): void {
    if (by !== undefined) this.changes.record({ by, what, subject, before, after })
  }

  #make(type: EntryType, name: string, parent: number): Made {
    const id = Number(this.#insertEntry.run(type, name).lastInsertRowid)
    this.#insertParent.run(parent, id)
    return { entry: { id, type, name }, parent }
  }

  /** The root and the directories that roles hang on stay where they are. */
  #requireMovable(id: number): void {
    const entry = this.#entry(id)
    const names: string[] = Object.values(WellKnown)
    const wellKnown =
      entry.type === EntryType.Directory && names.includes(entry.name) && this.graph.hasChild(ROOT.id, id)
    if (id === ROOT.id || wellKnown) throw new ServiceError(Reason.IllegalMove)
  }

  #checkName(name: string): void {
    if (name === '' || name.length > NAME_LENGTH_MAX || name.trim() !== name) {
      throw new ServiceError(Reason.InvalidName, [NAME_LENGTH_MAX])
    }
  }

  #entry(id: number): Entry {
    const entry = this.graph.entry(id)
    if (entry === undefined) throw new ServiceError(Reason.UnknownEntry, [id])
    return entry
  }

  #directory(id: number): Entry {
    const entry = this.#entry(id)
    if (entry.type !== EntryType.Directory) throw new ServiceError(Reason.UnknownEntry, [id])
    return entry
  }
}

/** An entry as the log of changes has it. */
function recordOf({ type, name }: Entry, parents: readonly number[]): Value {
  return { type: type === EntryType.Account ? 'account' : 'directory', name, parents: [...parents] }
}

function entryOfRow(row: Record<string, unknown>): Entry {
  const type = row.type === EntryType.Account ? EntryType.Account : EntryType.Directory
  return { id: Number(row.id), type, name: String(row.name) }
}
