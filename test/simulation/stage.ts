// Sets a rehearsal up for one test, and the few requests that most tests send.

import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import type { TestContext } from 'node:test'
import { Kind } from '../../src/protocol/kinds.ts'
import type { Value } from '../../src/protocol/msgpack.ts'
import { Rehearsal, type RehearsalOptions } from './rehearsal.ts'
import type { RehearsedPeer } from './rehearsed-peer.ts'
import { ScriptedDirectory } from './scripted-directory.ts'

/** A folder that is gone after the test. */
export function temporaryFolder(t: Pick<TestContext, 'after'>): string {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'rehearsal-'))
  t.after(() => fs.rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** alice and bob trade at mona's desk, max manages it too; carol is alone, root administers. */
export function smallDirectory(): ScriptedDirectory {
  const directory = new ScriptedDirectory(['alice', 'bob', 'carol', 'mona', 'max', 'root'], ['root'])
  directory.addGroup('desk', ['mona', 'max'], ['alice', 'bob'])
  return directory
}

/** A started rehearsal in a folder of its own, ended after the test. */
export async function staged(t: TestContext, options: Partial<RehearsalOptions> = {}): Promise<Rehearsal> {
  const folder = temporaryFolder(t)
  const rehearsal = await Rehearsal.start({ folder, directory: smallDirectory(), ...options })
  t.after(() => rehearsal.kill())
  return rehearsal
}

export interface SubmitFields {
  readonly account?: number
  readonly ticker?: string
  readonly type?: number
  readonly side?: number
  readonly quantity?: number
  readonly price?: number
  readonly timeInForce?: number
  readonly destination?: string
  readonly currency?: number
  readonly clOrdId?: string
  readonly expiry?: number
  readonly tags?: Value
}

/** A buy of 100 ABX at 1, except for what `fields` say. @returns the request's id */
export function submit(peer: RehearsedPeer, fields: SubmitFields = {}): number {
  return peer.request(Kind.Submit, fields.account ?? 0, ...submitElements(fields))
}

/** What follows the account in a Submit. */
export function submitElements(fields: SubmitFields = {}): Value[] {
  return [
    fields.ticker ?? 'ABX.TSX',
    fields.type ?? 1,
    fields.side ?? 1,
    fields.quantity ?? 100,
    fields.price ?? 1,
    fields.timeInForce ?? 0,
    fields.destination ?? '',
    fields.currency ?? 0,
    fields.clOrdId ?? '',
    fields.expiry ?? 0,
    fields.tags ?? null,
  ]
}

/** True for a message that belongs to the stream of an account. */
export function isEvent(message: readonly Value[]): boolean {
  return message[0] === Kind.OrderAccepted || message[0] === Kind.ExecutionReport
}

/** Report sequences of the events among the messages, those of one account. */
export function sequencesOf(messages: readonly Value[][], account?: number): number[] {
  return messages
    .filter(message => isEvent(message) && (account === undefined || message[2] === account))
    .map(message => Number(message[3]))
}

/** first, first + 1, … last */
export function range(first: number, last: number): number[] {
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, i) => first + i)
}
