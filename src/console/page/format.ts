// Numbers, times and durations as people read them. Numbers of a column have the same number of decimals, so that they
// line up; times are those of the browser's place, to the microsecond where the server tells it.

const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 })
const exact = new Intl.NumberFormat('en', { maximumFractionDigits: 6 })
const four = new Intl.NumberFormat('en', { minimumFractionDigits: 2, maximumFractionDigits: 4 })
const two = new Intl.NumberFormat('en', { minimumFractionDigits: 2, maximumFractionDigits: 2 })

export function count(value: number): string {
  return signed(whole.format(value))
}

/** With a minus that is as wide as a plus. */
function signed(text: string): string {
  return text.replace('-', '−')
}

/** A quantity: whole where it is, as exact as it is otherwise. */
export function quantity(value: number): string {
  return signed(exact.format(value))
}

/** A price: cents, and more digits where there are. */
export function price(value: number): string {
  if (value === 0) return '–'
  return Math.abs(value * 100 - Math.round(value * 100)) < 1e-9 ? two.format(value) : exact.format(value)
}

/** An average of prices: its last digits say nothing. */
export function average(value: number): string {
  return value === 0 ? '–' : four.format(value)
}

export function money(value: number): string {
  return signed(two.format(value))
}

/** A rate or a count that may be large, in few digits: 950, 12.4 k, 1.25 M. */
export function short(value: number): string {
  if (value < 1_000) return whole.format(value)
  if (value < 1_000_000) return `${(value / 1_000).toFixed(value < 100_000 ? 1 : 0)} k`
  return `${(value / 1_000_000).toFixed(2)} M`
}

/** A latency in µs, in the unit that suits it. */
export function latency(us: number | null): string {
  if (us === null) return '–'
  if (us < 1_000) return `${Math.round(us)} µs`
  if (us < 1_000_000) return `${(us / 1_000).toFixed(us < 10_000 ? 2 : us < 100_000 ? 1 : 0)} ms`
  return `${(us / 1_000_000).toFixed(2)} s`
}

export function bytes(value: number): string {
  if (value < 1_000) return `${whole.format(value)} B`
  if (value < 1_000_000) return `${(value / 1e3).toFixed(0)} kB`
  if (value < 1_000_000_000) return `${(value / 1e6).toFixed(value < 10e6 ? 1 : 0)} MB`
  return `${(value / 1e9).toFixed(1)} GB`
}

export function percent(share: number | null): string {
  return share === null ? '–' : `${Math.round(100 * share)} %`
}

export function seconds(value: number): string {
  if (value === 0) return '0 s'
  if (value < 60) return `${value.toFixed(value < 10 ? 1 : 0)} s`
  if (value < 3_600) return `${Math.floor(value / 60)} min`
  if (value < 86_400) return `${Math.floor(value / 3_600)} h ${Math.floor((value % 3_600) / 60)} min`
  return `${Math.floor(value / 86_400)} d ${Math.floor((value % 86_400) / 3_600)} h`
}

const pad = (value: number, digits = 2) => String(value).padStart(digits, '0')

/** 14:30:00 */
export function clock(ms: number): string {
  const time = new Date(ms)
  return `${pad(time.getHours())}:${pad(time.getMinutes())}:${pad(time.getSeconds())}`
}

/** 14:30:00.123 */
export function clockMs(us: number): string {
  return `${clock(us / 1_000)}.${pad(Math.floor(us / 1_000) % 1_000, 3)}`
}

/** 14:30:00.123456 */
export function clockUs(us: number): string {
  return `${clock(us / 1_000)}.${pad(us % 1_000_000, 6)}`
}

/** 2026-01-30 14:30:00 */
export function dateTime(ms: number): string {
  const time = new Date(ms)
  return `${time.getFullYear()}-${pad(time.getMonth() + 1)}-${pad(time.getDate())} ${clock(ms)}`
}
