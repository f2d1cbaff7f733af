// What V8's compiler is told for this process. The road of an order is many small functions; with its usual budgets the
// compiler stops inlining them halfway. With larger ones a shard judges an order in about a quarter less time (measured
// with the shard's step alone, 1.9 µs instead of 2.5 µs). Only budgets are touched: what code does never depends on them.

import v8 from 'node:v8'

/** Bytes of bytecode: of a function that may be inlined, and of all that go into one. */
const flags = ['--max-inlined-bytecode-size=1000', '--max-inlined-bytecode-size-cumulative=3000']

/** To be called before the other threads start: the budgets hold for all of them. */
export function raiseInliningBudgets(): void {
  for (const flag of flags) v8.setFlagsFromString(flag)
}
