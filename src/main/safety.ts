// What is canceled when a client falls silent, put together: choices of sessions, dead-man's switches, the recalls that
// follow from them, and the file in which all three outlive the process.

import type { Log } from '../base/log.ts'
import type { Directory } from './directory.ts'
import { Recalls } from './recalls.ts'
import { SafetyDesk } from './safety-desk.ts'
import { SafetyStore } from './safety-store.ts'
import { SessionChoices } from './session-choices.ts'
import { SessionMarks } from './session-marks.ts'
import type { ShardLink } from './shard-link.ts'
import { Switches } from './switches.ts'

export interface SafetyParts {
  readonly file: string
  readonly directory: Pick<Directory, 'rowOf'>
  readonly shards: readonly ShardLink[]
  /** Monotonic. */
  readonly nowMs: () => number
  /** Now, µs since the epoch, UTC. */
  readonly nowUs: () => number
  readonly log: Pick<Log, 'info' | 'warning' | 'error'>
}

export class Safety {
  readonly store: SafetyStore
  readonly recalls: Recalls
  readonly choices: SessionChoices
  readonly switches: Switches
  readonly desk: SafetyDesk

  /** @throws the database's error, with the name of the file, where it cannot be read: then nobody knows what to cancel. */
  constructor({ file, directory, shards, nowMs, nowUs, log }: SafetyParts) {
    const store = new SafetyStore(file)
    const marks = new SessionMarks()
    const recalls = new Recalls({ store, marks, directory, shards, nowUs, log })
    this.store = store
    this.recalls = recalls
    this.choices = new SessionChoices({ store, recalls, marks, log })
    this.switches = new Switches({ store, recalls, nowMs, nowUs, log })
    this.desk = new SafetyDesk({ choices: this.choices, switches: this.switches, recalls })
  }

  /** All orders are back, and clients have not come yet. */
  async afterRecovery(): Promise<void> {
    await this.recalls.resume()
    await this.switches.fireOverdue()
  }

  /** The process ends, and sessions with it: nothing fires any more. */
  stop(): void {
    this.choices.stop()
    this.switches.stop()
  }

  close(): void {
    this.store.close()
  }
}
