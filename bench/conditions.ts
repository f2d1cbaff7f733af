// Under which conditions the figures were made. A figure without them says nothing.

import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import { defaultConfig } from '../src/config/config.ts'
import { redisVersion } from './server/redis.ts'

export interface Conditions {
  readonly cores: number
  readonly cpu: string
  readonly memoryGib: number
  readonly node: string
  readonly kernel: string
  readonly fileSystem: string
  readonly redis: string
  readonly commit: string
  readonly durability: string
  readonly shards: number
  /** Processes of others that were running at the start, per core. */
  readonly loadAverage: number
  readonly leftOut: readonly string[]
}

export function conditions(): Conditions {
  const config = defaultConfig()
  return {
    cores: os.availableParallelism(),
    cpu: os.cpus()[0]?.model.trim() ?? 'unknown',
    memoryGib: Math.round(os.totalmem() / 2 ** 30),
    node: process.version,
    kernel: `${os.type()} ${os.release()}`,
    fileSystem: fileSystemOf(os.tmpdir()),
    redis: redisVersion() ?? 'not installed',
    commit: commit(),
    durability: config.durability,
    shards: config.engine.shards,
    loadAverage: Math.round((os.loadavg()[0]! / os.availableParallelism()) * 100) / 100,
    leftOut: [
      'the network: clients and server share this machine, over loopback',
      'the cost of the load itself is not subtracted: it shares the cores',
      'venues: orders are filled by the simulated venue, against quotes that stand still',
      'encryption',
    ],
  }
}

export function conditionLines(of: Conditions): string[] {
  return [
    `cores        ${of.cores} × ${of.cpu}, ${of.memoryGib} GiB`,
    `versions     Node ${of.node}, ${of.kernel}, Redis ${of.redis}, commit ${of.commit}`,
    `disk         ${fs.realpathSync(os.tmpdir())} on ${of.fileSystem}`,
    `server       durability ${of.durability}, shards ${of.shards}, checks and all else as by default unless said`,
    `load before  ${of.loadAverage} per core`,
    ...of.leftOut.map((line, index) => `${index === 0 ? 'left out    ' : '            '} ${line}`),
  ]
}

function fileSystemOf(directory: string): string {
  try {
    const lines = execFileSync('df', ['--output=fstype,source', directory], { encoding: 'utf8' }).trim().split('\n')
    return lines.at(-1)!.trim().replace(/\s+/, ' of ')
  } catch {
    return 'an unknown file system' // no df here; the figure stands without it
  }
}

function commit(): string {
  try {
    const git = (...words: string[]) => execFileSync('git', words, { encoding: 'utf8', stdio: 'pipe' }).trim()
    return (
      git('rev-parse', '--short', 'HEAD') + (git('status', '--porcelain', '--', 'src') === '' ? '' : ' and changes')
    )
  } catch {
    return 'unknown' // not a checkout
  }
}
