// Commands that wait for something from outside, account by account: the first stands still until it is let go, and what
// comes for its account behind it waits in its order. Other accounts are not touched. What waits is bounded, and has had
// no effect yet: a command that is let go is served from its start.

import type { BytesRange } from '../protocol/order-events.ts'
import { COMMAND_HEADER_BYTES } from '../shared-memory/records.ts'

const NO_KEY = new Uint8Array(0)

/** A command that waits, with bytes of its own. */
export interface ParkedCommand {
  readonly session: number
  readonly sessionAccount: number
  readonly administrator: boolean
  readonly time: number
  readonly orderId: number
  readonly bytes: Uint8Array
  /** Of the session that sent it; 0 and empty for one without a key. */
  readonly mark: number
  readonly sessionKey: BytesRange
}

/** What is taken over of a command when it is parked. */
interface Parkable extends ParkedCommand {
  readonly accountRow: number
  readonly start: number
  readonly end: number
}

export class ParkedCommands {
  readonly #commandsMax: number
  readonly #bytesMax: number
  readonly #byRow = new Map<number, ParkedCommand[]>()
  #bytes = 0

  /**
   * @param commandsMax commands of one account that may wait.
   * @param bytesMax what may wait altogether.
   */
  constructor(commandsMax: number, bytesMax: number) {
    this.#commandsMax = commandsMax
    this.#bytesMax = bytesMax
  }

  /** Accounts of which commands wait. */
  get accounts(): number {
    return this.#byRow.size
  }

  has(row: number): boolean {
    return this.#byRow.has(row)
  }

  /** Lets a command wait, in front of those of its account or behind them; false where there is no room. */
  park(command: Parkable, isFirst: boolean): boolean {
    const { accountRow, bytes, start, end, session, sessionAccount, administrator, time, orderId, mark } = command
    const { sessionKey: key } = command
    const size = COMMAND_HEADER_BYTES + end - start
    const known = this.#byRow.get(accountRow)
    // One that waited before has its room still.
    if (!isFirst && (known?.length ?? 0) >= this.#commandsMax) return false
    if (this.#bytes + size > this.#bytesMax) return false
    this.#bytes += size
    const keyBytes = mark === 0 ? NO_KEY : key.bytes.slice(key.start, key.end)
    const sessionKey = { bytes: keyBytes, start: 0, end: keyBytes.length }
    const parked = {
      session,
      sessionAccount,
      administrator,
      time,
      orderId,
      bytes: bytes.slice(start, end),
      mark,
      sessionKey,
    }
    if (known === undefined) this.#byRow.set(accountRow, [parked])
    else if (isFirst) known.unshift(parked)
    else known.push(parked)
    return true
  }

  /** Takes the first that waits for an account; undefined where none does. */
  release(row: number): ParkedCommand | undefined {
    const known = this.#byRow.get(row)
    const command = known?.shift()
    if (known === undefined || command === undefined) return undefined
    this.#bytes -= COMMAND_HEADER_BYTES + command.bytes.length
    if (known.length === 0) this.#byRow.delete(row)
    return command
  }

  /** Takes everything that waits, with the rows of the accounts: none of it will be served. */
  *drain(): IterableIterator<readonly [row: number, ParkedCommand]> {
    for (const [row, commands] of this.#byRow) for (const command of commands) yield [row, command]
    this.#byRow.clear()
    this.#bytes = 0
  }
}
