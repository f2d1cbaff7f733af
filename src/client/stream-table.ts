// The streams of a connection, found by whose events they want: an event is offered to those of its account and to
// nobody else, however many accounts a program follows. Which accounts a group has changes while it is followed, so the
// streams of groups are asked; there are as many of them as groups, not as accounts.

import type { EventStream } from './subscription.ts'

const NONE: ReadonlySet<EventStream> = new Set()

export class StreamTable {
  readonly #all = new Set<EventStream>()
  readonly #byAccount = new Map<number, Set<EventStream>>()
  readonly #ofGroups = new Set<EventStream>()

  /** @param account whose events the stream is about; undefined for those of a group. */
  add(stream: EventStream, account: number | undefined): void {
    this.#all.add(stream)
    if (account === undefined) {
      this.#ofGroups.add(stream)
      return
    }
    const streams = this.#byAccount.get(account)
    if (streams === undefined) this.#byAccount.set(account, new Set([stream]))
    else streams.add(stream)
  }

  delete(stream: EventStream, account: number | undefined): void {
    this.#all.delete(stream)
    this.#ofGroups.delete(stream)
    if (account === undefined) return
    const streams = this.#byAccount.get(account)
    if (streams === undefined) return
    streams.delete(stream)
    if (streams.size === 0) this.#byAccount.delete(account)
  }

  /** The streams that want events of an account, or may turn out to. */
  followers(account: number): Iterable<EventStream> & { readonly size: number } {
    const streams = this.#byAccount.get(account) ?? NONE
    if (this.#ofGroups.size === 0) return streams
    const followers = new Set(streams)
    for (const stream of this.#ofGroups) if (stream.follows(account)) followers.add(stream)
    return followers
  }

  [Symbol.iterator](): IterableIterator<EventStream> {
    return this.#all.values()
  }
}
