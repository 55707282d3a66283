import { useEffect, useRef, useState } from 'preact/hooks'
import uPlot from 'uplot'
import { formatTime } from '../shared/format.js'
import { spanOf, type Series, type SeriesName } from './history.js'

export interface StripChartProps {
  name: SeriesName
  title: string
  series: Series
  format: (value: number) => string
  unit?: string
  /** Whether times are shown below. */
  hasAxis?: boolean
}

/** Pixels. */
const HEIGHT = 58
const AXIS_HEIGHT = 20

/** A chart of one figure over the last minutes. All charts share their cursor. */
export function StripChart({ name, title, series, format, unit = '', hasAxis = false }: StripChartProps) {
  const place = useRef<HTMLDivElement>(null)
  const chart = useRef<uPlot>(null)
  const span = useRef(0)
  span.current = spanOf(series)
  const [pointed, setPointed] = useState<number>()
  const values = series[name]
  const known = values.filter((value) => value !== null)
  const now = values.at(-1) ?? undefined
  const peak = Math.max(0, ...known)
  const at = pointed === undefined ? undefined : values[pointed]

  useEffect(() => {
    if (place.current === null) return undefined
    const plot = new uPlot(
      optionsFor(hasAxis, () => span.current, setPointed),
      dataOf(series, name),
      place.current
    )
    chart.current = plot
    const fit = (): void => plot.setSize({ width: place.current?.clientWidth ?? 0, height: plot.height })
    const observer = new ResizeObserver(fit)
    observer.observe(place.current)
    const scheme = matchMedia('(prefers-color-scheme: dark)')
    const redraw = (): void => plot.redraw(false)
    scheme.addEventListener('change', redraw)
    return () => {
      observer.disconnect()
      scheme.removeEventListener('change', redraw)
      plot.destroy()
    }
  }, [])
  useEffect(() => chart.current?.setData(dataOf(series, name)), [series])

  const shown = at ?? now
  const time = pointed === undefined ? undefined : series.times[pointed]
  return (
    <div class="strip" data-name={name}>
      <h3>{title}</h3>
      <p class="strip-value">
        <data value={now ?? ''}>{shown === undefined || shown === null ? '–' : format(shown)}</data>
        <span class="label unit">{unit}</span>
      </p>
      <p class="strip-note label">
        {time === undefined
          ? `peak ${format(peak)}`
          : new Date(time * 1000).toLocaleTimeString([], { hourCycle: 'h23' })}
      </p>
      <div
        ref={place}
        class="strip-chart"
        role="img"
        aria-label={`${title} over the last minutes: ${now === undefined ? 'not known' : format(now)} ${unit} now, peak ${format(peak)}`}
      />
    </div>
  )
}

function dataOf(series: Series, name: SeriesName): uPlot.AlignedData {
  return [series.times, series[name]]
}

function optionsFor(
  hasAxis: boolean,
  span: () => number,
  setPointed: (index: number | undefined) => void
): uPlot.Options {
  return {
    width: 100,
    height: HEIGHT + (hasAxis ? AXIS_HEIGHT : 0),
    padding: [6, 1, hasAxis ? 0 : 2, 1],
    legend: { show: false },
    cursor: {
      sync: { key: 'status' },
      drag: { x: false, y: false, setScale: false },
      points: { size: 6, stroke: () => colour('--flow'), fill: () => colour('--sheet') },
      y: false
    },
    scales: {
      x: { range: (_plot, _min, max) => [max - span(), max] },
      y: { range: (_plot, _min, max) => [0, Math.max(1, max * 1.08)] }
    },
    axes: [
      {
        show: hasAxis,
        size: AXIS_HEIGHT,
        font: '11px system-ui, sans-serif',
        stroke: () => colour('--soft'),
        values: ({ scales }, splits) => {
          const { min = 0, max = 0 } = scales['x'] ?? {}
          // Labels at the edges would be clipped.
          const edge = (max - min) / 30
          return splits.map((at) => (at - min < edge || max - at < edge ? '' : formatTime(at * 1000)))
        },
        space: 90,
        incrs: [60, 120, 300],
        grid: { show: false },
        ticks: { show: false },
        gap: 4
      },
      {
        // Lines at half and full height only; the values are shown beside the chart.
        size: 0,
        splits: (_plot, _axis, min, max) => [min, (min + max) / 2, max],
        values: () => [],
        grid: { stroke: () => colour('--rule'), width: 1, dash: [2, 4] },
        ticks: { show: false }
      }
    ],
    series: [
      {},
      {
        stroke: () => colour('--flow'),
        fill: () => colour('--flow-wash'),
        width: 1.5,
        points: { show: false },
        spanGaps: false
      }
    ],
    hooks: {
      setCursor: [({ cursor: { idx, left = -1 } }) => setPointed(left < 0 || idx === null ? undefined : idx)]
    }
  }
}

/** Resolves a colour variable. Browsers evaluate `light-dark()` only where it is used as a colour. */
function colour(name: string): string {
  const probe = document.getElementById('colour-probe') ?? document.body
  probe.style.color = `var(${name})`
  return getComputedStyle(probe).color
}
