// Who is who, as the sessions need it. The server fills it from the surrounding services; a rehearsal from a script.

export interface Directory {
  /** Counts up whenever roles, groups or accounts change: what was asked before has to be asked again. */
  readonly version: number
  /** Row of an account in the shared tables, −1 where there is no such account. */
  rowOf(account: number): number
  accountOf(row: number): number
  nameOf(account: number): string
  findAccount(name: string): number | undefined
  findGroup(name: string): number | undefined
  groupName(group: number): string | undefined
  isAdministrator(account: number): boolean
  /** Whether sessions of the account may do nothing but read, whatever else is permitted. */
  isObserver(account: number): boolean
  /** Whether a session of `account` may trade `other` and see its orders; of an observer, whether it may see them. */
  permitted(account: number, other: number): boolean
  /** Whether a session of `account` may follow the group. */
  mayFollow(account: number, group: number): boolean
  /** Traders of a group. */
  traders(group: number): Iterable<number>
  /** Accounts that a session of `account` may trade or, as an observer, see, ascending, above `after`, at most `max`. */
  permittedAccounts(account: number, after: number, max: number): readonly number[]
  /**
   * The account that name and password belong to, asked by somebody at the host `from`; undefined where they belong to
   * none. Rejects where nobody can tell, with `LoginsSuspended` where nobody is asked.
   */
  authenticate(name: string, password: string, from: string): Promise<number | undefined>
}

/** Too many logins of the name have failed: the next one is looked at in so many seconds. */
export class LoginsSuspended extends Error {
  override name = 'LoginsSuspended'
  readonly seconds: number

  constructor(seconds: number) {
    super(`logins are suspended for ${seconds} s`)
    this.seconds = seconds
  }
}
