// A thread that stands back behind the others, and tells what that came to.

import os from 'node:os'
import { parentPort } from 'node:worker_threads'
import { lowerThreadPriority, threadId } from '../../src/base/thread-priority.ts'

const refusal = lowerThreadPriority(3)
parentPort!.postMessage({ refusal, thread: os.getPriority(threadId()), process: os.getPriority(process.pid) })
