// The entry of a writer's thread in tests.

import { workerData } from 'node:worker_threads'
import writerThread from '../../src/writer/writer-thread.ts'

await writerThread(workerData)
