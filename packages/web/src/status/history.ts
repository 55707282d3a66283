import type { Reading } from '../../../rendezvous/src/http/status-messages.js'

/** Seconds of readings kept. */
const SPAN = 600
/** Minimum seconds in a chart, so that the readings of a new server have some width. */
const MIN_SPAN = 120
/** Milliseconds between readings that are drawn as a gap: the server was not reachable. */
const GAP = 3_500

/** Columns of the charts: times in seconds, and a value of each kind; null in a gap. */
export interface Series {
  times: number[]
  peers: (number | null)[]
  streams: (number | null)[]
  bytes: (number | null)[]
  joins: (number | null)[]
  dials: (number | null)[]
}

export type SeriesName = Exclude<keyof Series, 'times'>

export class History {
  #readings: Reading[] = []

  get last(): Reading | undefined {
    return this.#readings.at(-1)
  }

  /** Adds the readings that a server sends first. Older ones stay, even those of an earlier server. */
  begin(readings: readonly Reading[]): void {
    const from = readings[0]?.[0] ?? Number.POSITIVE_INFINITY
    this.#readings = [...this.#readings.filter(([at]) => at < from), ...readings]
    this.#forget()
  }

  add(reading: Reading): void {
    this.#readings.push(reading)
    this.#forget()
  }

  series(): Series {
    const series: Series = { times: [], peers: [], streams: [], bytes: [], joins: [], dials: [] }
    let before: Reading | undefined
    for (const reading of this.#readings) {
      const [at, peers, , streams, , , bytes, joins, dials] = reading
      const seconds = before === undefined ? 0 : (at - before[0]) / 1000
      const isGap = before !== undefined && seconds * 1000 > GAP
      if (isGap) push(series, at / 1000 - 1, [null, null, null, null, null])
      const rate = (now: number, index: 6 | 7 | 8): number | null =>
        // A restarted server counts from 0.
        before === undefined || isGap ? null : Math.max(0, now - before[index]) / seconds
      push(series, at / 1000, [peers, streams, rate(bytes, 6), rate(joins, 7), rate(dials, 8)])
      before = reading
    }
    return series
  }

  #forget(): void {
    const from = (this.last?.[0] ?? 0) - SPAN * 1000
    let old = 0
    while ((this.#readings[old]?.[0] ?? from) < from) old++
    if (old > 0) this.#readings.splice(0, old)
  }
}

export function spanOf({ times }: Series): number {
  const known = (times.at(-1) ?? 0) - (times[0] ?? 0)
  return Math.min(SPAN, Math.max(MIN_SPAN, Math.ceil(known / 60) * 60))
}

function push(series: Series, time: number, values: readonly (number | null)[]): void {
  series.times.push(time)
  const [peers = null, streams = null, bytes = null, joins = null, dials = null] = values
  series.peers.push(peers)
  series.streams.push(streams)
  series.bytes.push(bytes)
  series.joins.push(joins)
  series.dials.push(dials)
}
