import { figure } from '../report/table.js'
import type { CrowdResult } from './cases.js'
import { CROWD_SERVER_NAMES, CROWD_SERVERS } from './contenders.js'
import { crowdRowsOf, type CrowdRow } from './tables.js'

type Row = CrowdRow<'idle'>

interface Panel {
  title: string
  valueOf: (row: Row) => number
}

const PANELS: readonly Panel[] = [
  { title: 'Server CPU, % of a core', valueOf: ({ of }) => of.cpu },
  { title: 'Resident memory, MB', valueOf: ({ of }) => of.rss / 1e6 }
]

const WIDTH = 720
const HEIGHT = 240
const [LEFT, RIGHT, TOP, BOTTOM] = [56, 150, 44, 36]
/** Beside the last point; above it where the other line may pass. */
const LABEL_AT = { ours: 4, legacy: -6 }
const FONT = 'font-family="system-ui, sans-serif" font-size="13"'

/** CPU and memory by the number of idle peers; both axes are logarithmic. */
export function crowdChartOf(results: readonly CrowdResult[]): string {
  const rows = crowdRowsOf(results, 'idle')
  const panels = PANELS.map((panel, index) => panelOf(panel, rows, index * HEIGHT))
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT * PANELS.length}" role="img" ${FONT}>
<title>What idle peers cost a server; lower is better</title>
<style>
.ink { fill: #1f2328 } .grid { stroke: #d0d7de } .ours { stroke: #0969da; fill: #0969da } .legacy { stroke: #8c959f; fill: #8c959f }
@media (prefers-color-scheme: dark) { .ink { fill: #e6edf3 } .grid { stroke: #3d444d } .ours { stroke: #4493f8; fill: #4493f8 } .legacy { stroke: #6e7681; fill: #6e7681 } }
path.grid, path.line { fill: none } path.line { stroke-width: 2 }
</style>
${panels.join('\n')}
</svg>
`
}

function panelOf({ title, valueOf }: Panel, rows: readonly Row[], y: number): string {
  const across = scale(
    rows.map(({ case: { peers } }) => peers),
    LEFT,
    WIDTH - RIGHT
  )
  const up = scale(rows.map(valueOf), y + HEIGHT - BOTTOM, y + TOP)
  const grid = [
    ...across.ticks.map((peers) => {
      const x = across.at(peers)
      const label = `<text class="ink" x="${x}" y="${y + HEIGHT - BOTTOM + 18}" text-anchor="middle">${figure(peers)}</text>`
      return `<path class="grid" d="M${x} ${y + TOP}V${y + HEIGHT - BOTTOM}"/>${label}`
    }),
    ...up.ticks.map((value) => {
      const at = up.at(value)
      const label = `<text class="ink" x="${LEFT - 8}" y="${at + 4}" text-anchor="end">${figure(value)}</text>`
      return `<path class="grid" d="M${LEFT} ${at}H${WIDTH - RIGHT}"/>${label}`
    })
  ]
  const lines = CROWD_SERVER_NAMES.map((name) => {
    const points = rows
      .filter(({ server }) => server === name)
      .map((row) => ({ x: across.at(row.case.peers), y: up.at(valueOf(row)), value: valueOf(row) }))
    const last = points.at(-1)
    if (last === undefined) return ''
    const dots = points.map(({ x, y }) => `<circle class="${name}" cx="${x}" cy="${y}" r="3"/>`).join('')
    const label = `${CROWD_SERVERS[name].title}: ${figure(last.value)}`
    return (
      `<path class="${name} line" d="M${points.map(({ x, y }) => `${x} ${y}`).join('L')}"/>${dots}` +
      `<text class="ink" x="${last.x + 8}" y="${last.y + LABEL_AT[name]}">${label}</text>`
    )
  })
  const heading = `<text class="ink" x="2" y="${y + 28}" font-weight="600">${title}, by idle peers</text>`
  return [heading, ...grid, ...lines].join('\n')
}

interface Scale {
  /** Powers of ten, from below the least value to above the greatest. */
  ticks: number[]
  at: (value: number) => number
}

function scale(values: readonly number[], from: number, to: number): Scale {
  const logs = values.filter((value) => value > 0).map(Math.log10)
  const low = Math.floor(Math.min(...logs))
  const high = Math.max(low + 1, Math.ceil(Math.max(...logs)))
  const ticks = Array.from({ length: high - low + 1 }, (_, index) => 10 ** (low + index))
  const lowest = 10 ** low
  const at = (value: number) => {
    const share = (Math.log10(Math.max(value, lowest)) - low) / (high - low)
    return Math.round((from + share * (to - from)) * 10) / 10
  }
  return { ticks, at }
}
