// What a thread knows of itself alone: its heap and its processor time. It looks when it is told to, since each look costs
// some microseconds.

import { getHeapStatistics } from 'node:v8'
import type { Lane } from '../shared-memory/lanes.ts'
import { Metric } from './catalogue.ts'

export function meterThread(lane: Lane): void {
  const heap = getHeapStatistics()
  const { user, system } = process.threadCpuUsage()
  lane.set(Metric.HeapUsed, heap.used_heap_size)
  lane.set(Metric.HeapLimit, heap.heap_size_limit)
  // Node 24 does not tell it.
  lane.set(Metric.HeapAllocated, heap.total_allocated_bytes ?? 0)
  lane.set(Metric.ThreadCpu, (user + system) / 1e6)
}
