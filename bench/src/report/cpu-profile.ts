import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { figure, markdownTable } from './table.js'

/** The first microseconds belong to starting up and joining. */
const SKIPPED = 1_500_000
const TOP = 25

/** The parts of V8's format that are read here. */
interface CpuProfile {
  nodes: { id: number; callFrame: { functionName: string; url: string; lineNumber: number } }[]
  samples: number[]
  timeDeltas: number[]
}

interface Line {
  name: string
  group: string
  /** In microseconds. */
  self: number
}

/**
 * Says where the time of one process went.
 *
 * @param folder - that its profile was written to
 * @param role - what the process is, see `profileFlags`
 * @throws {Error} if there is no profile: the process did not end by itself
 */
export function profileTables(folder: string, role: string): string {
  const text = readFileSync(join(folder, `${role}.cpuprofile`), 'utf8')
  return tablesOf(linesOf(JSON.parse(text) as CpuProfile)) // as V8 writes it
}

function linesOf({ nodes, samples, timeDeltas }: CpuProfile): Line[] {
  const frames = new Map(nodes.map(({ id, callFrame }) => [id, callFrame]))
  const lines = new Map<string, Line>()
  let elapsed = 0
  for (const [index, id] of samples.entries()) {
    const delta = timeDeltas[index] ?? 0
    elapsed += delta
    const frame = frames.get(id)
    if (frame === undefined || elapsed < SKIPPED || frame.functionName === '(idle)') continue
    const place = frame.url === '' ? '' : ` ${frame.url.replace(/^.*\/(?=[^/]+\/[^/]+$)/, '')}:${frame.lineNumber + 1}`
    const name = `${frame.functionName || '(anonymous)'}${place}`
    const line = lines.get(name) ?? { name, group: groupOf(frame), self: 0 }
    line.self += delta
    lines.set(name, line)
  }
  return [...lines.values()].toSorted((a, b) => b.self - a.self)
}

function groupOf({ functionName, url }: CpuProfile['nodes'][number]['callFrame']): string {
  if (functionName === '(garbage collector)') return 'garbage collection'
  if (functionName === '(program)') return 'event loop: polling and reading'
  if (url === '') return 'system calls and other native functions'
  if (url.startsWith('node:')) return 'Node'
  if (url.includes('/node_modules/ws/')) return 'ws'
  if (url.includes('/node_modules/engine.io')) return 'engine.io'
  // What packages bring along compiled; nothing of ours is.
  if (url.includes('/node_modules/') || url.startsWith('wasm:')) return 'other packages'
  return 'our code'
}

function tablesOf(lines: readonly Line[]): string {
  const total = lines.reduce((sum, { self }) => sum + self, 0)
  const share = (self: number) => `${((self * 100) / total).toFixed(1)} %`
  const groups = new Map<string, number>()
  for (const { group, self } of lines) groups.set(group, (groups.get(group) ?? 0) + self)
  const byGroup = [...groups].toSorted(([, a], [, b]) => b - a).map(([group, self]) => [group, share(self)])
  const byFunction = lines
    .slice(0, TOP)
    .map(({ name, group, self }) => [`${name}`, share(self), figure(self / 1000), group])
  return `${markdownTable(['', 'self time'], byGroup)}

${markdownTable(['function', 'self time', 'ms', 'group'], byFunction)}`
}
