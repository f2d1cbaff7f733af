// How long an order may live. The numbers are those of the stores and of the wire.

export const TimeInForce = { None: -1, Day: 0, Gtc: 1, Opg: 2, Moc: 3, Ioc: 4, Fok: 5, Gtx: 6, Gtd: 7 } as const
export type TimeInForce = (typeof TimeInForce)[keyof typeof TimeInForce]

export const timeInForceNames: Record<TimeInForce, string> = {
  [-1]: 'NONE',
  [TimeInForce.Day]: 'DAY',
  [TimeInForce.Gtc]: 'GTC',
  [TimeInForce.Opg]: 'OPG',
  [TimeInForce.Moc]: 'MOC',
  [TimeInForce.Ioc]: 'IOC',
  [TimeInForce.Fok]: 'FOK',
  [TimeInForce.Gtx]: 'GTX',
  [TimeInForce.Gtd]: 'GTD',
}
