// Whose rules an account's orders meet: its own, then those of the directories it lies in, the nearest first. Of an
// account only the trading groups count, by the directories `traders` and `managers` that it is in; other directories,
// which lend rights and the like, do not. From there on everything above counts.

/** What the walk asks the directory. */
export interface DirectoryView {
  parentsOf(entry: number): Iterable<number>
  nameOf(entry: number): string
}

/** The account and the directories above it, breadth first, each once. */
export function complianceNodes(account: number, directory: DirectoryView): number[] {
  const nodes = new Set([account])
  // A set is walked in the order of insertion, nodes added on the way included: it is the queue as well.
  for (const node of nodes) {
    for (const parent of directory.parentsOf(node)) {
      if (node !== account || isGroupRole(directory.nameOf(parent))) nodes.add(parent)
    }
  }
  return [...nodes]
}

function isGroupRole(name: string): boolean {
  return name === 'traders' || name === 'managers'
}
