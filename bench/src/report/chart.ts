import type { FiguresOf, RelayResult } from '../cases.js'
import { CONTENDERS } from '../servers/contenders.js'
import { rowsOf } from './summary.js'
import { figure } from './table.js'

interface Panel {
  title: string
  payload: number
  key: keyof FiguresOf['throughput']
}

const PANELS: readonly Panel[] = [
  { title: 'µs of server CPU per message of 100 B', payload: 100, key: 'cpuPerMessage' },
  { title: 's of server CPU per GB in messages of 64 KiB', payload: 65_536, key: 'cpuPerGB' }
]

const WIDTH = 720
const LABELS = 210
const BAR = 22
const GAP = 8
const HEAD = 44
const FONT = 'font-family="system-ui, sans-serif" font-size="13"'

/** Bars for the cases most people ask about: one pair, many messages per write. Shorter is better. */
export function chartOf(results: readonly RelayResult[]): string {
  const rows = rowsOf(results, 'throughput')
  let top = 0
  const panels = PANELS.map(({ title, payload, key }) => {
    const row = rows.find(({ case: of }) => of.payload === payload && of.pairs === 1 && of.mode === 'bursts')
    const bars = [...(row?.of ?? [])].map(([name, found]) => ({
      label: CONTENDERS[name].title,
      value: found[key],
      name
    }))
    if (bars.length === 0) return ''
    const longest = Math.max(...bars.map(({ value }) => value))
    const y = top
    top += HEAD + bars.length * (BAR + GAP) + GAP
    const lines = bars.map(({ label, value, name }, index) => {
      const at = y + HEAD + index * (BAR + GAP)
      const width = Math.max(2, ((WIDTH - LABELS - 80) * value) / longest)
      return (
        `<text class="ink" x="${LABELS - 10}" y="${at + 16}" text-anchor="end">${label.replaceAll('`', '')}</text>` +
        `<rect class="${name === 'ours' ? 'ours' : 'other'}" x="${LABELS}" y="${at}" width="${width.toFixed(1)}" height="${BAR}" rx="3"/>` +
        `<text class="ink" x="${(LABELS + width + 8).toFixed(1)}" y="${at + 16}">${figure(value)}</text>`
      )
    })
    return `<text class="ink" x="2" y="${y + 28}" font-weight="600">${title}</text>\n${lines.join('\n')}`
  })
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${top}" role="img" ${FONT}>
<title>Server CPU of relaying, side by side; shorter is better</title>
<style>
.ink { fill: #1f2328 } .ours { fill: #0969da } .other { fill: #8c959f }
@media (prefers-color-scheme: dark) { .ink { fill: #e6edf3 } .ours { fill: #4493f8 } .other { fill: #6e7681 } }
</style>
${panels.filter((panel) => panel !== '').join('\n')}
</svg>
`
}
