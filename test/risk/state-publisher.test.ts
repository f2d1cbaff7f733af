// States on their way to the administration service, with a service that is slow, away, or refuses.

import { deepEqual } from 'node:assert/strict'
import { test } from 'node:test'
import { Log } from '../../src/base/log.ts'
import { Reason } from '../../src/domain/reasons.ts'
import { RiskStateType } from '../../src/domain/risk-state.ts'
import { StatePublisher } from '../../src/risk/state-publisher.ts'
import { NEVER, type RiskState } from '../../src/services/administration/risk.ts'
import { ServiceError } from '../../src/services/wire/service-error.ts'

const { Active, CloseOrders, Disabled } = RiskStateType
const log = new Log({ component: 'test', level: 'error', fd: -1 })
const state = (type: RiskStateType): RiskState => ({ type, expiry: NEVER })

/** A service whose answers the test gives. */
class Service {
  /** Writes under way, oldest first. */
  readonly asked: { account: number; type: RiskStateType; answer: (error?: ServiceError) => void }[] = []
  #wake: (() => void) | undefined

  readonly store = (account: number, { type }: RiskState): Promise<void> =>
    new Promise((resolve, reject) => {
      this.asked.push({ account, type, answer: error => (error === undefined ? resolve() : reject(error)) })
      this.#wake?.()
    })

  /** The next write, once it is asked for. */
  async next(): Promise<{ account: number; type: RiskStateType; answer: (error?: ServiceError) => void }> {
    while (this.asked.length === 0) {
      await new Promise<void>(resolve => {
        this.#wake = resolve
      })
    }
    return this.asked.shift()!
  }
}

test('of the states that come while one is on its way only the newest follows, and accounts do not wait', async () => {
  const service = new Service()
  const publisher = new StatePublisher(service.store, log)
  publisher.publish(1, state(CloseOrders))
  publisher.publish(1, state(Active))
  publisher.publish(1, state(Disabled))
  publisher.publish(2, state(CloseOrders))
  const [first, other] = [await service.next(), await service.next()]
  deepEqual([first.account, first.type, other.account, other.type], [1, CloseOrders, 2, CloseOrders])
  deepEqual(service.asked, [])
  first.answer()
  const second = await service.next()
  deepEqual([second.account, second.type], [1, Disabled])
})

test('a service that is away gets the newest state when it is there again', async () => {
  const service = new Service()
  const publisher = new StatePublisher(service.store, log)
  publisher.publish(1, state(CloseOrders))
  const first = await service.next()
  first.answer(new ServiceError(Reason.OutcomeUnknown, ['administration_service']))
  const second = await service.next()
  deepEqual([second.account, second.type], [1, CloseOrders])
  publisher.publish(1, state(Disabled))
  second.answer(new ServiceError(Reason.ServiceUnavailable, ['administration_service']))
  const third = await service.next()
  deepEqual([third.account, third.type], [1, Disabled])
  third.answer()
  publisher.close()
})

test('a state that is refused is not asked for again', async () => {
  const service = new Service()
  const publisher = new StatePublisher(service.store, log)
  publisher.publish(1, state(CloseOrders))
  const first = await service.next()
  first.answer(new ServiceError(Reason.UnknownAccount))
  publisher.publish(2, state(Active))
  const next = await service.next()
  deepEqual([next.account, service.asked], [2, []])
})

test('so many are asked for at once, and no more', async () => {
  const service = new Service()
  const publisher = new StatePublisher(service.store, log)
  for (let account = 1; account <= 200; account++) publisher.publish(account, state(CloseOrders))
  deepEqual(service.asked.length, 64)
  const first = await service.next()
  first.answer()
  await new Promise(setImmediate)
  deepEqual([service.asked.length, service.asked.at(-1)!.account], [64, 65])
  publisher.close()
})
