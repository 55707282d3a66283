import { nameOf, type FiguresOf, type RelayResult } from '../cases.js'
import { CONTENDER_NAMES, CONTENDERS, type ContenderName } from '../servers/contenders.js'
import { figure, markdownTable, ratio } from './table.js'
import { rowsOf, type Row } from './summary.js'

const MB = 1e6
/** From this payload on, bytes cost more than messages do. */
const LARGE = 16 * 1024
/** A server that used less of a core than this was not what limited the rate. */
const SATURATED = 0.85

/** All results as markdown, a section per question. */
export function tablesOf(results: readonly RelayResult[]): string {
  const throughput = rowsOf(results, 'throughput')
  const large = throughput.filter(({ case: of }) => of.payload >= LARGE)
  const sections = [
    compare('Server CPU per message, in µs', throughput, 'cpuPerMessage', 'cost'),
    compare('Server CPU per gigabyte of payload, in s', large, 'cpuPerGB', 'cost'),
    callsTable(throughput),
    compare('Messages per second', throughput, 'messagesPerSecond', 'rate'),
    compare('Megabytes per second', large, 'megabytesPerSecond', 'rate'),
    compare('Peak resident memory of the server, in MB', throughput, 'peakRss', 'cost', MB),
    latencyTable(rowsOf(results, 'latency')),
    memoryTable(rowsOf(results, 'memory')),
    dialsTable(rowsOf(results, 'dials'))
  ]
  const remarks = results.flatMap(({ remarks }) => remarks)
  if (remarks.length > 0) sections.push(remarks.map((remark) => `- ${remark}`).join('\n'))
  return sections.filter((section) => section !== '').join('\n\n')
}

/** One figure of all throughput cases, with ratios that are above 1 where this server is the better one. */
function compare(
  title: string,
  rows: readonly Row<'throughput'>[],
  key: keyof FiguresOf['throughput'],
  better: 'cost' | 'rate',
  unit = 1
): string {
  if (rows.length === 0) return ''
  const names = contendersOf(rows)
  const others = names.includes('ours') ? names.filter((name) => name === 'legacy' || name === 'forwarder') : []
  let unsaturated = false
  const body = rows.map(({ case: of, of: figures }) => {
    const ours = figures.get('ours')?.[key]
    const cells = names.map((name) => {
      const found = figures.get(name)
      const isLow = better === 'rate' && found !== undefined && found.serverBusy < SATURATED
      unsaturated ||= isLow
      return figure(found && found[key] / unit, isLow ? '†' : '')
    })
    const ratios = others.map((name) => {
      const other = figures.get(name)?.[key]
      return better === 'cost' ? ratio(other, ours) : ratio(ours, other)
    })
    return [nameOf(of), ...cells, ...ratios]
  })
  const head = ['payload/pairs/writes', ...titles(names), ...others.map((name) => `ours against ${name}`)]
  const note = unsaturated ? '\n\n† The server was not busy all the time: the load, or the machine, set the rate.' : ''
  return `### ${title}\n\n${markdownTable(head, body)}${note}`
}

function callsTable(rows: readonly Row<'throughput'>[]): string {
  if (rows.length === 0) return ''
  const names = contendersOf(rows)
  const body = rows.map(({ case: of, of: figures }) => {
    const cells = names.map((name) => {
      const found = figures.get(name)
      return found === undefined ? '–' : `${figure(found.readsPerMessage)} + ${figure(found.writesPerMessage)}`
    })
    return [nameOf(of), ...cells]
  })
  return `### Reads and writes of the server per message\n\n${markdownTable(['payload/pairs/writes', ...titles(names)], body)}`
}

function latencyTable(rows: readonly Row<'latency'>[]): string {
  const body = rows.flatMap(({ of }) =>
    [...of].map(([name, found]) => [
      CONTENDERS[name].title,
      figure(found.p50),
      figure(found.p99),
      figure(found.p50 - found.directP50),
      figure(found.p99 - found.directP99)
    ])
  )
  if (body.length === 0) return ''
  const head = ['', 'p50', 'p99', 'p50 added', 'p99 added']
  return `### One way through the server at 1,000 messages of 100 B per second, in ms\n\n${markdownTable(head, body)}

"Added" is the difference to a direct TCP connection of the same process at the same rate.`
}

function memoryTable(rows: readonly Row<'memory'>[]): string {
  const body = rows.flatMap(({ case: { sender }, of }) =>
    [...of].map(([name, found]) => [
      `${CONTENDERS[name].title}, ${sender} sender`,
      figure(found.taken / MB),
      figure(found.growth / MB),
      figure(found.seconds),
      figure(found.witnessP50),
      figure(found.witnessP99)
    ])
  )
  if (body.length === 0) return ''
  const head = ['', 'taken, MB', 'RSS growth, MB', 'until then, s', 'other pair p50, ms', 'other pair p99, ms']
  return `### 400 MB for a receiver that does not read\n\n${markdownTable(head, body)}`
}

function dialsTable(rows: readonly Row<'dials'>[]): string {
  const body = rows.flatMap(({ of }) =>
    [...of].map(([name, found]) => [
      CONTENDERS[name].title,
      figure(found.dials),
      figure(found.cpuPerDial),
      `${figure(found.heapEarly / MB)} (after ${figure(found.early)})`,
      figure(found.heapLate / MB),
      figure(((found.heapLate - found.heapEarly) / (found.dials - found.early)) | 0)
    ])
  )
  if (body.length === 0) return ''
  const head = ['', 'dials', 'CPU per dial, µs', 'heap early, MB', 'heap at the end, MB', 'bytes kept per dial']
  return `### Dials, some refused, some broken off\n\n${markdownTable(head, body)}`
}

function contendersOf(rows: readonly Row<'throughput'>[]): ContenderName[] {
  const present = new Set(rows.flatMap(({ of }) => [...of.keys()]))
  return CONTENDER_NAMES.filter((name) => present.has(name))
}

function titles(names: readonly ContenderName[]): string[] {
  return names.map((name) => CONTENDERS[name].title)
}
