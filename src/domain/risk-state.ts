// Whether an account may trade. The numbers are those of the stores and of the wire.

export const RiskStateType = { None: -1, Active: 0, CloseOrders: 1, Disabled: 2 } as const
export type RiskStateType = (typeof RiskStateType)[keyof typeof RiskStateType]

export const riskStateTypeNames: Record<RiskStateType, string> = {
  [-1]: 'NONE',
  [RiskStateType.Active]: 'ACTIVE',
  [RiskStateType.CloseOrders]: 'CLOSE_ORDERS',
  [RiskStateType.Disabled]: 'DISABLED',
}
