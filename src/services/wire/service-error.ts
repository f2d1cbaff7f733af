// What a service call fails with: a numbered reason, its parameters, and the cause where there is one. The same type
// stands for a refusal by the other side and for a connection that could not carry the request.

import type { Reason } from '../../domain/reasons.ts'
import { reasonText } from '../../domain/reasons.ts'

export class ServiceError extends Error {
  override name = 'ServiceError'
  readonly code: Reason
  readonly params: readonly (string | number)[]

  constructor(
    code: Reason,
    params: readonly (string | number)[] = [],
    options: { text?: string; cause?: unknown } = {},
  ) {
    super(options.text || reasonText(code, params), options.cause === undefined ? {} : { cause: options.cause })
    this.code = code
    this.params = params
  }

  /** Whether the same request may succeed later: the number is one of those that speak of the server itself. */
  get isOfTheMoment(): boolean {
    return Math.floor(this.code / 100) === 9
  }
}

/** What `ask` gives; undefined where it is refused for good, as when what was asked about is gone or one's right to it is. */
export async function unlessRefused<Result>(ask: Promise<Result>): Promise<Result | undefined> {
  try {
    return await ask
  } catch (error) {
    if (!(error instanceof ServiceError) || error.isOfTheMoment) throw error
    return undefined
  }
}
