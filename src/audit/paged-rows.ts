// The rows of one table in the order of a key, page by page, so that memory stays bounded whatever the table holds. The
// caller looks at one row at a time and asks for the next page only where the one at hand is used up.

import type { Row } from '../stores/readable-store.ts'

/** Rows of a page: enough that asking for it costs little beside reading it. */
export const PAGE_ROWS = 20_000

/** The page behind `last`, at most PAGE_ROWS rows; a shorter one is the last. */
export type NextPage = (last: Row | undefined) => Promise<readonly Row[]>

export class PagedRows {
  /** The row at hand; undefined where the page is used up, or at the end. */
  row: Row | undefined
  #page: readonly Row[] = []
  #at = 0
  #isEnd = false
  readonly #next: NextPage

  constructor(next: NextPage) {
    this.#next = next
  }

  /** True where `fill` has to be called before `row` says anything. */
  get needsPage(): boolean {
    return this.row === undefined && !this.#isEnd
  }

  async fill(): Promise<void> {
    this.#page = await this.#next(this.#page.at(-1))
    this.#at = 0
    this.#isEnd = this.#page.length < PAGE_ROWS
    this.row = this.#page[0]
  }

  advance(): void {
    this.#at += 1
    this.row = this.#page[this.#at]
  }
}
