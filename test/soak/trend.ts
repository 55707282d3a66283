import { megabytes, type Row } from '../chaos/report.js'
import type { Sample } from './server.js'

const HOUR = 3_600_000

/** Share of the samples that show how a server warms up. */
const WARM_UP = 0.2

/** Returns by how much a figure grows in an hour: the slope of the line that fits best once the server is warm. */
export function slopePerHour(all: readonly Sample[], read: (sample: Sample) => number): number {
  const samples = all.slice(Math.floor(all.length * WARM_UP))
  const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length
  const [meanAt, meanValue] = [mean(samples.map(({ at }) => at)), mean(samples.map(read))]
  let [shared, spread] = [0, 0]
  for (const sample of samples) {
    shared += (sample.at - meanAt) * (read(sample) - meanValue)
    spread += (sample.at - meanAt) ** 2
  }
  return spread === 0 ? 0 : (shared / spread) * HOUR
}

/** Lays out how a figure grew: bytes, told in megabytes. */
export function trend(name: string, samples: readonly Sample[], read: (sample: Sample) => number): Row[] {
  if (samples.length === 0) return []
  const values = samples.map((sample) => read(sample) / 1e6)
  const text = (value: number): string => value.toFixed(1)
  const [first = 0, last = 0] = [values[0], values.at(-1)]
  const range = `${text(Math.min(...values))} to ${text(Math.max(...values))}`
  const slope = text(slopePerHour(samples, read) / 1e6)
  return [[name, `${slope} MB/h; ${text(first)} MB, then ${text(last)}; ${range} in ${samples.length} samples`]]
}

/** Lays out one sample. */
export function described(sample: Sample | undefined): string {
  if (sample === undefined) return 'unknown'
  const { heapUsed, rss, files, resources } = sample
  const names = Object.entries(resources).map(([name, count]) => `${count} ${name}`)
  return `heap ${(heapUsed / 1e6).toFixed(1)} MB, RSS ${megabytes(rss)}, ${files} files, ${names.join(', ')}`
}
