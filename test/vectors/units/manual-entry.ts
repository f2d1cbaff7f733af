// Unit `manual_entry`: manual order entry as a stage in front of a next driver. Here it is a destination beside
// others, chosen by the id an order names; so the unit does what the order desk does, and tells the calls a stage
// would pass on.

import type { RoutedOrder } from '../../../src/destinations/destination.ts'
import { ManualEntry } from '../../../src/destinations/manual-entry.ts'
import { currentStatus } from '../../../src/domain/order-lifecycle.ts'
import { OrderStatus } from '../../../src/domain/order-status.ts'
import {
  microseconds,
  readableOrders,
  respelled,
  routedOrder,
  type VectorFields,
  type VectorReport,
  vectorReport,
} from '../../destinations/order-vectors.ts'
import { emptyReport, RecordingDesk } from '../../destinations/recording-desk.ts'
import { differences } from '../compare.ts'
import type { VectorUnit } from '../unit.ts'

interface OrderStep {
  readonly id: number
  readonly submitter?: string
  readonly time: string
  readonly fields: VectorFields
  readonly reports?: readonly VectorReport[]
}

interface ManualEntryStep extends OrderStep {
  readonly do: string
  readonly destination: string
  readonly administrators: readonly string[]
  readonly report: VectorReport
  readonly records: readonly OrderStep[]
}

const manualEntryUnit: VectorUnit = {
  name: 'manual_entry',
  run(vector) {
    const desk = new RecordingDesk()
    const manual = new ManualEntry(desk)
    const calls: unknown[] = []
    let destination = ''
    let administrators: readonly string[] = []

    const submit = (step: OrderStep, routed: RoutedOrder): void => {
      const timestampUs = microseconds(step.time)
      routed.byAdministrator = administrators.includes(step.submitter ?? '')
      const order = desk.accept(step.id, routed.quantity, timestampUs)
      manual.submit(order.slot, routed, timestampUs)
      if (currentStatus(order.reports) === OrderStatus.Filled) calls.push(['add', step.id])
    }

    const restore = (record: OrderStep, routed: RoutedOrder): void => {
      const acceptedUs = microseconds(record.time)
      const reports = (record.reports ?? []).map(report => vectorReport(record.id, report, acceptedUs))
      if (reports.length === 0) reports.push({ ...emptyReport(record.id), timestamp: acceptedUs })
      const { slot } = desk.recover(record.id, routed.quantity, reports)
      if (slot < 0) return
      manual.restore(slot, routed, currentStatus(reports), desk.leavesQty(record.id), acceptedUs)
    }

    for (const step of vector.steps as unknown as ManualEntryStep[]) {
      switch (step.do) {
        case 'create':
          destination = step.destination
          administrators = step.administrators
          break
        case 'submit': {
          const routed = routedOrder(step.fields)
          if (routed.destination === destination) submit(step, routed)
          else calls.push(['submit', step.id])
          break
        }
        case 'cancel':
          if (desk.orders.has(step.id)) manual.cancel()
          else calls.push(['cancel', step.id])
          break
        case 'update':
          if (desk.orders.has(step.id)) manual.update()
          else calls.push(['update', step.id])
          break
        case 'restore': {
          const passedOn: number[] = []
          for (const record of step.records) {
            const routed = routedOrder(record.fields)
            if (routed.destination === destination) restore(record, routed)
            else passedOn.push(record.id)
          }
          calls.push(['restore', passedOn])
          break
        }
        default:
          throw new Error(`there is no step ${step.do}`)
      }
    }
    return differences(respelled(vector.expect), { orders: readableOrders(desk.orders.values()), calls })
  },
}

export const units: VectorUnit[] = [manualEntryUnit]
