// What the command tells the shell. The numbers are part of the interface: scripts branch on them.

export const ExitStatus = {
  Ok: 0,
  /** The server refused, or something failed; nothing is in doubt. */
  Failed: 1,
  /** The command line is wrong. */
  Usage: 2,
  /** The request left and was not answered: it may have happened. */
  Unknown: 3,
} as const
export type ExitStatus = (typeof ExitStatus)[keyof typeof ExitStatus]
