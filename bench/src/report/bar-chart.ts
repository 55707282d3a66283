import { drawing } from './drawing.js'
import { figure } from './table.js'

interface Panel {
  title: string
  bars: readonly Bar[]
}

interface Bar {
  label: string
  value: number
  isOurs: boolean
}

const WIDTH = 720
const LABELS = 210
const BAR = 22
const GAP = 8
const HEAD = 44

/** Draws horizontal bars, panel below panel; those without bars are left out. */
export function barChart(title: string, panels: readonly Panel[]): string {
  let height = 0
  const parts = panels.flatMap(({ title, bars }) => {
    if (bars.length === 0) return []
    const longest = Math.max(...bars.map(({ value }) => value))
    const top = height
    height += HEAD + bars.length * (BAR + GAP) + GAP
    const lines = bars.map(({ label, value, isOurs }, index) => {
      const at = top + HEAD + index * (BAR + GAP)
      const width = Math.max(2, ((WIDTH - LABELS - 80) * value) / longest)
      return (
        `<text class="ink" x="${LABELS - 10}" y="${at + 16}" text-anchor="end">${label}</text>` +
        `<rect class="${isOurs ? 'ours' : 'other'}" x="${LABELS}" y="${at}" width="${width.toFixed(1)}" height="${BAR}" rx="3"/>` +
        `<text class="ink" x="${(LABELS + width + 8).toFixed(1)}" y="${at + 16}">${figure(value)}</text>`
      )
    })
    return [`<text class="ink" x="2" y="${top + 28}" font-weight="600">${title}</text>`, ...lines]
  })
  const styles = [
    '.ink { fill: #1f2328 } .ours { fill: #0969da } .other { fill: #8c959f }',
    '@media (prefers-color-scheme: dark) { .ink { fill: #e6edf3 } .ours { fill: #4493f8 } .other { fill: #6e7681 } }'
  ]
  return drawing({ title, width: WIDTH, height, styles, parts })
}
