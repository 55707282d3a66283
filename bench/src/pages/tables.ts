import { mediansOf } from '../report/summary.js'
import { figure, markdownTable, ratio } from '../report/table.js'
import type { PageResult } from './cases.js'
import { PAGE_PEER_NAMES, PAGE_PEERS, type PagePeerName } from './contenders.js'
import type { JoinFigures } from './join.js'
import type { PageTransferCase, PageTransferFigures } from './transfer.js'

/** All results as markdown, a section per question. */
export function pageTablesOf(results: readonly PageResult[]): string {
  const remarks = results.flatMap(({ remarks }) => remarks.map((remark) => `- ${remark}`))
  return [...results.map(tableOf), remarks.join('\n')].filter((section) => section !== '').join('\n\n')
}

function tableOf({ entry: { case: of }, figures }: PageResult): string {
  if (figures.size === 0) return ''
  switch (of.kind) {
    case 'transfer':
      return transferSection(of, mediansOf(PAGE_PEER_NAMES, figures))
    case 'join':
      return joinTable(mediansOf(PAGE_PEER_NAMES, figures))
  }
}

function transferSection({ size }: PageTransferCase, medians: ReadonlyMap<PagePeerName, PageTransferFigures>): string {
  const base = medians.get('client')?.megabytesPerSecond
  const body = [...medians].map(([name, { megabytesPerSecond, serverCpu }]) => [
    PAGE_PEERS[name].title,
    figure(megabytesPerSecond),
    ratio(base, megabytesPerSecond),
    figure(serverCpu)
  ])
  const head = ['', 'MB per second', 'client against it', 'server CPU, s per GB']
  const table = `### From page to page, writes of ${size / 1024} KiB\n\n${markdownTable(head, body)}`
  const [star, circuit] = [medians.get('libp2p'), medians.get('circuit')]
  if (star === undefined || circuit === undefined) return table
  return `${table}\n\nThe circuit relay takes ${ratio(circuit.serverCpu, star.serverCpu)} the CPU per byte that the star takes for the same nodes.`
}

function joinTable(medians: ReadonlyMap<PagePeerName, JoinFigures>): string {
  const body = [...medians].flatMap(([name, { freshP50, freshMax, againP50, againMax }]) => [
    [`${PAGE_PEERS[name].title}, in a fresh page`, figure(freshP50), figure(freshMax)],
    [`${PAGE_PEERS[name].title}, again in that page`, figure(againP50), figure(againMax)]
  ])
  return `### From making a client in a page to the first peer it sees, in ms\n\n${markdownTable(['', 'p50', 'longest of ten'], body)}`
}
