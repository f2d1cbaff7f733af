import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { restore } from '../../src/main/recovery.ts'
import { ShardLink } from '../../src/main/shard-link.ts'
import { createDoorbells, Doorbell } from '../../src/shared-memory/doorbell.ts'
import { Command, CommandAt } from '../../src/shared-memory/records.ts'
import { createRing, RingConsumer, RingProducer } from '../../src/shared-memory/ring.ts'
import type { Recovered } from '../../src/stores/recovery.ts'

test('everything reaches the shard, its end too, however full the ring is by then', async () => {
  for (const accounts of [1, 10, 100, 1023, 1024, 1500, 3000]) {
    const memory = createRing(1 << 12)
    const ring = new RingConsumer(memory)
    const link = new ShardLink(new RingProducer(memory), new Doorbell(createDoorbells(1), 0))
    const taken: number[] = []
    const take = () => {
      while (ring.next()) taken.push(ring.view.getUint32(ring.offset + CommandAt.type, true))
      ring.release()
    }
    async function* read(): AsyncGenerator<Iterable<Recovered>> {
      for (let account = 1; account <= accounts; account++) {
        const sequences = { orderSequence: 1, reportSequence: 2 }
        yield [{ part: 'account', account, ...sequences, snapshotReportSequence: undefined, snapshotCurrency: 0 }]
      }
    }
    const { counts } = await restore(
      { read, marks: async () => ({ lastOrderId: 0, lastTimestamp: 0 }) },
      {
        accounts: { rowOf: account => account - 1 },
        shards: [link],
        shardOf: () => 0,
        currencyOf: () => 0,
        sessionNumber: () => 0,
        nowUs: () => 1,
        watch: async () => undefined,
        waitForRoom: async () => take(),
      },
    )
    equal(counts.accounts, accounts)
    equal(link.isWaiting, false)
    take()
    deepEqual(taken, [...new Array<number>(accounts).fill(Command.Restore), Command.Restored])
  }
})
