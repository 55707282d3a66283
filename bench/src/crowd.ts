import type { CrowdCase, CrowdFigures } from './crowd/cases.js'
import { crowdChartOf } from './crowd/chart.js'
import { CROWD_SERVER_NAMES, type CrowdServer } from './crowd/contenders.js'
import { PEERS, planOf } from './crowd/plan.js'
import { crowdTablesOf } from './crowd/tables.js'
import { parseOptions, UsageError } from './options.js'
import { profile } from './profile.js'
import { writeChart } from './report/document.js'
import { publish } from './report/publish.js'
import { runAll } from './schedule.js'

const PROFILED: readonly CrowdCase[] = [
  { kind: 'idle', peers: 1000 },
  { kind: 'join', key: 'Ed25519', joins: 1000, stay: false },
  { kind: 'storm', peers: 1000 }
]

/** Seconds that idle peers are looked at: some rounds of announcements. */
const DEFAULTS = { runs: 3, seconds: 30, quickSeconds: 10 }

/** `bench peers`: measures, and prints and writes what came out. */
export async function benchPeers(args: readonly string[]): Promise<void> {
  const options = parseOptions(args, CROWD_SERVER_NAMES, DEFAULTS)
  if (options.long) throw new UsageError('--long is for bench relay: bench peers has no dials to count')
  if (options.profile) return profile(PEERS, 'ours', PROFILED, ['server'], options.seconds)
  const results = await runAll<CrowdCase, CrowdServer, CrowdFigures>(PEERS, planOf(options), options)
  publish({ name: 'peers', args, options, nameOf: PEERS.nameOf, results, tables: crowdTablesOf(results) })
  if (options.write && results.some(({ entry }) => entry.case.kind === 'idle')) {
    writeChart('benchmarks-peers.svg', crowdChartOf(results))
  }
}
