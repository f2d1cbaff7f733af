// Runs a shard's committing thread as a plain worker.

import { workerData } from 'node:worker_threads'
import runCommits, { type CommitThreadOptions } from '../../src/shards/commit-thread.ts'

runCommits(workerData as CommitThreadOptions)
