// Accounts and directories as they hang together: entries by id, and who is a child of whom. An entry has any number
// of parents. The locator keeps one, and so does every client that follows the directory; all changes are idempotent,
// so that a bulk load and the pushes that overtake it give the same graph in either order.

/** The numbers are those of the stores and of the wire. */
export const EntryType = { Account: 0, Directory: 1 } as const
export type EntryType = (typeof EntryType)[keyof typeof EntryType]

export interface Entry {
  readonly id: number
  readonly type: EntryType
  readonly name: string
}

/** The directory above all others. */
export const ROOT: Entry = { id: 0, type: EntryType.Directory, name: '*' }

/** Directories that exist in every world, directly below the root. */
export const WellKnown = {
  Administrators: 'administrators',
  Services: 'services',
  TradingGroups: 'trading_groups',
} as const

/** The two directories of a trading group. */
export const GroupDirectory = { Managers: 'managers', Traders: 'traders' } as const

/** A directory that the root, and each trading group, may have besides: of accounts that read and do nothing else. */
export const OBSERVERS = 'observers'

/** Told of what changes in a graph. */
export interface DirectoryListener {
  entryStored?(entry: Entry): void
  entryDeleted?(entry: Entry): void
  associated?(parent: number, child: number): void
  detached?(parent: number, child: number): void
}

const NOBODY: ReadonlySet<number> = new Set()

export class DirectoryGraph {
  readonly #entries = new Map<number, Entry>([[ROOT.id, ROOT]])
  readonly #accountIds = new Map<string, number>()
  readonly #children = new Map<number, Set<number>>()
  readonly #parents = new Map<number, number[]>()
  readonly #listeners = new Set<DirectoryListener>()

  listen(listener: DirectoryListener): void {
    this.#listeners.add(listener)
  }

  entry(id: number): Entry | undefined {
    return this.#entries.get(id)
  }

  entries(): IterableIterator<Entry> {
    return this.#entries.values()
  }

  accountNamed(name: string): Entry | undefined {
    const id = this.#accountIds.get(name)
    return id === undefined ? undefined : this.#entries.get(id)
  }

  /** Children of a directory, by id. */
  children(parent: number): ReadonlySet<number> {
    return this.#children.get(parent) ?? NOBODY
  }

  parents(child: number): readonly number[] {
    return this.#parents.get(child) ?? []
  }

  hasChild(parent: number, child: number): boolean {
    return this.children(parent).has(child)
  }

  /** The directory of that name directly below `parent`. */
  directoryNamed(parent: number, name: string): Entry | undefined {
    for (const id of this.children(parent)) {
      const entry = this.#entries.get(id)
      if (entry?.type === EntryType.Directory && entry.name === name) return entry
    }
    return undefined
  }

  /** Adds an entry or gives it another name. */
  storeEntry(entry: Entry): void {
    const previous = this.#entries.get(entry.id)
    if (previous?.name === entry.name) return
    if (entry.type === EntryType.Account) {
      if (previous !== undefined) this.#accountIds.delete(previous.name)
      this.#accountIds.set(entry.name, entry.id)
    }
    this.#entries.set(entry.id, entry)
    for (const listener of this.#listeners) listener.entryStored?.(entry)
  }

  /** Removes an entry after it was taken out of all its parents; its children stay where else they are. */
  deleteEntry(id: number): void {
    const entry = this.#entries.get(id)
    if (entry === undefined) return
    for (const parent of [...this.parents(id)]) this.detach(parent, id)
    for (const child of [...this.children(id)]) this.detach(id, child)
    this.#entries.delete(id)
    if (this.#accountIds.get(entry.name) === id) this.#accountIds.delete(entry.name)
    for (const listener of this.#listeners) listener.entryDeleted?.(entry)
  }

  associate(parent: number, child: number): void {
    let children = this.#children.get(parent)
    if (children === undefined) {
      children = new Set()
      this.#children.set(parent, children)
    }
    if (children.has(child)) return
    children.add(child)
    const parents = this.#parents.get(child)
    if (parents === undefined) this.#parents.set(child, [parent])
    else parents.push(parent)
    for (const listener of this.#listeners) listener.associated?.(parent, child)
  }

  detach(parent: number, child: number): void {
    const children = this.#children.get(parent)
    if (children === undefined || !children.delete(child)) return
    if (children.size === 0) this.#children.delete(parent)
    const parents = this.parents(child).filter(id => id !== parent)
    if (parents.length === 0) this.#parents.delete(child)
    else this.#parents.set(child, parents)
    for (const listener of this.#listeners) listener.detached?.(parent, child)
  }

  /** True where `ancestor` is `id` or lies above it. */
  isWithin(id: number, ancestor: number): boolean {
    const seen = new Set([id])
    for (const current of seen) {
      if (current === ancestor) return true
      for (const parent of this.parents(current)) seen.add(parent)
    }
    return false
  }

  /** True where the account lies directly in the well-known directory of that name. */
  isDirectlyIn(account: number, directoryName: string): boolean {
    for (const parent of this.parents(account)) {
      if (this.#entries.get(parent)?.name === directoryName && this.hasChild(ROOT.id, parent)) return true
    }
    return false
  }
}
