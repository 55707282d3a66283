import { mediansOf } from '../report/summary.js'
import { figure, markdownTable } from '../report/table.js'
import type { ClusterResult, DelayCase } from './cases.js'
import { STAR_NAMES, STARS, type StarName } from './contenders.js'
import type { DelayFigures } from './delays.js'
import type { RegistryFigures } from './registry.js'
import type { RelayCase, RelayFigures } from './relay.js'

const MB = 1e6
/** Microseconds per byte, as seconds per GB. */
const SECONDS_PER_GB = 1000
/** From this size on, bytes cost more than messages do. */
const LARGE = 16 * 1024

const CPU_PARTS = ['node A', 'node B', 'Redis', 'together']
const LOADS: Readonly<Record<RelayCase['load'], string>> = { raw: 'raw frames', client: 'clients' }
const DELAYS: Readonly<Record<DelayCase['kind'], string>> = {
  'round-trip': '1 KiB there and back',
  dial: 'a dial, until it is answered'
}

/** All results as markdown, a section per question. */
export function clusterTablesOf(results: readonly ClusterResult[]): string {
  const sections = [
    largeTable(results),
    smallTable(results),
    delayTable(results),
    registryTable(results),
    results.flatMap(({ remarks }) => remarks.map((remark) => `- ${remark}`)).join('\n')
  ]
  return sections.filter((section) => section !== '').join('\n\n')
}

function largeTable(results: readonly ClusterResult[]): string {
  const body = relaysOf(results)
    .filter(({ of }) => of.size >= LARGE)
    .map(({ title, of, found }) => [
      title,
      figure(found.megabytesPerSecond),
      ...cpuCells(found, SECONDS_PER_GB / of.size)
    ])
  const head = ['', 'MB per second', ...CPU_PARTS.map((part) => `${part}, s per GB`)]
  return section('From node to node, messages of 64 KiB', head, body)
}

function smallTable(results: readonly ClusterResult[]): string {
  const body = relaysOf(results)
    .filter(({ of }) => of.size < LARGE)
    .map(({ title, found }) => [title, figure(found.messagesPerSecond), ...cpuCells(found, 1)])
  const head = ['', 'messages per second', ...CPU_PARTS.map((part) => `${part}, µs per message`)]
  return section('From node to node, messages of 100 B', head, body)
}

/** A row for each star that a relay case was done to. */
function relaysOf(results: readonly ClusterResult[]) {
  return results.flatMap(({ entry: { case: of }, figures }) => {
    if (of.kind !== 'relay') return []
    return [...mediansOf<StarName, RelayFigures>(STAR_NAMES, figures)].map(([name, found]) => ({
      title: `${LOADS[of.load]}, ${STARS[name].title}`,
      of,
      found
    }))
  })
}

function cpuCells({ nodeA, nodeB, engine, together }: RelayFigures, unit: number): string[] {
  return [nodeA, nodeB, engine, together].map((cpu) => figure(cpu * unit))
}

function delayTable(results: readonly ClusterResult[]): string {
  const body = results.flatMap(({ entry: { case: of }, figures }) => {
    if ((of.kind !== 'round-trip' && of.kind !== 'dial') || figures.size === 0) return []
    const medians = mediansOf<StarName, DelayFigures>(STAR_NAMES, figures)
    const [one, two] = [medians.get('one'), medians.get('two')]
    const added = (key: keyof DelayFigures) => (two?.[key] ?? Number.NaN) - (one?.[key] ?? Number.NaN)
    const cells = [one?.p50, one?.p99, two?.p50, two?.p99, added('p50'), added('p99')]
    return [[DELAYS[of.kind], ...cells.map((cell) => figure(cell))]]
  })
  const head = ['', 'one node, p50', 'p99', 'two nodes, p50', 'p99', 'added, p50', 'p99']
  return section('How long it takes when nothing else goes on, in ms', head, body)
}

function registryTable(results: readonly ClusterResult[]): string {
  const body = results.flatMap(({ entry: { case: of }, figures }) => {
    if (of.kind !== 'registry') return []
    return [...mediansOf<StarName, RegistryFigures>(STAR_NAMES, figures).values()].map((found) => [
      `${figure(of.peers)} peers`,
      figure(found.claims),
      figure(found.known),
      figure(found.snapshot),
      figure(found.engineCpu),
      figure(found.memory / MB),
      figure(found.peakMemory / MB),
      figure(found.perPeer)
    ])
  })
  const head = [
    '',
    'until all are claimed, s',
    'until another node knows them, s',
    'until a node that comes does, s',
    'Redis CPU per peer, µs',
    'Redis memory, MB',
    'at most, MB',
    'B per peer'
  ]
  return section('One registry of many peers', head, body)
}

function section(title: string, head: readonly string[], body: readonly (readonly string[])[]): string {
  return body.length === 0 ? '' : `### ${title}\n\n${markdownTable(head, body)}`
}
