import type { TransferFigures } from '../loads/end-to-end/transfer.js'
import { ratio, table, type Column } from '../report/table.js'

/** A contender's figures. */
interface Row {
  name: string
  title: string
  of: { size: number }
  found: TransferFigures
}

/** From this size on, bytes cost more than writes do. */
const LARGE = 16 * 1024

export const CPU_COLUMNS: readonly Column<Row>[] = [
  ['sender CPU, s per GB', ({ found }) => found.senderCpu],
  ['server CPU, s per GB', ({ found }) => found.serverCpu],
  ['receiver CPU, s per GB', ({ found }) => found.receiverCpu]
]

/**
 * Returns a table of the rows of one case.
 *
 * @param base - the one that the others are compared with: above 1 it is the better one
 */
export function transferTable(rows: readonly Row[], base: string, note = ''): string {
  const size = rows[0]?.of.size ?? 0
  const [written, unit] = size >= LARGE ? [`${size / 1024} KiB`, 'MB'] : [`${size} B`, 'writes']
  const rateOf = (row?: Row) => (size >= LARGE ? row?.found.megabytesPerSecond : row?.found.writesPerSecond)
  const compared = rateOf(rows.find(({ name }) => name === base))
  return table(
    `One pair, writes of ${written}`,
    rows,
    [
      ['', ({ title }) => title],
      [`${unit} per second`, rateOf],
      [`${base} against it`, (row) => ratio(compared, rateOf(row))],
      ...CPU_COLUMNS
    ],
    note
  )
}

/**
 * Compares what two servers take for the same bytes.
 *
 * @param names - of the contenders on a star and on a circuit relay
 */
export function relayNote(
  rows: readonly { name: string; found: { serverCpu: number } }[],
  names: readonly [star: string, circuit: string],
  end: string
): string {
  const [star, circuit] = names.map((wanted) => rows.find(({ name }) => name === wanted)?.found.serverCpu)
  if (star === undefined || circuit === undefined) return ''
  return `The circuit relay takes ${ratio(circuit, star)} the CPU per byte that the star takes${end}.`
}
