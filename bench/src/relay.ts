import type { Case, Figures } from './cases.js'
import { parseOptions } from './options.js'
import { planOf, RELAY } from './plan.js'
import { profile } from './profile.js'
import { chartOf } from './report/chart.js'
import { writeChart } from './report/document.js'
import { publish } from './report/publish.js'
import { tablesOf } from './report/tables.js'
import { runAll } from './schedule.js'
import { CONTENDER_NAMES, type ContenderName } from './servers/contenders.js'

const PROFILED: readonly Case[] = [
  { kind: 'throughput', payload: 100, pairs: 1, mode: 'bursts' },
  { kind: 'throughput', payload: 65_536, pairs: 1, mode: 'bursts' }
]

/** `bench relay`: measures, and prints and writes what came out. */
export async function benchRelay(args: readonly string[]): Promise<void> {
  const options = parseOptions(args, CONTENDER_NAMES)
  if (options.profile) return profile(RELAY, 'ours', PROFILED, ['server'], options.seconds)
  const results = await runAll<Case, ContenderName, Figures>(RELAY, planOf(options), options)
  publish({ name: 'relay', args, options, nameOf: RELAY.nameOf, results, tables: tablesOf(results) })
  if (options.write) writeChart('benchmarks-relay.svg', chartOf(results))
}
