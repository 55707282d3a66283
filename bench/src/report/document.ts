import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const DOCS = new URL('../../../docs/', import.meta.url)
const PAGE = fileURLToPath(new URL('benchmarks.md', DOCS))

/**
 * Writes figures into the documentation: what stands between the comments `<!-- figures: name -->` and
 * `<!-- end of figures -->` is replaced, all else on the page is kept.
 *
 * @throws {Error} if the page has no such place
 */
export function writeFigures(name: string, figures: string): void {
  const page = readFileSync(PAGE, 'utf8')
  const begin = `<!-- figures: ${name} -->\n`
  const end = '\n<!-- end of figures -->'
  const from = page.indexOf(begin)
  const to = page.indexOf(end, from)
  if (from < 0 || to < 0) throw new Error(`docs/benchmarks.md has no place for the figures of ${name}`)
  writeFileSync(PAGE, `${page.slice(0, from + begin.length)}\n${figures}\n${page.slice(to)}`)
}

export function writeChart(file: string, svg: string): void {
  writeFileSync(fileURLToPath(new URL(file, DOCS)), svg)
}
