// The benchmark's end of a load process.

import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { CheckResult, LoadAnswer, LoadPlan, LoadRequest, Phase, PhaseResult } from './load-plan.ts'

export class LoadClient {
  readonly accounts: number
  readonly durability: string
  readonly #process: ChildProcess

  private constructor(process: ChildProcess, accounts: number, durability: string) {
    this.#process = process
    this.accounts = accounts
    this.durability = durability
  }

  /** Starts a process, which connects and follows its accounts. Rejects with the first thing that went wrong. */
  static async start(plan: LoadPlan): Promise<LoadClient> {
    const child = fork(fileURLToPath(new URL('load-process.ts', import.meta.url)), { stdio: 'inherit' })
    try {
      const connected = await ask(child, { what: 'connect', plan }, 'connected')
      return new LoadClient(child, connected.accounts, connected.durability)
    } catch (error) {
      child.kill()
      throw error
    }
  }

  /**
   * Connects again, after the server has gone and come back; the load keeps its books. Rejects where an account does
   * not go on with the very sequence that is due.
   */
  async reconnect(port: number): Promise<void> {
    await ask(this.#process, { what: 'reconnect', port }, 'connected')
  }

  /** Runs one phase. Rejects with the first wrong answer of the server. */
  async run(phase: Phase): Promise<PhaseResult> {
    return (await ask(this.#process, { what: 'run', phase }, 'ran')).result
  }

  /** Compares positions and sequences of all accounts with the load's own books; rejects where they differ. */
  async check(): Promise<CheckResult> {
    return (await ask(this.#process, { what: 'check' }, 'checked')).result
  }

  /** Ends the process and its connections. */
  async close(): Promise<void> {
    const child = this.#process
    if (child.exitCode !== null || child.signalCode !== null) return
    const ended = new Promise(resolve => child.once('exit', resolve))
    child.send({ what: 'close' } satisfies LoadRequest)
    await ended
  }
}

function ask<What extends LoadAnswer['what']>(
  child: ChildProcess,
  request: LoadRequest,
  what: What,
): Promise<Extract<LoadAnswer, { what: What }>> {
  return new Promise((resolve, reject) => {
    const settle = (act: () => void) => {
      child.off('message', onMessage)
      child.off('exit', onExit)
      act()
    }
    const onMessage = (answer: LoadAnswer) =>
      settle(() => {
        if (answer.what === what) resolve(answer as Extract<LoadAnswer, { what: What }>)
        else reject(new Error(answer.what === 'failed' ? answer.reason : `the load answered ${answer.what}`))
      })
    const onExit = (code: number | null) => settle(() => reject(new Error(`the load process ended with ${code}`)))
    child.on('message', onMessage)
    child.on('exit', onExit)
    child.send(request)
  })
}
