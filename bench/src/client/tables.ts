import { figure, markdownTable, ratio } from '../report/table.js'
import { medians } from '../report/summary.js'
import type { ClientCase, ClientResult } from './cases.js'
import { CLIENT_NAMES, CLIENTS, type ClientName } from './contenders.js'
import type { MemoryFigures } from './memory.js'
import type { RestartFigures } from './restart.js'
import type { TransferCase, TransferFigures } from './transfer.js'

const MB = 1e6
/** From this size on, bytes cost more than writes do. */
const LARGE = 16 * 1024

/** All results as markdown, a section per question. */
export function clientTablesOf(results: readonly ClientResult[]): string {
  const transfers = results.filter(({ entry }) => isTransfer(entry.case))
  const sections = [
    ...transfers.filter(({ entry }) => isTransfer(entry.case) && entry.case.delay === 0).map(transferTable),
    delayTable(transfers),
    memoryTable(results),
    restartTable(results),
    results.flatMap(({ remarks }) => remarks.map((remark) => `- ${remark}`)).join('\n')
  ]
  return sections.filter((section) => section !== '').join('\n\n')
}

function transferTable(result: ClientResult): string {
  const { size } = result.entry.case as TransferCase // as was looked at
  const of = mediansOf<TransferFigures>(result)
  if (of.size === 0) return ''
  const rateOf = (found: TransferFigures | undefined) =>
    size >= LARGE ? found?.megabytesPerSecond : found?.writesPerSecond
  const ours = rateOf(of.get('ours'))
  const body = [...of].map(([name, found]) => [
    CLIENTS[name].title,
    figure(rateOf(found)),
    ratio(ours, rateOf(found)),
    ...cpuCells(found)
  ])
  const [what, rate] = size >= LARGE ? [`${size / 1024} KiB`, 'MB per second'] : [`${size} B`, 'writes per second']
  return `### One pair, writes of ${what}\n\n${markdownTable(['', rate, 'ours against it', ...CPU_HEAD], body)}`
}

function delayTable(results: readonly ClientResult[]): string {
  const body = results.flatMap((result) => {
    const { delay } = result.entry.case as TransferCase // as was looked at
    if (delay === 0) return []
    return [...mediansOf<TransferFigures>(result)].map(([name, found]) => [
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
    return [...mediansOf<MemoryFigures>(result)].map(([name, found]) => [
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
    return [...mediansOf<RestartFigures>(result)].map(([name, found]) => [
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

const CPU_HEAD = ['sender CPU, s per GB', 'server CPU, s per GB', 'receiver CPU, s per GB']

function cpuCells({ senderCpu, serverCpu, receiverCpu }: TransferFigures): string[] {
  return [figure(senderCpu), figure(serverCpu), figure(receiverCpu)]
}

/** The medians of each contender that has any, in the order of rows. */
function mediansOf<Figures extends object>({ figures }: ClientResult): Map<ClientName, Figures> {
  return new Map(
    CLIENT_NAMES.flatMap((name) => {
      const runs = figures.get(name) as Figures[] | undefined // of the kind that the case is
      return runs === undefined ? [] : [[name, medians(runs)] as const]
    })
  )
}

function isTransfer(of: ClientCase): of is TransferCase {
  return of.kind === 'transfer'
}
