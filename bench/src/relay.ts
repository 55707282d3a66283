import { writeFileSync } from 'node:fs'
import { nameOf } from './cases.js'
import { parseOptions } from './options.js'
import { planOf } from './plan.js'
import { profileRelay } from './profile.js'
import { chartOf } from './report/chart.js'
import { writeChart, writeFigures } from './report/document.js'
import { machineOf } from './report/machine.js'
import { tablesOf } from './report/tables.js'
import { runAll, type Result } from './schedule.js'

/** `bench relay`: measures, and prints and writes what came out. */
export async function benchRelay(args: readonly string[]): Promise<void> {
  const options = parseOptions(args)
  if (options.profile) return profileRelay(options.seconds)
  const results = await runAll(planOf(options), options)
  const machine = machineOf(args)
  const tables = tablesOf(results)
  console.log(`${machine.text}\n\n${tables}`)
  if (options.json !== undefined) {
    writeFileSync(options.json, `${JSON.stringify({ ...machine, results: plain(results) }, undefined, 2)}\n`)
  }
  if (options.write) {
    writeChart('benchmarks-relay.svg', chartOf(results))
    writeFigures('relay', `${machine.text}\n\n${tables}`)
  }
  if (results.some(({ remarks }) => remarks.some((remark) => remark.includes('FAILED')))) process.exitCode = 1
}

function plain(results: readonly Result[]): unknown {
  return results.map(({ entry, figures, remarks }) => ({
    name: nameOf(entry.case),
    case: entry.case,
    figures: Object.fromEntries(figures),
    remarks
  }))
}
