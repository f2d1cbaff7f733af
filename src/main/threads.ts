// The other threads, hosted by Piscina, whose only door this is. Shards, writer and platform are tasks that end only
// when they are told to; readers take one question after the other.

import { fileURLToPath } from 'node:url'
import { Piscina } from 'piscina'

/** A thread that runs until it is told to end. */
export interface HostedThread {
  readonly name: string
  /** Settles when the thread has ended; rejects with what broke it. */
  readonly ended: Promise<void>
}

export class Threads {
  readonly #endless: Piscina
  readonly #readers: Piscina
  readonly #readerFile: string

  /**
   * @param endlessMax threads that run until told to end.
   * @param readerThreads threads that answer queries; started with the first.
   */
  constructor(endlessMax: number, readerThreads: number, readerFile: URL, readerData: unknown) {
    this.#endless = new Piscina({ minThreads: 0, maxThreads: endlessMax, concurrentTasksPerWorker: 1, atomics: 'disabled' })
    this.#readerFile = fileURLToPath(readerFile)
    this.#readers = new Piscina({
      filename: this.#readerFile,
      minThreads: 0,
      maxThreads: Math.max(1, readerThreads),
      idleTimeout: 60_000,
      workerData: readerData,
      atomics: 'disabled',
    })
  }

  /** Starts an endless task: the default export of `file`, with `options` as they can be cloned. */
  start(name: string, file: URL, options: unknown): HostedThread {
    const ended = this.#endless.run(options, { filename: fileURLToPath(file) }) as Promise<void>
    // Whoever waits for the end sees the failure; nobody may be waiting yet.
    ended.catch(() => undefined)
    return { name, ended }
  }

  /** Asks a reader: the export `name` of the readers' file. */
  ask<Question, Answer>(name: string, question: Question): Promise<Answer> {
    return this.#readers.run(question, { name }) as Promise<Answer> // the reader's own signature
  }

  /** Ends the readers, and what is left of the others. */
  async close(): Promise<void> {
    await Promise.all([this.#readers.destroy(), this.#endless.destroy()])
  }
}
