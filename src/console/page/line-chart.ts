// A chart of lines over time. The only door to uPlot.

import uPlot from 'uplot'
import { html, type Markup, useEffect, useRef, useState } from './markup.ts'
import { colour } from './theme.ts'

export interface Line {
  readonly label: string
  /** A colour of the style sheet. */
  readonly colour: string
  readonly isFilled?: boolean
  readonly isDashed?: boolean
  readonly values: readonly (number | null)[]
}

interface LineChartProps {
  readonly title: string
  readonly label: string
  /** In seconds since the epoch. */
  readonly times: readonly number[]
  readonly lines: readonly Line[]
  /** How much of time is shown, in seconds, up to now. */
  readonly spanSeconds: number
  readonly format: (value: number) => string
  /** Changes where colours did. */
  readonly themes: number
}

const HEIGHT = 172

export function LineChart({ title, label, times, lines, spanSeconds, format, themes }: LineChartProps): Markup {
  const element = useRef<HTMLDivElement>(null)
  const plot = useRef<uPlot | undefined>(undefined)
  /** Where the pointer is, from the end of the data; undefined where it is not over the chart. */
  const [fromEnd, setFromEnd] = useState<number | undefined>(undefined)
  useEffect(() => {
    const box = element.current
    if (box === null) return
    const onCursor = (at: number | null | undefined, length: number) =>
      setFromEnd(at === null || at === undefined ? undefined : length - at)
    const made = new uPlot(optionsOf(lines, box.clientWidth, format, onCursor), [[], ...lines.map(() => [])], box)
    plot.current = made
    const observer = new ResizeObserver(() => {
      if (box.clientWidth > 0) made.setSize({ width: box.clientWidth, height: HEIGHT })
    })
    observer.observe(box)
    return () => {
      observer.disconnect()
      made.destroy()
      plot.current = undefined
    }
  }, [themes, lines.map(line => line.label).join()])
  useEffect(() => {
    const made = plot.current
    if (made === undefined) return
    const lastSeconds = times.at(-1) ?? Date.now() / 1_000
    const from = times.findIndex(time => time >= lastSeconds - spanSeconds)
    const cut = <Value>(values: readonly Value[]) => (from <= 0 ? [...values] : values.slice(from))
    made.batch(() => {
      made.setData([cut(times), ...lines.map(({ values }) => cut(values))], false)
      made.setScale('x', { min: lastSeconds - spanSeconds, max: lastSeconds })
    })
  }, [times, spanSeconds, themes])
  const at = times.length - (fromEnd ?? 1)
  const time = times[at]
  return html`
    <figcaption class="chart-head">
      <h3>${title}</h3>
      <span class="muted">${time === undefined || fromEnd === undefined ? 'now' : new Date(time * 1_000).toLocaleTimeString('en-GB')}</span>
      <ul class="legend">
        ${lines.map(
          ({ label, colour, values }) => html`
          <li key=${label}><span class=${`swatch ${colour}`}></span>${label} <strong>${told(values[at], format)}</strong></li>`,
        )}
      </ul>
    </figcaption>
    <div class="chart" role="img" aria-label=${label} ref=${element}></div>`
}

function told(value: number | null | undefined, format: (value: number) => string): string {
  return value === null || value === undefined ? '–' : format(value)
}

function optionsOf(
  lines: readonly Line[],
  width: number,
  format: (value: number) => string,
  onCursor: (at: number | null | undefined, length: number) => void,
): uPlot.Options {
  const axis = {
    stroke: colour('muted'),
    font: '11px Inter, system-ui, sans-serif',
    grid: { stroke: colour('grid'), width: 1 },
    ticks: { show: false },
  }
  return {
    width: Math.max(200, width),
    height: HEIGHT,
    padding: [8, 22, 0, 0],
    cursor: { y: false, points: { size: 6 }, drag: { setScale: false } },
    legend: { show: false },
    hooks: { setCursor: [made => onCursor(made.cursor.idx, made.data[0].length)] },
    scales: { x: { time: true, auto: false }, y: { range: (_, __, max) => [0, Math.max(max ?? 0, 1) * 1.12] } },
    axes: [
      { ...axis, size: 26, values: '{HH}:{mm}:{ss}', space: 80, grid: { show: false } },
      { ...axis, size: 62, space: 36, values: (_, ticks) => ticks.map(tick => format(tick)) },
    ],
    series: [
      {},
      ...lines.map(({ label, colour: name, isFilled, isDashed }) => ({
        label,
        stroke: colour(name),
        width: 1.5,
        ...(isFilled ? { fill: colour(`${name}-fill`) } : {}),
        ...(isDashed ? { dash: [4, 3] } : {}),
        points: { show: false },
      })),
    ],
  }
}
