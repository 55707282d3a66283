/** A column: what stands above it, and each row's cell. A number is written as a figure. */
export type Column<Row> = readonly [head: string, cell: (row: Row) => string | number | undefined]

/** Returns a section with a table, or nothing if there are no rows. */
export function table<Row>(title: string, rows: readonly Row[], columns: readonly Column<Row>[], note = ''): string {
  if (rows.length === 0) return ''
  const body = rows.map((row) =>
    columns.map(([, cellOf]) => {
      const cell = cellOf(row)
      return typeof cell === 'string' ? cell : figure(cell)
    })
  )
  const head = columns.map(([head]) => head)
  return `### ${title}\n\n${markdownTable(head, body)}${note === '' ? '' : `\n\n${note}`}`
}

/** Returns a table in markdown: the first column is text, the others numbers. */
export function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const rule = head.map((_, column) => (column === 0 ? '---' : '---:'))
  return [line(head), line(rule), ...rows.map(line)].join('\n')
}

function line(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`
}

/** Three significant digits, thousands set off; a dash for what is not known. */
export function figure(value: number | undefined, unit = ''): string {
  if (value === undefined || !Number.isFinite(value)) return '–'
  const text = value >= 1000 ? Math.round(value).toLocaleString('en-US') : String(Number(value.toPrecision(3)))
  return `${text}${unit}`
}

export function ratio(numerator: number | undefined, denominator: number | undefined): string {
  if (numerator === undefined || denominator === undefined || !(denominator > 0)) return '–'
  const value = numerator / denominator
  return `${value < 100 ? value.toPrecision(2) : Math.round(value)}×`
}

/** Returns the size of a message or a write, as cases are named after it. */
export function sizeName(bytes: number): string {
  return bytes < 1024 ? `${bytes}B` : `${bytes / 1024}KiB`
}
