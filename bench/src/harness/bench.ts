import { writeFileSync } from 'node:fs'
import { versionOf } from '@websocket-star/testkit/processes'
import { writeChart, writeFigures } from '../report/document.js'
import { machineOf } from '../report/machine.js'
import { parseOptions } from './options.js'
import { profile } from './profile.js'
import { Results, type Result } from './results.js'
import { planOf, runAll } from './schedule.js'
import type { Suite } from './suite.js'

/** Runs one suite: measures, prints what came out, and writes it where it was asked for. */
export async function bench(suite: Suite, args: readonly string[]): Promise<void> {
  const options = parseOptions(args, suite)
  const preface = (await suite.preface?.()) ?? ''
  if (options.profile) return profile(suite, options)
  const results = await runAll(suite, planOf(suite, options), options)
  const node = suite.node === undefined ? process.version : await versionOf(await suite.node())
  const machine = machineOf(suite.name, args, node)
  const page = [machine.text, preface, pageOf(suite, results)].filter((part) => part !== '').join('\n\n')
  console.log(page)
  if (options.json !== undefined) {
    const plain = results.map(({ entry, figures, remarks }) => ({
      name: suite.nameOf(entry.case),
      case: entry.case,
      figures: Object.fromEntries(figures),
      remarks
    }))
    writeFileSync(options.json, `${JSON.stringify({ ...machine, results: plain }, undefined, 2)}\n`)
  }
  if (options.write) {
    writeFigures(suite.name, page)
    const chart = suite.chart?.(new Results(suite.contenders, results))
    if (chart !== undefined) writeChart(`benchmarks-${suite.name}.svg`, chart)
  }
  // A trial that failed fails the command.
  if (results.some(({ remarks }) => remarks.some((remark) => remark.includes('FAILED')))) process.exitCode = 1
}

/** Returns all tables, and after them why figures are missing. */
function pageOf(suite: Suite, results: readonly Result[]): string {
  const tables = suite.tables(new Results(suite.contenders, results))
  const remarks = results.flatMap(({ remarks }) => remarks.map((remark) => `- ${remark}`)).join('\n')
  return [...tables, remarks].filter((section) => section !== '').join('\n\n')
}
