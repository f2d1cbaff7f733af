// What all checks share: the order they look at and the refusal they fill in. Both are scratch objects that their owner
// uses again for the next order. A check reads and changes nothing of the account, so that nothing has to be undone
// when a later one refuses.

import { CURRENCY_NONE, type CurrencyId } from '../domain/currencies.ts'
import type { Price, Quantity } from '../domain/money.ts'
import { OrderType } from '../domain/order-type.ts'
import { Reason } from '../domain/reasons.ts'
import { Side } from '../domain/side.ts'
import type { Venue } from '../domain/venues.ts'

const noVenue: Venue = {
  mic: '',
  country: '',
  marketCenter: '',
  timeZone: 'UTC',
  currency: CURRENCY_NONE,
  description: '',
  displayName: '',
}

/** A valid submission on its way through the checks. */
export class OrderUnderCheck {
  /** Row of the ticker; negative for one that has none yet. */
  tickerIndex = -1
  /** Where the ticker is listed. */
  venue: Venue = noVenue
  /** Currency of the price. */
  currency: CurrencyId = CURRENCY_NONE
  type: OrderType = OrderType.None
  side: Side = Side.None
  /** In micros, as is the price. */
  quantity: Quantity = 0
  price: Price = 0
  /** When the order was accepted for processing, in microseconds. */
  timestamp = 0
  /** Filled in by the buying power check: the expected price in the account's currency, at which to hold the order. */
  holdPrice: Price = 0
}

/** Best bid and ask; 0 is a side that is empty. */
export interface Quote {
  bid: Price
  ask: Price
}

/** Why an order was refused. */
export class Refusal {
  reason: Reason = Reason.None
  /** For the reason's text and for the client, in the order of the reason's table; amounts in whole units. */
  readonly params: (string | number)[] = []

  /** Fills in a refusal; false, so that a check can return it. */
  set(reason: Reason, first?: string | number, second?: string | number): false {
    this.clear()
    this.reason = reason
    if (first !== undefined) this.params.push(first)
    if (second !== undefined) this.params.push(second)
    return false
  }

  /** Back to no refusal. */
  clear(): void {
    this.reason = Reason.None
    this.params.length = 0
  }
}
