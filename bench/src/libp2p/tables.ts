import { transferTable } from '../end-to-end/transfer-table.js'
import type { TransferCase, TransferFigures } from '../end-to-end/transfer.js'
import type { Way } from '../peers/libp2p-node.js'
import { mediansOf } from '../report/summary.js'
import { figure, markdownTable, ratio } from '../report/table.js'
import type { Libp2pResult } from './cases.js'
import { WAY_NAMES, WAYS } from './contenders.js'
import type { DialFigures } from './dial.js'
import type { DiscoveryFigures } from './discovery.js'

/** All results as markdown, a section per question. */
export function libp2pTablesOf(results: readonly Libp2pResult[]): string {
  const remarks = results.flatMap(({ remarks }) => remarks.map((remark) => `- ${remark}`))
  return [...results.map(tableOf), remarks.join('\n')].filter((section) => section !== '').join('\n\n')
}

function tableOf({ entry: { case: of }, figures }: Libp2pResult): string {
  if (figures.size === 0) return ''
  switch (of.kind) {
    case 'transfer':
      return transferSection(of, mediansOf(WAY_NAMES, figures))
    case 'dial':
      return dialTable(mediansOf(WAY_NAMES, figures))
    case 'discovery':
      return discoveryTable(mediansOf(WAY_NAMES, figures))
  }
}

function transferSection(of: TransferCase, medians: ReadonlyMap<Way, TransferFigures>): string {
  const table = transferTable(of, medians, WAYS, 'star')
  const [star, circuit] = [medians.get('star'), medians.get('circuit')]
  if (star === undefined || circuit === undefined) return table
  return `${table}\n\nThe circuit relay takes ${ratio(circuit.serverCpu, star.serverCpu)} the CPU per byte that the star takes.`
}

function dialTable(medians: ReadonlyMap<Way, DialFigures>): string {
  const star = medians.get('star')?.p50
  const body = [...medians].map(([name, { p50, p90 }]) => [
    WAYS[name].title,
    figure(p50),
    figure(p90),
    ratio(p50, star)
  ])
  return `### From dialling a protocol to the first byte back, in ms\n\n${markdownTable(['', 'p50', 'p90', 'star against it'], body)}`
}

function discoveryTable(medians: ReadonlyMap<Way, DiscoveryFigures>): string {
  const body = [...medians].map(([name, { p50, max }]) => [WAYS[name].title, figure(p50), figure(max)])
  return `### From making a node to its discovery by another, in ms\n\n${markdownTable(['', 'p50', 'longest of ten'], body)}`
}
