import { CPU_HEAD, cpuCells, transferTable } from '../end-to-end/transfer-table.js'
import type { TransferCase, TransferFigures } from '../end-to-end/transfer.js'
import { mediansOf } from '../report/summary.js'
import { figure, markdownTable } from '../report/table.js'
import type { ClientCase, ClientResult } from './cases.js'
import { CLIENT_NAMES, CLIENTS, type ClientName } from './contenders.js'
import type { MemoryFigures } from './memory.js'
import type { RestartFigures } from './restart.js'

const MB = 1e6

/** All results as markdown, a section per question. */
export function clientTablesOf(results: readonly ClientResult[]): string {
  const transfers = results.filter(({ entry }) => isTransfer(entry.case))
  const sections = [
    ...transfers.filter(({ entry }) => isTransfer(entry.case) && entry.case.delay === 0).map(simpleTransferTable),
    delayTable(transfers),
    memoryTable(results),
    restartTable(results),
    results.flatMap(({ remarks }) => remarks.map((remark) => `- ${remark}`)).join('\n')
  ]
  return sections.filter((section) => section !== '').join('\n\n')
}

function simpleTransferTable(result: ClientResult): string {
  const of = result.entry.case as TransferCase // as was looked at
  return transferTable(of, mediansOf(CLIENT_NAMES, result.figures), CLIENTS, 'ours')
}

function delayTable(results: readonly ClientResult[]): string {
  const body = results.flatMap((result) => {
    const { delay } = result.entry.case as TransferCase // as was looked at
    if (delay === 0) return []
    return [...mediansOf<ClientName, TransferFigures>(CLIENT_NAMES, result.figures)].map(([name, found]) => [
      `${CLIENTS[name].title}, ${delay} ms each way`,
      figure(found.megabytesPerSecond),
      ...cpuCells(found)
    ])
  })
  if (body.length === 0) return ''
  return `### One pair, a long way between server and receiver\n\n${markdownTable(['', 'MB per second', ...CPU_HEAD], body)}`
}

function memoryTable(results: readonly ClientResult[]): string {
  const body = results.flatMap((result) => {
    const of = result.entry.case
    if (of.kind !== 'memory') return []
    return [...mediansOf<ClientName, MemoryFigures>(CLIENT_NAMES, result.figures)].map(([name, found]) => [
      `${CLIENTS[name].title}, a receiver that ${of.receiver === 'never' ? 'never reads' : 'stops reading'}`,
      figure(found.left / MB),
      figure(found.senderGrowth / MB),
      figure(found.serverGrowth / MB),
      figure(found.receiverGrowth / MB)
    ])
  })
  if (body.length === 0) return ''
  const head = ['', 'left the sender, MB', 'RSS growth of sender, MB', 'of server, MB', 'of receiver, MB']
  return `### 200 MB for a receiver that does not read\n\n${markdownTable(head, body)}`
}

function restartTable(results: readonly ClientResult[]): string {
  const body = results.flatMap((result) => {
    const of = result.entry.case
    if (of.kind !== 'restart') return []
    return [...mediansOf<ClientName, RestartFigures>(CLIENT_NAMES, result.figures)].map(([name, found]) => [
      `${CLIENTS[name].title}, ${of.clients} clients`,
      figure(found.seconds),
      figure(found.outage),
      figure(found.refused),
      figure(found.cpuPerClient)
    ])
  })
  if (body.length === 0) return ''
  const head = [
    '',
    'until all are joined again, s',
    'since it was told to stop, s',
    'joins refused',
    'server CPU per client, ms'
  ]
  return `### A server that is away for a second\n\n${markdownTable(head, body)}`
}

function isTransfer(of: ClientCase): of is TransferCase {
  return of.kind === 'transfer'
}
