// The times of the last so many events, in a ring. It answers exactly whether one more would make too many within any
// stretch of time, for one comparison and 8 bytes for each event permitted. (A bucket of tokens needs less memory and
// lets twice as many through when it is full at the start of the stretch.)

import { grown } from '../columns.ts'

const TIMES_MIN = 16

export class RecentTimes {
  readonly #max: number
  #times = new Float64Array(TIMES_MIN)
  #size = 0
  /** Where the next one goes; the oldest is there once there are `max`. */
  #next = 0

  /** @param max events that are permitted within a stretch. */
  constructor(max: number) {
    this.#max = max
  }

  /** Whether one more event at `nowUs` leaves at most `max` in the `stretchUs` that end then. */
  permits(nowUs: number, stretchUs: number): boolean {
    if (this.#size < this.#max) return true
    return this.#max > 0 && nowUs - this.#times[this.#next]! >= stretchUs
  }

  add(timeUs: number): void {
    if (this.#max === 0) return
    if (this.#size < this.#max) {
      if (this.#size === this.#times.length) this.#times = grown(this.#times, Math.min(this.#max, this.#size * 2))
      this.#times[this.#size++] = timeUs
      this.#next = this.#size === this.#max ? 0 : this.#size
    } else {
      this.#times[this.#next] = timeUs
      this.#next = this.#next + 1 === this.#max ? 0 : this.#next + 1
    }
  }
}
