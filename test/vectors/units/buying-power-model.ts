// Model `buying_power_model`: orders, reports and positions in several currencies, with one model for each currency.

import {
  BuyingPowerModel,
  BuyingPowerPool,
  type Exposure,
  movesBuyingPower,
} from '../../../src/accounting/buying-power.ts'
import { isTerminal } from '../../../src/domain/order-status.ts'
import type { Side } from '../../../src/domain/side.ts'
import { stepDifferences } from '../compare.ts'
import type { Vector, VectorUnit } from '../unit.ts'
import {
  type Amount,
  amount,
  currencyCode,
  currencyId,
  decimal,
  order,
  report,
  type VectorOrder,
  type VectorReport,
} from '../values.ts'

interface BuyingPowerStep {
  op: string
  id: number
  order: VectorOrder & { id: number }
  expected_price: Amount
  report: VectorReport
  ticker: string
  currency: string
  quantity: Amount
  expenditure: Amount
}

interface HeldOrder {
  readonly slot: number
  readonly model: BuyingPowerModel
  readonly exposure: Exposure
  readonly side: Side
  ended: boolean
}

class BuyingPowerUnit {
  readonly #pool: BuyingPowerPool
  readonly #models = new Map<number, BuyingPowerModel>()
  readonly #exposures = new Map<string, Exposure>()
  readonly #orders = new Map<number, HeldOrder>()

  constructor(vector: Vector) {
    this.#pool = new BuyingPowerPool(vector.steps.length)
  }

  result(step: BuyingPowerStep): unknown {
    switch (step.op) {
      case 'submit': {
        const { ticker, currency, side, quantity } = order(step.order)
        const model = this.#model(currency)
        const exposure = this.#exposure(currency, ticker)
        const slot = this.#orders.size
        model.hold(slot, exposure, side, quantity, amount(step.expected_price))
        this.#orders.set(step.order.id, { slot, model, exposure, side, ended: false })
        return { buying_power: decimal(model.used) }
      }
      case 'report':
        return this.#report(step.report)
      case 'position': {
        const currency = currencyId(step.currency)
        const exposure = this.#exposure(currency, step.ticker)
        this.#model(currency).adjust(exposure, amount(step.quantity), amount(step.expenditure))
        return null
      }
      case 'get':
        return { buying_power: decimal(this.#models.get(currencyId(step.currency))?.used ?? 0) }
      case 'has_order':
        return { has_order: this.#orders.has(step.id) }
      default:
        throw new Error(`there is no step ${step.op}`)
    }
  }

  used(): unknown {
    const used = [...this.#models].map(([currency, model]) => [currencyCode(currency), decimal(model.used)])
    return { buying_power: Object.fromEntries(used) }
  }

  #report(fields: VectorReport): unknown {
    const { id, status, lastQty, lastPx } = report(fields)
    if (!movesBuyingPower(status)) return null
    const held = this.#orders.get(id)
    if (held === undefined) return { error: 'UNKNOWN_ORDER' }
    if (held.ended) {
      if (lastQty !== 0) held.model.fillPosition(held.exposure, held.side, lastQty, lastPx)
    } else {
      held.model.report(held.slot, status, lastQty, lastPx)
      held.ended = isTerminal(status)
    }
    return null
  }

  #model(currency: number): BuyingPowerModel {
    const model = this.#models.get(currency) ?? new BuyingPowerModel(this.#pool)
    this.#models.set(currency, model)
    return model
  }

  #exposure(currency: number, ticker: string): Exposure {
    const exposure = this.#exposures.get(ticker) ?? this.#model(currency).openExposure()
    this.#exposures.set(ticker, exposure)
    return exposure
  }
}

const buyingPowerUnit: VectorUnit = {
  name: 'buying_power_model',
  run(vector) {
    const unit = new BuyingPowerUnit(vector)
    const results = (vector.steps as unknown as BuyingPowerStep[]).map(step => unit.result(step))
    return stepDifferences(vector, results, unit.used())
  },
}

export const units: VectorUnit[] = [buyingPowerUnit]
