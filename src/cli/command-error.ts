// A failure that a person can act on: what went wrong, and what to do about it.

import { OesError } from '../client/index.ts'
import { ExitStatus } from './exit-status.ts'

export class CommandError extends Error {
  override name = 'CommandError'
  readonly status: ExitStatus
  /** What to do; empty where nothing better is known than to read the message. */
  readonly hint: string

  constructor(message: string, details: { status?: ExitStatus; hint?: string; cause?: unknown } = {}) {
    super(message, { cause: details.cause })
    this.status = details.status ?? ExitStatus.Failed
    this.hint = details.hint ?? ''
  }
}

/** A wrong command line. */
export function usageError(message: string, hint = ''): CommandError {
  return new CommandError(message, { status: ExitStatus.Usage, hint })
}

const hints: Record<string, string> = {
  CONNECTION_FAILED: 'Is the server running? Start one with `oes serve`, or name another with --server HOST:PORT.',
  CONNECTION_LOST: 'Run the command again; the server may have been restarted.',
  LOGIN_FAILED: 'Check --username and --password, or OES_USERNAME and OES_PASSWORD.',
  NOT_PERMITTED: 'Log in as the owner of the account, a manager of its group, or an administrator.',
  PROTOCOL_VERSION: 'Use the `oes` that came with the server.',
  INVALID_ARGUMENT: 'See --help for what is expected.',
  DEADLINE_PASSED: 'Give it more time with --deadline MS.',
  SEQUENCE_GAP: 'Reports were lost. Compare the account with `oes orders`, and tell the operator of the server.',
}

/** The failure as a person should see it; anything unexpected keeps its message and becomes its own cause. */
export function commandErrorOf(error: unknown): CommandError {
  if (error instanceof CommandError) return error
  if (error instanceof OesError) {
    const status = error.code === 'INVALID_ARGUMENT' ? ExitStatus.Usage : ExitStatus.Failed
    return new CommandError(error.message, { status, hint: hints[error.code] ?? '', cause: error })
  }
  return new CommandError(error instanceof Error ? error.message : String(error), { cause: error })
}
