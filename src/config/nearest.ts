// The known name that somebody most likely meant by an unknown one.

/** Of a longer name more letters may be wrong: one in three, at least one. */
const LETTERS_PER_SLIP = 3

/** The one of `names` that is nearest to `name`; undefined where none is near. */
export function nearest(name: string, names: readonly string[]): string | undefined {
  const given = plain(name)
  let found: string | undefined
  let least = Math.max(1, Math.floor(given.length / LETTERS_PER_SLIP)) + 1
  for (const known of names) {
    const slips = slipsBetween(given, plain(known))
    if (slips >= least) continue
    found = known
    least = slips
  }
  return found
}

/** Capitals and hyphens are the spelling of other files, not another word. */
function plain(name: string): string {
  return name.toLowerCase().replaceAll('-', '_')
}

/** Letters to be left out, put in, replaced or exchanged with their neighbour to get from `a` to `b`. */
function slipsBetween(a: string, b: string): number {
  let before: number[] = []
  let above = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (let row = 1; row <= a.length; row++) {
    const line = [row]
    for (let column = 1; column <= b.length; column++) {
      const differs = a[row - 1] === b[column - 1] ? 0 : 1
      let slips = Math.min(above[column]! + 1, line[column - 1]! + 1, above[column - 1]! + differs)
      if (row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]) {
        slips = Math.min(slips, before[column - 2]! + 1)
      }
      line.push(slips)
    }
    before = above
    above = line
  }
  return above[b.length]!
}
