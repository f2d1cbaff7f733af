// `oes store audit`: whether the tables of a store fit together. What was found goes to standard output for people, or
// as one JSON value per line to a file; the exit status says whether there was anything.
//
// A broken store may break every check in every row, so findings are never gathered in memory: those of the pages that
// are read are counted, the first of each check kept, and where all shall be shown they wait in temporary files, since
// people want them by check.

import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { auditTables } from '../../audit/audit.ts'
import { checks, type Finding } from '../../audit/checks.ts'
import { endpointsDiffer, findDifferences } from '../../audit/endpoint-comparison.ts'
import { withTables } from '../../audit/store-tables.ts'
import { StoreUnavailable } from '../../stores/order-store.ts'
import type { StoreEndpoint } from '../../stores/store-endpoint.ts'
import { parseWhole } from '../arguments.ts'
import { CommandError } from '../command-error.ts'
import { ExitStatus } from '../exit-status.ts'
import type { Output } from '../output.ts'
import { readStores, type StoreOptions } from '../store-options.ts'
import { printable } from '../table.ts'

export interface AuditFlags {
  config: string
  account?: string
  limit: string
  json?: string
}

/** A finding and where it was found; the endpoint is told where there are several. */
export type Found = Finding & { readonly endpoint?: string }

interface FindingPage {
  take(finding: Finding): void
  /** Tells what was found so far, and begins anew. */
  finish(): void
}

export async function auditStores(output: Output, flags: AuditFlags): Promise<ExitStatus> {
  const account = flags.account === undefined ? undefined : parseWhole(flags.account, 'an account id')
  const limit = parseWhole(flags.limit, 'a number of rows')
  const { stores } = await configured(flags.config)
  const isSeveral = stores.length > 1
  const json = flags.json === undefined ? undefined : new JsonFindings(output, flags.json)
  let count = 0
  let failures = 0
  try {
    for (const endpoint of stores) {
      const page: FindingPage = json?.of(isSeveral ? endpoint.name : undefined) ?? new TextFindings(output, limit)
      if (isSeveral && json === undefined) output.line(`${endpoint.name}`)
      const found = (finding: Finding) => {
        count += 1
        page.take(finding)
      }
      if (!(await auditEndpoint(output, endpoint, account, found))) failures += 1
      page.finish()
    }
    if (isSeveral && failures < stores.length - 1) {
      const page: FindingPage = json?.of(undefined) ?? new TextFindings(output, limit)
      count += await findDifferences(stores, account, finding => page.take(finding))
      page.finish()
    }
  } finally {
    json?.close()
  }
  return count > 0 || failures > 0 ? ExitStatus.Failed : ExitStatus.Ok
}

/** A configuration that cannot be used is a failure like a finding, whatever is wrong with it. */
async function configured(file: string): Promise<StoreOptions> {
  try {
    return await readStores(file)
  } catch (error) {
    if (!(error instanceof CommandError)) throw error
    throw new CommandError(error.message, { hint: error.hint, cause: error })
  }
}

/** @returns false where the endpoint could not be read. */
async function auditEndpoint(
  output: Output,
  endpoint: StoreEndpoint,
  account: number | undefined,
  found: (finding: Finding) => void,
): Promise<boolean> {
  try {
    await withTables(endpoint, tables => auditTables(tables, { account }, found))
    return true
  } catch (error) {
    if (!(error instanceof StoreUnavailable)) throw error
    output.note(`${endpoint.name} cannot be read: ${error.message}.`)
    return false
  }
}

const CHECK_ORDER = [...checks.map(({ id }) => id), endpointsDiffer]

/** For people: by check, in the order of the checks. */
class TextFindings implements FindingPage {
  readonly #output: Output
  readonly #limit: number
  readonly #byCheck = new Map<string, { count: number; lines: string[]; spool: Spool | undefined }>()

  constructor(output: Output, limit: number) {
    this.#output = output
    this.#limit = limit
  }

  take(finding: Finding): void {
    let of = this.#byCheck.get(finding.check)
    if (of === undefined) {
      of = { count: 0, lines: [], spool: this.#limit === 0 ? new Spool() : undefined }
      this.#byCheck.set(finding.check, of)
    }
    of.count += 1
    if (of.spool !== undefined) of.spool.add(lineOf(finding))
    else if (of.lines.length < this.#limit) of.lines.push(lineOf(finding))
  }

  finish(): void {
    for (const check of CHECK_ORDER) {
      const of = this.#byCheck.get(check)
      if (of === undefined) continue
      this.#output.line(`${check}: ${of.count}`)
      for (const line of of.lines) this.#output.line(line)
      of.spool?.drain(text => this.#output.text(text))
      if (this.#limit > 0 && of.count > of.lines.length) {
        this.#output.line(`  ... ${of.count - of.lines.length} more`)
      }
    }
    this.#byCheck.clear()
  }
}

function lineOf({ key, values }: Finding): string {
  const columns = Object.entries({ ...key, ...values }).map(([column, value]) => `${column}=${value ?? 'NULL'}`)
  return printable(`  ${columns.join(', ')}`)
}

/** Lines that wait in a temporary file. */
class Spool {
  readonly #folder = fs.mkdtempSync(path.join(os.tmpdir(), 'oes-audit-'))
  readonly #file = path.join(this.#folder, 'findings')
  #waiting = ''

  add(line: string): void {
    this.#waiting += `${line}\n`
    if (this.#waiting.length >= SPOOL_CHARS) this.#flush()
  }

  drain(write: (text: string) => void): void {
    this.#flush()
    const fd = fs.openSync(this.#file, 'r')
    const decoder = new TextDecoder()
    const piece = Buffer.allocUnsafe(SPOOL_CHARS)
    for (let got = fs.readSync(fd, piece); got > 0; got = fs.readSync(fd, piece)) {
      write(decoder.decode(piece.subarray(0, got), { stream: true }))
    }
    fs.closeSync(fd)
    fs.rmSync(this.#folder, { recursive: true })
  }

  #flush(): void {
    fs.appendFileSync(this.#file, this.#waiting)
    this.#waiting = ''
  }
}

const SPOOL_CHARS = 1 << 16

/** For tools: one JSON value per line, as they are found. */
class JsonFindings {
  readonly #output: Output
  readonly #fd: number | undefined

  constructor(output: Output, file: string) {
    this.#output = output
    this.#fd = file === '-' ? undefined : fs.openSync(file, 'w')
  }

  of(endpoint: string | undefined): FindingPage {
    let waiting = ''
    const flush = () => {
      if (this.#fd === undefined) this.#output.text(waiting)
      else fs.writeSync(this.#fd, waiting)
      waiting = ''
    }
    return {
      take: finding => {
        waiting += `${findingJson(endpoint === undefined ? finding : { ...finding, endpoint })}\n`
        if (waiting.length >= SPOOL_CHARS) flush()
      },
      finish: flush,
    }
  }

  close(): void {
    if (this.#fd !== undefined) fs.closeSync(this.#fd)
  }
}

/** The bits of a double are a number with more digits than a double has, so they are written by hand. */
export function findingJson({ bits, ...finding }: Found): string {
  const { check, table, key, values, ...rest } = finding
  const text = JSON.stringify({
    check,
    table,
    key,
    values: Object.fromEntries(Object.entries(values).map(jsonValue)),
    ...rest,
  })
  return bits === undefined ? text : `${text.slice(0, -1)},"bits":${bits}}`
}

/** JSON has no infinities. */
function jsonValue([column, value]: [string, Finding['values'][string]]): [string, unknown] {
  return [column, typeof value === 'number' && !Number.isFinite(value) ? String(value) : value]
}
