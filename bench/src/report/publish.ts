import { writeFileSync } from 'node:fs'
import type { Result } from '../schedule.js'
import { writeFigures } from './document.js'
import { machineOf } from './machine.js'

/** What came out of a benchmark, and where it is to go. */
export interface Outcome<Case, Name extends string, Figures> {
  /** The benchmark's name, on the command line and in the documentation. */
  name: string
  args: readonly string[]
  options: { json: string | undefined; write: boolean }
  nameOf: (of: Case) => string
  results: readonly Result<Case, Name, Figures>[]
  /** The version of the Node that was measured, if it is not the one that runs this. */
  node?: string
  /** The results as markdown. */
  tables: string
}

/** Prints what came out, and writes it where it was asked for. A trial that failed fails the command. */
export function publish<Case, Name extends string, Figures>({
  name,
  args,
  options,
  nameOf,
  results,
  node,
  tables
}: Outcome<Case, Name, Figures>): void {
  const machine = machineOf(name, args, node)
  const page = `${machine.text}\n\n${tables}`
  console.log(page)
  if (options.json !== undefined) {
    const plain = results.map(({ entry, figures, remarks }) => ({
      name: nameOf(entry.case),
      case: entry.case,
      figures: Object.fromEntries(figures),
      remarks
    }))
    writeFileSync(options.json, `${JSON.stringify({ ...machine, results: plain }, undefined, 2)}\n`)
  }
  if (options.write) writeFigures(name, page)
  if (results.some(({ remarks }) => remarks.some((remark) => remark.includes('FAILED')))) process.exitCode = 1
}
