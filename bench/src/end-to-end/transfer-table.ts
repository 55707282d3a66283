import { figure, markdownTable, ratio } from '../report/table.js'
import type { TransferCase, TransferFigures } from './transfer.js'

/** From this size on, bytes cost more than writes do. */
const LARGE = 16 * 1024

export const CPU_HEAD = ['sender CPU, s per GB', 'server CPU, s per GB', 'receiver CPU, s per GB']

/** @param base - the one that the others are compared with: above 1 it is the better one */
export function transferTable<Name extends string>(
  { size }: TransferCase,
  medians: ReadonlyMap<Name, TransferFigures>,
  contenders: Readonly<Record<Name, { title: string }>>,
  base: Name
): string {
  if (medians.size === 0) return ''
  const rateOf = (found: TransferFigures | undefined) =>
    size >= LARGE ? found?.megabytesPerSecond : found?.writesPerSecond
  const compared = rateOf(medians.get(base))
  const body = [...medians].map(([name, found]) => [
    contenders[name].title,
    figure(rateOf(found)),
    ratio(compared, rateOf(found)),
    ...cpuCells(found)
  ])
  const [what, rate] = size >= LARGE ? [`${size / 1024} KiB`, 'MB per second'] : [`${size} B`, 'writes per second']
  return `### One pair, writes of ${what}\n\n${markdownTable(['', rate, `${base} against it`, ...CPU_HEAD], body)}`
}

export function cpuCells({ senderCpu, serverCpu, receiverCpu }: TransferFigures): string[] {
  return [figure(senderCpu), figure(serverCpu), figure(receiverCpu)]
}
