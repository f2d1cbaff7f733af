// The audit's finding that endpoints do not hold the same: one for each account and day on which they differ.

import { definitionsData, definitionsFromData } from '../domain/definitions.ts'
import type { StoreEndpoint } from '../stores/store-endpoint.ts'
import type { Finding } from './checks.ts'
import { compareSources } from './comparison.ts'
import { dayText, digestText } from './digest-book.ts'
import { withAllTables } from './store-tables.ts'

export const endpointsDiffer = 'endpoints_differ'

/** @returns how many findings there were. @throws StoreUnavailable where an endpoint fails on the way. */
export async function findDifferences(
  endpoints: readonly StoreEndpoint[],
  account: number | undefined,
  found: (finding: Finding) => void,
): Promise<number> {
  return await withAllTables(endpoints, async stores => {
    const { differentDays } = await compareSources({
      stores,
      journals: [],
      definitions: definitionsFromData(definitionsData),
      account,
      rowsMax: 0,
      onDifference: ({ account, day, sums }) =>
        found({
          check: endpointsDiffer,
          table: 'execution_reports',
          key: { account, day: dayText(day) },
          values: Object.fromEntries(
            sums.map(({ source, orders, reports, words }) => [
              source,
              `${orders} orders ${reports} reports ${digestText(words)}`,
            ]),
          ),
        }),
      onRow: () => undefined,
    })
    return differentDays
  })
}
