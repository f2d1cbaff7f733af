// Plots lines over whole numbers as SVG, so that a table can be seen at a glance. Colors tell the lines apart on white
// and in print; each point has its value as a tooltip.

export interface Line {
  readonly name: string
  readonly points: readonly (readonly [x: number, y: number])[]
}

export interface LinePlot {
  readonly title: string
  readonly xLabel: string
  readonly yLabel: string
  readonly lines: readonly Line[]
}

const WIDTH = 720
const HEIGHT = 420
const LEFT = 90
const RIGHT = 24
const TOP = 48
const BOTTOM = 88
const Y_STEPS = 5
const COLORS = ['#1f5fbf', '#c4561c', '#2c8a4b', '#8a3fa0']

/** The SVG text. Every line needs at least one point; y begins at 0. */
export function linePlot({ title, xLabel, yLabel, lines }: LinePlot): string {
  const xs = [...new Set(lines.flatMap(({ points }) => points.map(([x]) => x)))].sort((a, b) => a - b)
  const xMin = xs[0]!
  const xMax = xs.at(-1)!
  const yMax = roundUp(Math.max(...lines.flatMap(({ points }) => points.map(([, y]) => y))))
  const width = WIDTH - LEFT - RIGHT
  const height = HEIGHT - TOP - BOTTOM
  const atX = (x: number) => round(LEFT + (xMax === xMin ? width / 2 : ((x - xMin) / (xMax - xMin)) * width))
  const atY = (y: number) => round(TOP + height - (y / yMax) * height)
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="13">`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>`,
    text(WIDTH / 2, 26, title, 'text-anchor="middle" font-size="16"'),
  ]
  for (let step = 0; step <= Y_STEPS; step++) {
    const y = (yMax / Y_STEPS) * step
    parts.push(
      `<path d="M${LEFT} ${atY(y)}H${WIDTH - RIGHT}" stroke="#ddd"/>`,
      text(LEFT - 8, atY(y) + 4, y.toLocaleString('en-US'), 'text-anchor="end"'),
    )
  }
  for (const x of xs) parts.push(text(atX(x), TOP + height + 20, String(x), 'text-anchor="middle"'))
  parts.push(
    text(LEFT + width / 2, TOP + height + 42, xLabel, 'text-anchor="middle"'),
    text(0, 0, yLabel, `text-anchor="middle" transform="translate(18 ${TOP + height / 2}) rotate(-90)"`),
  )
  lines.forEach(({ name, points }, index) => {
    const color = COLORS[index % COLORS.length]!
    const path = points.map(([x, y], at) => `${at === 0 ? 'M' : 'L'}${atX(x)} ${atY(y)}`).join('')
    parts.push(`<path d="${path}" fill="none" stroke="${color}" stroke-width="2"/>`)
    for (const [x, y] of points) {
      const tip = `${escaped(name)}, ${x}: ${Math.round(y).toLocaleString('en-US')}`
      parts.push(`<circle cx="${atX(x)}" cy="${atY(y)}" r="4" fill="${color}"><title>${tip}</title></circle>`)
    }
    const legendX = LEFT + index * (width / lines.length)
    parts.push(
      `<path d="M${round(legendX)} ${HEIGHT - 16}h20" stroke="${color}" stroke-width="2"/>`,
      text(round(legendX + 26), HEIGHT - 12, name, ''),
    )
  })
  return `${[...parts, '</svg>'].join('\n')}\n`
}

function text(x: number, y: number, content: string, attributes: string): string {
  return `<text x="${x}" y="${y}" ${attributes}>${escaped(content)}</text>`
}

function escaped(content: string): string {
  return content.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
}

function round(value: number): number {
  return Math.round(value * 10) / 10
}

/** The next of 1, 2, 2.5, 5 and 10 times a power of ten, so that the steps of the axis are round. */
function roundUp(value: number): number {
  if (!(value > 0)) return 1
  const power = 10 ** Math.floor(Math.log10(value))
  return [1, 2, 2.5, 5, 10].map(factor => factor * power).find(bound => bound >= value)!
}
