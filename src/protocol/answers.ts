// Short answers of the server, written in place.

import { reasonText } from '../domain/reasons.ts'
import { Kind } from './kinds.ts'
import type { MessageWriter } from './message-writer.ts'

/** A refusal: code, parameters and the text for people. */
export function encodeRefused(
  to: MessageWriter,
  requestId: number,
  account: number,
  code: number,
  params: readonly (string | number)[],
): void {
  to.beginFrame()
  to.head(6, Kind.Refused, requestId, account)
  to.integer(code)
  writeParams(to, params)
  to.text(reasonText(code, params))
  to.endFrame()
}

/** The answer to a request that has nothing to say but that it was done. */
export function encodeDone(to: MessageWriter, requestId: number, account: number): void {
  to.beginFrame()
  to.head(3, Kind.Done, requestId, account)
  to.endFrame()
}

/** Parameters of a reason: numbers and texts. */
export function writeParams(to: MessageWriter, params: readonly (string | number)[]): void {
  to.arrayHeader(params.length)
  for (const param of params) {
    if (typeof param === 'string') to.text(param)
    else if (Number.isSafeInteger(param)) to.integer(param)
    else to.double(param)
  }
}
