// The type of an order. The numbers are those of the stores and of the wire.

export const OrderType = { None: -1, Market: 0, Limit: 1, Pegged: 2, Stop: 3 } as const
export type OrderType = (typeof OrderType)[keyof typeof OrderType]

export const orderTypeNames: Record<OrderType, string> = {
  [-1]: 'NONE',
  [OrderType.Market]: 'MARKET',
  [OrderType.Limit]: 'LIMIT',
  [OrderType.Pegged]: 'PEGGED',
  [OrderType.Stop]: 'STOP',
}
