// The TypeScript SDK of the order execution server: the package's public face.
//
//   import { connect, limitOrder, Side } from 'order-execution-server'
//
//   using client = await connect({ port: 20700, username: 'ada', password: '…' })
//   let outcome = await client.submit(limitOrder(Side.Bid, 'ABX.TSX', 100, '25.37'), { deadlineMs: 1_000 })
//   if (outcome.outcome === 'unknown') outcome = await client.settle(outcome)
//   for await (const event of await client.subscribe({ fromSequence: 1 })) console.log(event)

export { isTerminal, OrderStatus, orderStatusNames } from '../domain/order-status.ts'
export { OrderType, orderTypeNames } from '../domain/order-type.ts'
export { Reason, reasonName, reasonText } from '../domain/reasons.ts'
export { RiskStateType, riskStateTypeNames } from '../domain/risk-state.ts'
export { Side, sideNames } from '../domain/side.ts'
export { TagKey, TagType } from '../domain/tags.ts'
export { TimeInForce, timeInForceNames } from '../domain/time-in-force.ts'
export type { Amount } from './amount.ts'
export {
  type CallSettings,
  connect,
  type DirectoryEntry,
  type OesClient,
  type SubmitSettings,
  type SubscribeOptions,
  type TrackedOrders,
} from './client.ts'
export { ClientCode, OesError } from './client-error.ts'
export type { ConnectOptions, StateChange, TlsOptions } from './connect-options.ts'
export type { Session } from './connection.ts'
export type { Halt, HaltTarget } from './halts.ts'
export type {
  MassCancelOutcome,
  MassCancelResult,
  MassCancelSelection,
  MassCancelSettings,
} from './mass-cancel.ts'
export { OrderTracker, type OrderTrackerLimits, type TrackedOrder } from './order-tracker.ts'
export {
  type ExecutionReport,
  limitOrder,
  marketOrder,
  type NewOrder,
  type NewOrderOptions,
  type NewTerms,
  type OrderAccepted,
  type OrderEvent,
  type OrderRecord,
  type OrderUpdate,
  type ReplaceTerms,
  type Tag,
} from './orders.ts'
export type {
  CommandOutcome,
  Refusal,
  ReplaceOutcome,
  SentOrder,
  SentReplace,
  SubmitOutcome,
  Unknown,
  UnknownOrder,
  UnknownReplace,
} from './outcomes.ts'
export type { AccountPositions, Position } from './positions.ts'
export type { OrderQuery, QueryFilter, QueryMember, QueryPoint, ReportQuery } from './queries.ts'
export type { AlsoCanceled, SessionChoice, SwitchState } from './safety.ts'
export type { LiveSession } from './sessions.ts'
export type { MembershipChange, Subscription, SubscriptionEvent } from './subscription.ts'
export type { Timers } from './timers.ts'
export { TlsFiles, type TlsPaths } from './tls-files.ts'
