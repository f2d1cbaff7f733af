// The examples of docs/protocol.md: each block marked `frame` is a message in JSON and the bytes of its frame in hex.

import { encodeDone, encodeRefused } from '../../src/protocol/answers.ts'
import { encodeFrame } from '../../src/protocol/frames.ts'
import { Kind } from '../../src/protocol/kinds.ts'
import { MessageWriter } from '../../src/protocol/message-writer.ts'
import { pack } from '../../src/protocol/msgpack.ts'
import { type BytesRange, decodeOrderEvent, encodeAccepted, encodeReport } from '../../src/protocol/order-events.ts'

export interface Example {
  readonly line: number
  readonly message: unknown[]
  /** As the page has it. */
  readonly frame: Buffer
}

/** The examples of a page, in its order. */
export function examplesOf(page: string): Example[] {
  return [...page.matchAll(/^```frame\n([\s\S]*?)^```$/gm)].map(match => {
    const [message, ...hex] = match[1]!.trimEnd().split('\n')
    return {
      line: page.slice(0, match.index).split('\n').length + 1,
      message: JSON.parse(message!) as unknown[],
      frame: Buffer.from(hex.join('').replaceAll(' ', ''), 'hex'),
    }
  })
}

/** The frame of a message, by the code that writes such messages in the server or a client. */
export function frameOf(message: unknown[]): Buffer {
  const [kind, requestId, account, code, params] = message
  const writer = new MessageWriter(1024, 1 << 20)
  if (kind === Kind.OrderAccepted || kind === Kind.ExecutionReport) {
    const plain = pack(message)
    const event = decodeOrderEvent(plain, 0, plain.length)
    const tags = rangeOf(event.kind === Kind.InventorySnapshot ? undefined : event.tags)
    if (event.kind === Kind.OrderAccepted) {
      encodeAccepted(writer, { ...event, clOrdId: rangeOf(Buffer.from(event.clOrdId)), tags })
    } else if (event.kind === Kind.ExecutionReport) {
      const terms = event.terms && { ...event.terms, clOrdId: rangeOf(Buffer.from(event.terms.clOrdId)) }
      encodeReport(writer, { ...event, params: event.params as (string | number)[], tags, terms })
    }
  } else if (kind === Kind.Refused) {
    encodeRefused(writer, requestId as number, account as number, code as number, params as (string | number)[])
  } else if (kind === Kind.Done) encodeDone(writer, requestId as number, account as number)
  else return encodeFrame(pack(message))
  return Buffer.from(writer.bytes.subarray(0, writer.position))
}

function rangeOf(bytes: Uint8Array | undefined): BytesRange {
  return bytes === undefined ? { bytes: new Uint8Array(0), start: 0, end: 0 } : { bytes, start: 0, end: bytes.length }
}
