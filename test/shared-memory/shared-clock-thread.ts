// Reads the clock of another thread, over and over: what it reads goes back together with its name.

import { parentPort, workerData } from 'node:worker_threads'
import { SharedClock } from '../../src/shared-memory/shared-clock.ts'

const clock = new SharedClock(workerData as SharedArrayBuffer)
parentPort!.on('message', () => parentPort!.postMessage(clock.nowUs()))
