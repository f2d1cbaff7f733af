// Counts what the readers are asked for, and how long they take.

import { Metric } from '../metrics/catalogue.ts'
import type { Lane } from '../shared-memory/lanes.ts'
import type { Readers } from './history.ts'

export function meteredReaders(readers: Readers, lane: Lane): Readers {
  const metered = async <Answer>(ask: () => Promise<Answer>): Promise<Answer> => {
    const beganMs = performance.now()
    lane.add(Metric.Queries)
    try {
      const answer = await ask()
      lane.record(Metric.QueryLatency, 1000 * (performance.now() - beganMs))
      return answer
    } catch (error) {
      lane.add(Metric.QueriesFailed)
      throw error
    }
  }
  return {
    orders: query => metered(() => readers.orders(query)),
    reports: query => metered(() => readers.reports(query)),
    order: query => metered(() => readers.order(query)),
    accountOf: (...question) => metered(() => readers.accountOf(...question)),
  }
}
