// The other threads, hosted by Piscina, whose only door this is. Shards, writer and platform are tasks that end only
// when they are told to; readers take one question after the other.

import { fileURLToPath } from 'node:url'
import type { MessagePort } from 'node:worker_threads'
import { Piscina } from 'piscina'

/** A thread that runs until it is told to end. */
export interface HostedThread {
  readonly name: string
  /** Settles when the thread has ended; rejects with what broke it. */
  readonly ended: Promise<void>
}

const READERS_IDLE_MS = 60_000

type RunOptions = NonNullable<Parameters<Piscina['run']>[1]>

export class Threads {
  readonly #endless: Piscina
  readonly #readerOptions: ConstructorParameters<typeof Piscina>[0]
  /** Made with the first question, since threads inherit the options of readers when they start. */
  #readers: Piscina | undefined

  /**
   * @param endlessMax threads that run until told to end.
   * @param readerThreads threads that answer queries; started with the first.
   */
  constructor(endlessMax: number, readerThreads: number, readerFile: URL) {
    this.#endless = new Piscina({
      minThreads: 0,
      maxThreads: endlessMax,
      concurrentTasksPerWorker: 1,
      atomics: 'disabled',
    })
    this.#readerOptions = {
      filename: fileURLToPath(readerFile),
      minThreads: 0,
      maxThreads: Math.max(1, readerThreads),
      idleTimeout: READERS_IDLE_MS,
      atomics: 'disabled',
    }
  }

  /** Starts an endless task: the default export of `file`, with `options` as they can be cloned or, if listed, moved. */
  start(name: string, file: URL, options: unknown, moved: readonly MessagePort[] = []): HostedThread {
    // Piscina's own typings take the browser's ports for those of worker threads.
    const transferList = [...moved] as unknown as NonNullable<RunOptions['transferList']>
    const ended = this.#endless.run(options, { filename: fileURLToPath(file), transferList }) as Promise<void> // the task's own signature
    // Whoever waits for the end sees the failure; nobody may be waiting yet.
    ended.catch(() => undefined)
    return { name, ended }
  }

  /** Asks a reader: the default export of the readers' file. */
  ask<Question, Answer>(question: Question): Promise<Answer> {
    this.#readers ??= new Piscina(this.#readerOptions)
    return this.#readers.run(question) as Promise<Answer> // the reader's own signature
  }

  /** Ends the readers, and what is left of the others. */
  async close(): Promise<void> {
    await Promise.all([this.#readers?.destroy(), this.#endless.destroy()])
  }
}
