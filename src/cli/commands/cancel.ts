// `oes cancel`: asks for orders to be canceled, one after the other; each order tells what became of its request.

import type { OesClient } from '../../client/index.ts'
import { CommandError } from '../command-error.ts'
import { ExitStatus } from '../exit-status.ts'
import type { Output } from '../output.ts'
import { accountOf } from '../server-options.ts'

/** @returns the worst of the outcomes: unknown before refused before done. */
export async function cancel(
  client: OesClient,
  output: Output,
  orderIds: readonly number[],
  flags: { account?: string },
): Promise<ExitStatus> {
  const account = flags.account === undefined ? undefined : await accountOf(client, flags.account)
  let worst: ExitStatus = ExitStatus.Ok
  for (const orderId of orderIds) {
    const status = await cancelOne(client, output, orderId, account)
    if (status > worst) worst = status
  }
  return worst
}

async function cancelOne(
  client: OesClient,
  output: Output,
  orderId: number,
  named: number | undefined,
): Promise<ExitStatus> {
  // A cancel names its account; whoever does not know it has the server find the order.
  const account = named ?? (await client.load(orderId))?.accepted.account
  if (account === undefined) {
    report(output, orderId, 'refused', new CommandError(`There is no order ${orderId}.`, { hint: 'See `oes orders`.' }))
    return ExitStatus.Failed
  }
  const outcome = await client.cancel(orderId, { account })
  switch (outcome.outcome) {
    case 'done':
      report(output, orderId, 'done', undefined)
      return ExitStatus.Ok
    case 'refused':
      report(output, orderId, 'refused', new CommandError(`Order ${orderId}, ${outcome.code}: ${outcome.text}`))
      return ExitStatus.Failed
    case 'unknown': {
      const hint = 'Run the command again: a cancel has no second effect.'
      const message = `It is not known whether the cancel of order ${orderId} arrived: ${outcome.cause.message}`
      report(output, orderId, 'unknown', new CommandError(message, { hint }))
      return ExitStatus.Unknown
    }
  }
}

function report(output: Output, orderId: number, outcome: string, error: CommandError | undefined): void {
  if (output.isJson) output.json({ orderId, outcome, ...(error !== undefined && { text: error.message }) })
  else if (error === undefined) output.line(`Order ${orderId}: cancel requested.`)
  if (error !== undefined) output.failure(error)
}
