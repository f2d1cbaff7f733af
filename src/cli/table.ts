// Tables for people: columns as wide as their widest cell, numbers to the right, two spaces between.

export interface Column<Row> {
  title: string
  /** Right for numbers; left where absent. */
  align?: 'left' | 'right'
  cell(row: Row): string
  /** Colours a cell that is padded already. */
  paint?(padded: string, row: Row): string
}

/** The lines of a table, its titles first, without spaces at their ends. */
export function tableLines<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  paintTitle: (padded: string) => string = text => text,
): string[] {
  const cells = rows.map(row => columns.map(column => printable(column.cell(row))))
  const widths = columns.map((column, i) => Math.max(column.title.length, ...cells.map(line => line[i].length)))
  const titles = columns.map((column, i) => ({ text: pad(column, column.title, widths[i]), paint: paintTitle }))
  const lines = [titles]
  for (const [at, row] of rows.entries()) {
    lines.push(
      columns.map((column, i) => ({
        text: pad(column, cells[at][i], widths[i]),
        paint: text => column.paint?.(text, row) ?? text,
      })),
    )
  }
  return lines.map(line => {
    // What is blank at the end is cut before anything is painted, so that no line ends in spaces.
    const end = line.findLastIndex(({ text }) => text.trim() !== '')
    const shown = line.slice(0, end + 1)
    return shown.map(({ text, paint }, i) => paint(i === end ? text.trimEnd() : text)).join('  ')
  })
}

function pad<Row>(column: Column<Row>, text: string, width: number): string {
  return column.align === 'right' ? text.padStart(width) : text.padEnd(width)
}

/** Texts come from other people: nothing in them may steer the terminal. */
export function printable(text: string): string {
  return text.replace(/\p{Cc}/gu, '\u{fffd}')
}
