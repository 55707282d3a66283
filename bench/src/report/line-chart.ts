import { drawing } from './drawing.js'
import { figure } from './table.js'

export interface Panel {
  title: string
  lines: readonly Line[]
}

interface Line {
  label: string
  isOurs: boolean
  points: readonly Point[]
}

interface Point {
  x: number
  y: number
}

const WIDTH = 720
const HEIGHT = 240
const [LEFT, RIGHT, TOP, BOTTOM] = [56, 150, 44, 36]
/** Where a label is beside the last point of its line: above it where another line may pass. */
const [OUR_LABEL, OTHER_LABEL] = [4, -6]

/** Draws lines, panel below panel; both axes are logarithmic. */
export function lineChart(title: string, panels: readonly Panel[]): string {
  const styles = [
    '.ink { fill: #1f2328 } .grid { stroke: #d0d7de } .ours { stroke: #0969da; fill: #0969da } .legacy { stroke: #8c959f; fill: #8c959f }',
    '@media (prefers-color-scheme: dark) { .ink { fill: #e6edf3 } .grid { stroke: #3d444d } .ours { stroke: #4493f8; fill: #4493f8 } .legacy { stroke: #6e7681; fill: #6e7681 } }',
    'path.grid, path.line { fill: none } path.line { stroke-width: 2 }'
  ]
  const parts = panels.map((panel, index) => draw(panel, index * HEIGHT))
  return drawing({ title, width: WIDTH, height: HEIGHT * panels.length, styles, parts })
}

/** @param top - where the panel begins */
function draw({ title, lines }: Panel, top: number): string {
  const all = lines.flatMap(({ points }) => points)
  const bottom = top + HEIGHT - BOTTOM
  const across = scale(
    all.map(({ x }) => x),
    LEFT,
    WIDTH - RIGHT
  )
  const up = scale(
    all.map(({ y }) => y),
    bottom,
    top + TOP
  )
  const grid = [
    ...across.ticks.map((value) => {
      const x = across.at(value)
      const label = `<text class="ink" x="${x}" y="${bottom + 18}" text-anchor="middle">${figure(value)}</text>`
      return `<path class="grid" d="M${x} ${top + TOP}V${bottom}"/>${label}`
    }),
    ...up.ticks.map((value) => {
      const y = up.at(value)
      const label = `<text class="ink" x="${LEFT - 8}" y="${y + 4}" text-anchor="end">${figure(value)}</text>`
      return `<path class="grid" d="M${LEFT} ${y}H${WIDTH - RIGHT}"/>${label}`
    })
  ]
  const drawn = lines.map(({ label, isOurs, points }) => {
    const last = points.at(-1)
    if (last === undefined) return ''
    const name = isOurs ? 'ours' : 'legacy'
    const at = points.map(({ x, y }) => ({ x: across.at(x), y: up.at(y) }))
    const dots = at.map(({ x, y }) => `<circle class="${name}" cx="${x}" cy="${y}" r="3"/>`).join('')
    const [x, y] = [across.at(last.x) + 8, up.at(last.y) + (isOurs ? OUR_LABEL : OTHER_LABEL)]
    return (
      `<path class="${name} line" d="M${at.map(({ x, y }) => `${x} ${y}`).join('L')}"/>${dots}` +
      `<text class="ink" x="${x}" y="${y}">${label}: ${figure(last.y)}</text>`
    )
  })
  const heading = `<text class="ink" x="2" y="${top + 28}" font-weight="600">${title}</text>`
  return [heading, ...grid, ...drawn].join('\n')
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
