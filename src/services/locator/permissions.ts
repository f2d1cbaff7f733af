// Permissions over the directory that were given to single accounts, beside the roles. Over an entry an account has what it
// was given for the entry itself and for everything above it.

import type { DirectoryGraph } from './directory-graph.ts'

/** The numbers are bits, those of the store and of the wire. */
export const Permission = { Read: 1, Move: 2, Administrate: 4 } as const
export type Permission = (typeof Permission)[keyof typeof Permission]

export const PERMISSIONS_ALL = Permission.Read | Permission.Move | Permission.Administrate

export class Permissions {
  readonly #graph: DirectoryGraph
  /** By account and entry. */
  readonly #granted = new Map<number, Map<number, number>>()

  constructor(graph: DirectoryGraph) {
    this.#graph = graph
  }

  /** What the account was given for the entry itself, as bits. */
  granted(source: number, target: number): number {
    return this.#granted.get(source)?.get(target) ?? 0
  }

  /** What the account may do with the entry, as bits. */
  over(source: number, target: number): number {
    const granted = this.#granted.get(source)
    let permissions = 0
    if (granted === undefined) return permissions
    const above = new Set([target])
    for (const entry of above) {
      permissions |= granted.get(entry) ?? 0
      for (const parent of this.#graph.parents(entry)) above.add(parent)
    }
    return permissions
  }

  permits(source: number, target: number, permission: Permission): boolean {
    return (this.over(source, target) & permission) !== 0
  }

  store(source: number, target: number, permissions: number): void {
    const granted = this.#granted.get(source)
    if (granted === undefined) this.#granted.set(source, new Map([[target, permissions]]))
    else granted.set(target, permissions)
  }

  /** Drops what was given to an entry that is gone, and over it. */
  forget(entry: number): void {
    this.#granted.delete(entry)
    for (const granted of this.#granted.values()) granted.delete(entry)
  }
}
