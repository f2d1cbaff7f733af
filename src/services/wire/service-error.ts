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
}
