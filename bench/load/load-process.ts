// Entry of the load process: answers the requests of the benchmark one after the other.

import { Load } from './load.ts'
import type { LoadAnswer, LoadRequest } from './load-plan.ts'

let load: Load | undefined
let turn: Promise<void> = Promise.resolve()

process.on('message', (request: LoadRequest) => {
  turn = turn.then(() => answer(request))
})
// Nobody is left to answer to.
process.on('disconnect', () => process.exit(0))

async function answer(request: LoadRequest): Promise<void> {
  try {
    const reply = await answerOf(request)
    if (reply === undefined) process.disconnect?.()
    else process.send?.(reply)
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    process.send?.({ what: 'failed', reason } satisfies LoadAnswer)
  }
}

async function answerOf(request: LoadRequest): Promise<LoadAnswer | undefined> {
  if (request.what === 'connect') {
    load = await Load.open(request.plan)
    return { what: 'connected', accounts: load.accounts, durability: load.durability }
  }
  if (load === undefined) throw new Error('the load is not connected')
  switch (request.what) {
    case 'run':
      return { what: 'ran', result: await load.run(request.phase) }
    case 'reconnect':
      await load.reconnect(request.port)
      return { what: 'connected', accounts: load.accounts, durability: load.durability }
    case 'check':
      return { what: 'checked', result: await load.check() }
    case 'close':
      load.close()
      return undefined
  }
}
