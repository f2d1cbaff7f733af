// Runs the oes command as people do, in a process of its own.

import { type ChildProcess, execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const ENTRY = fileURLToPath(new URL('../../src/cli/oes.ts', import.meta.url))

export interface Finished {
  status: number | null
  out: string
  err: string
}

export interface Running {
  process: ChildProcess
  finished: Promise<Finished>
}

/** Starts `file` with `words`. */
export function start(file: string, words: string[], environment: NodeJS.ProcessEnv = {}, cwd?: string): Running {
  let settle = (_: Finished) => {}
  const finished = new Promise<Finished>(resolve => {
    settle = resolve
  })
  const child: ChildProcess = execFile(file, words, { env: environment, cwd }, (_error, out, err) =>
    settle({ status: child.exitCode, out, err }),
  )
  return { process: child, finished }
}

/** Starts `oes words…` against a server on `port`, as ada. */
export function oes(port: number, ...words: string[]): Running {
  const environment = { OES_SERVER: `127.0.0.1:${port}`, OES_USERNAME: 'ada', OES_PASSWORD: 'secret' }
  return start(process.execPath, [ENTRY, ...words], environment)
}

/** Runs `oes words…` against a server on `port`, as somebody whose password is the name. */
export function oesAs(username: string, port: number, ...words: string[]): Promise<Finished> {
  const environment = { OES_SERVER: `127.0.0.1:${port}`, OES_USERNAME: username, OES_PASSWORD: username }
  return start(process.execPath, [ENTRY, ...words], environment).finished
}

/** Runs `oes words…` against the services that a locator on `port` knows, as somebody whose password is the name. */
export function oesServices(username: string, port: number, ...words: string[]): Promise<Finished> {
  const environment = { OES_LOCATOR: `127.0.0.1:${port}`, OES_USERNAME: username, OES_PASSWORD: username }
  return start(process.execPath, [ENTRY, ...words], environment).finished
}

/** Runs `oes words…` with nothing in its environment. */
export function bareOes(...words: string[]): Promise<Finished> {
  return start(process.execPath, [ENTRY, ...words]).finished
}
