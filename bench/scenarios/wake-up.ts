// The first orders of a fresh server: it fetches ids in growing blocks, and its code is compiled while it runs. Both are
// over before anything is measured.

import type { LoadClient } from '../load/load-client.ts'
import { OrderPattern } from '../load/load-plan.ts'

const FIRST_ORDERS = 12_000

export async function wakeUp(load: LoadClient, quick: boolean): Promise<void> {
  const orders = quick ? FIRST_ORDERS / 10 : FIRST_ORDERS
  await load.run({ pattern: OrderPattern.Marketable, inFlight: 1, orders, warmUpMs: 0, measureMs: 0 })
}
