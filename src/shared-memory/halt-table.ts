// Where trading is halted: one word for everybody, one for each destination, one for each account. Main writes a word and
// it holds at once, also for orders that wait in a command ring already; each shard looks before it judges an order.
//
//   | everybody | destinations … | accounts … |      0 trades, 1 halted

import { assert } from '../base/assert.ts'

const EVERYBODY = 0
const DESTINATIONS = 1

export class HaltTable {
  readonly #words: Uint8Array<SharedArrayBuffer>
  readonly #accounts: number

  /** @param destinations how many there are; they are numbered from 0. */
  constructor(memory: SharedArrayBuffer, destinations: number) {
    this.#words = new Uint8Array(memory)
    this.#accounts = DESTINATIONS + destinations
    assert(this.#accounts <= this.#words.length, 'a halt table without room for its destinations')
  }

  /** Main. */
  setEverybody(isHalted: boolean): void {
    Atomics.store(this.#words, EVERYBODY, isHalted ? 1 : 0)
  }

  /** Main. */
  setDestination(destination: number, isHalted: boolean): void {
    Atomics.store(this.#words, DESTINATIONS + destination, isHalted ? 1 : 0)
  }

  /** Main. */
  setAccount(row: number, isHalted: boolean): void {
    Atomics.store(this.#words, this.#accounts + row, isHalted ? 1 : 0)
  }

  get isEverybodyHalted(): boolean {
    return Atomics.load(this.#words, EVERYBODY) === 1
  }

  /** False for −1, which is no destination. */
  isDestinationHalted(destination: number): boolean {
    return destination >= 0 && Atomics.load(this.#words, DESTINATIONS + destination) === 1
  }

  isAccountHalted(row: number): boolean {
    return Atomics.load(this.#words, this.#accounts + row) === 1
  }
}

/** Bytes of memory for so many destinations and accounts. */
export function haltTableBytes(destinations: number, accountsMax: number): number {
  return DESTINATIONS + destinations + accountsMax
}
