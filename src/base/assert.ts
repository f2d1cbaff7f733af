// Broken promises of our own code stop the thread, in production too: a wrong number that travels on is dearer than a
// restart. Expected trouble (bad requests, lost connections, full disks) is never an assertion but a coded value.

export class AssertionFailed extends Error {
  override name = 'AssertionFailed'
}

/** Stops the thread with `message` unless `condition` holds. */
export function assert(condition: unknown, message = 'a promise of our own code is broken'): asserts condition {
  if (!condition) throw new AssertionFailed(message)
}

/** Ends a switch over a closed set: the compiler proves that no member was forgotten. */
export function unreachable(value: never): never {
  throw new AssertionFailed(`unreachable value ${String(value)}`)
}
