// Who follows which account. A session that follows an account gets each of its events once, however many of its
// subscriptions cover it; an account that is followed by nobody costs one look.
//
// History and live are joined at a cut: the shard names the sequence at which it stood, in order with its events. The
// history is read up to exactly there; from there on the subscription covers the account, live events being held back
// until the history is told. No gap, no duplicate, and what the session followed before goes on undisturbed.

import type { Session } from './session.ts'

/** One session's interest in one account. */
export interface Follower {
  readonly session: Session
  /** Subscriptions of the session that cover the account. */
  references: number
  /** Histories being read: live events wait in `held` meanwhile. */
  holds: number
  held: Uint8Array[]
  heldBytes: number
}

export interface Subscription {
  readonly id: number
  readonly session: Session
  /** Rows of the accounts it covers at present. */
  readonly rows: Set<number>
  /** Rows it covers as soon as their shards have named the cut. */
  readonly awaited: Set<number>
  /** The client knows of it. */
  isAnswered: boolean
  /** The group it follows, or −1 for a single account. */
  readonly group: number
}

export class Subscriptions {
  /** By account row. */
  readonly #followers: (Follower[] | undefined)[] = []
  /** Subscriptions to each group. */
  readonly #groups = new Map<number, Set<Subscription>>()

  /** Those who follow the account; undefined where nobody does. */
  followers(row: number): readonly Follower[] | undefined {
    return this.#followers[row]
  }

  /** Opens a subscription of the session; it covers nothing until `cover`. */
  open(session: Session, group: number): Subscription {
    const subscription: Subscription = {
      id: session.nextSubscriptionId++,
      session,
      rows: new Set(),
      awaited: new Set(),
      isAnswered: false,
      group,
    }
    session.subscriptions.set(subscription.id, subscription)
    if (group >= 0) {
      const followers = this.#groups.get(group) ?? new Set()
      followers.add(subscription)
      this.#groups.set(group, followers)
    }
    return subscription
  }

  /** The subscription is going to cover one more account: from the cut, when `cover` is called. */
  expect(subscription: Subscription, row: number): void {
    subscription.awaited.add(row)
  }

  /** Lets the subscription cover an account it expects; undefined where it does not expect it any more. */
  cover(subscription: Subscription, row: number): Follower | undefined {
    if (!subscription.awaited.delete(row)) return undefined
    const { session } = subscription
    let followers = this.#followers[row]
    if (followers === undefined) {
      followers = []
      this.#followers[row] = followers
    }
    let follower = followers.find(known => known.session === session)
    if (follower === undefined) {
      follower = { session, references: 0, holds: 0, held: [], heldBytes: 0 }
      followers.push(follower)
    }
    if (!subscription.rows.has(row)) {
      subscription.rows.add(row)
      follower.references += 1
    }
    return follower
  }

  /** Ends the subscription's cover of one account, present or to come. */
  uncover(subscription: Subscription, row: number): void {
    if (subscription.awaited.delete(row) || !subscription.rows.delete(row)) return
    const followers = this.#followers[row]
    const index = followers?.findIndex(known => known.session === subscription.session) ?? -1
    if (followers === undefined || index < 0) return
    followers[index].references -= 1
    if (followers[index].references > 0) return
    followers.splice(index, 1)
    if (followers.length === 0) this.#followers[row] = undefined
  }

  close(subscription: Subscription): void {
    subscription.awaited.clear()
    for (const row of [...subscription.rows]) this.uncover(subscription, row)
    subscription.session.subscriptions.delete(subscription.id)
    const followers = this.#groups.get(subscription.group)
    followers?.delete(subscription)
    if (followers?.size === 0) this.#groups.delete(subscription.group)
  }

  closeAll(session: Session): void {
    for (const subscription of [...session.subscriptions.values()]) this.close(subscription)
  }

  /** Subscriptions to a group. */
  ofGroup(group: number): Iterable<Subscription> {
    return this.#groups.get(group) ?? []
  }
}
