// What the administrative port says of the server at one moment, looked over: it comes from another process.

import type { LaneStatus, LatencyStatus, MetricStatus } from '../../metrics/status.ts'
import { CommandError } from '../command-error.ts'

export interface DegradedStatus {
  readonly part: string
  readonly what: string
  readonly why: string
}

export interface ServerStatus {
  readonly version: string
  /** When it was taken, by the server's clock. */
  readonly timeMs: number
  readonly isReady: boolean
  readonly stage: string
  readonly degraded: readonly DegradedStatus[]
  readonly lanes: readonly LaneStatus[]
}

const ANSWER_MS_MAX = 5_000

/** Asks the administrative port at `address`. @throws CommandError */
export async function askStatus(address: string): Promise<ServerStatus> {
  let answer: Response
  let body: unknown
  try {
    answer = await fetch(`http://${address}/status`, { signal: AbortSignal.timeout(ANSWER_MS_MAX) })
    body = answer.ok ? await answer.json() : await answer.text()
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause.message : String(error)
    throw new CommandError(`The administrative port at ${address} does not answer: ${cause}.`, {
      hint: 'Is the server running, with admin.http: on? Name another port with --admin HOST:PORT.',
      cause: error,
    })
  }
  if (!answer.ok) throw new CommandError(`The administrative port at ${address} refuses: ${String(body).trim()}`)
  if (isStatus(body)) return body
  throw new CommandError(`What answers at ${address} is no administrative port of an order execution server.`)
}

function isStatus(value: unknown): value is ServerStatus {
  if (!isObject(value)) return false
  const { version, timeMs, isReady, stage, degraded, lanes } = value
  return (
    typeof version === 'string' &&
    typeof timeMs === 'number' &&
    typeof isReady === 'boolean' &&
    typeof stage === 'string' &&
    Array.isArray(degraded) &&
    degraded.every(
      each => isObject(each) && [each.part, each.what, each.why].every(text => typeof text === 'string'),
    ) &&
    Array.isArray(lanes) &&
    lanes.every(
      lane =>
        isObject(lane) &&
        typeof lane.kind === 'string' &&
        typeof lane.name === 'string' &&
        isObject(lane.metrics) &&
        Object.values(lane.metrics).every(isMetric),
    )
  )
}

function isMetric(value: unknown): value is MetricStatus {
  if (typeof value === 'number') return true
  if (!isObject(value)) return false
  return isLatency(value) || Object.values(value).every(each => typeof each === 'number')
}

function isLatency(value: Record<string, unknown>): value is Record<string, unknown> & LatencyStatus {
  const { count, sumUs, maxUs, buckets } = value
  return (
    [count, sumUs, maxUs].every(each => typeof each === 'number') &&
    Array.isArray(buckets) &&
    buckets.every(each => Array.isArray(each) && each.length === 2 && each.every(part => typeof part === 'number'))
  )
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
