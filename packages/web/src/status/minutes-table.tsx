import { formatBytes, formatCount, formatRate, formatTime } from '../shared/format.js'
import type { Series } from './history.js'

/** The means of each minute, for people who cannot see the charts. */
export function MinutesTable({ series }: { series: Series }) {
  const minutes = new Map<number, number[]>()
  for (const [index, time] of series.times.entries()) {
    const minute = Math.floor(time / 60)
    minutes.set(minute, [...(minutes.get(minute) ?? []), index])
  }
  const mean = (values: readonly (number | null)[], indexes: readonly number[]): number => {
    const known = indexes.map((index) => values[index] ?? null).filter((value) => value !== null)
    return known.length === 0 ? 0 : known.reduce((sum, value) => sum + value, 0) / known.length
  }
  return (
    <table>
      <thead>
        <tr>
          <th scope="col">minute</th>
          <th scope="col" class="number">
            peers
          </th>
          <th scope="col" class="number">
            streams
          </th>
          <th scope="col" class="number">
            relayed / s
          </th>
          <th scope="col" class="number">
            joins / s
          </th>
          <th scope="col" class="number">
            dials / s
          </th>
        </tr>
      </thead>
      <tbody>
        {[...minutes].toReversed().map(([minute, indexes]) => (
          <tr key={minute}>
            <th scope="row">{formatTime(minute * 60_000)}</th>
            <td class="number">{formatCount(mean(series.peers, indexes))}</td>
            <td class="number">{formatCount(mean(series.streams, indexes))}</td>
            <td class="number">{formatBytes(mean(series.bytes, indexes))}</td>
            <td class="number">{formatRate(mean(series.joins, indexes))}</td>
            <td class="number">{formatRate(mean(series.dials, indexes))}</td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}
