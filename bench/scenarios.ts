// The scenarios, in the order in which they run.

import type { Scenario } from './scenario.ts'
import { cancel } from './scenarios/cancel.ts'
import { compliance } from './scenarios/compliance.ts'
import { console } from './scenarios/console.ts'
import { depth } from './scenarios/depth.ts'
import { kill } from './scenarios/kill.ts'
import { latency } from './scenarios/latency.ts'
import { memory } from './scenarios/memory.ts'
import { metrics } from './scenarios/metrics.ts'
import { micro } from './scenarios/micro.ts'
import { outage } from './scenarios/outage.ts'
import { recovery } from './scenarios/recovery.ts'
import { risk } from './scenarios/risk.ts'
import { shards } from './scenarios/shards.ts'
import { throughput } from './scenarios/throughput.ts'
import { writer } from './scenarios/writer.ts'

export const scenarios: readonly Scenario[] = [
  throughput,
  latency,
  shards,
  depth,
  compliance,
  kill,
  cancel,
  risk,
  writer,
  outage,
  recovery,
  memory,
  metrics,
  console,
  micro,
]
