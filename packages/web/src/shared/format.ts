const NUMBER = new Intl.NumberFormat('en', { maximumFractionDigits: 0 })
const FRACTION = new Intl.NumberFormat('en', { maximumFractionDigits: 1 })
const UNITS = ['B', 'kB', 'MB', 'GB', 'TB', 'PB']

export function formatCount(value: number): string {
  return NUMBER.format(value)
}

/** Formats a rate per second. Rates below 10 get a decimal. */
export function formatRate(value: number): string {
  return value < 10 ? FRACTION.format(value) : NUMBER.format(value)
}

/** Formats bytes in powers of a thousand with three digits at most: `1536000` → `1.5 MB`. */
export function formatBytes(bytes: number): string {
  let value = bytes
  let unit = 0
  // 999.5 and more would be rounded to 1,000.
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1000
    unit++
  }
  const text = value < 10 && unit > 0 ? value.toFixed(1) : NUMBER.format(value)
  return `${text} ${UNITS[unit]}`
}

/** Formats milliseconds in the two largest units: `3 d 4 h`, `5 min 12 s`. */
export function formatDuration(milliseconds: number): string {
  const seconds = Math.max(0, Math.round(milliseconds / 1000))
  const [days, hours, minutes] = [seconds / 86_400, (seconds / 3_600) % 24, (seconds / 60) % 60].map(Math.floor)
  if (days) return `${days} d ${hours} h`
  if (hours) return `${hours} h ${minutes} min`
  if (minutes) return `${minutes} min ${seconds % 60} s`
  return `${seconds} s`
}

export function formatTime(at: number): string {
  return new Date(at).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' })
}
