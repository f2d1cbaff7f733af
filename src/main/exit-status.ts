// How the process ends, in numbers that a supervisor can tell apart.

export const ExitStatus = {
  Stopped: 0,
  /** The start failed; the log says why. */
  StartFailed: 1,
  /** A thread broke one of its own promises. Recovery is the ordinary start. */
  ThreadFailed: 70,
  /** The journal cannot be written: nothing may be acknowledged any more. */
  JournalFailed: 74,
  /** Another server uses the data directory. */
  DataInUse: 75,
  /** The configuration cannot be used. */
  ConfigInvalid: 78,
  /** A second signal asked not to wait. */
  Forced: 130,
} as const
export type ExitStatus = (typeof ExitStatus)[keyof typeof ExitStatus]
