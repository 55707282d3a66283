import type { ClusterCase, ClusterFigures } from './cluster/cases.js'
import { STAR_NAMES, STARS, type StarName } from './cluster/contenders.js'
import { CLIENT_MESSAGES, CLUSTER, LARGE_MESSAGES, planOf, SMALL_MESSAGES } from './cluster/plan.js'
import { clusterTablesOf } from './cluster/tables.js'
import { parseOptions, UsageError } from './options.js'
import { profile } from './profile.js'
import { publish } from './report/publish.js'
import { runAll } from './schedule.js'

const PROFILED = [LARGE_MESSAGES, CLIENT_MESSAGES, SMALL_MESSAGES]

/** `bench cluster`: measures, and prints and writes what came out. */
export async function benchCluster(args: readonly string[]): Promise<void> {
  const options = parseOptions(args, STAR_NAMES)
  if (options.long) throw new UsageError('--long is for bench relay: bench cluster has no million dials to count')
  const profiled = options.only[0] ?? 'two'
  if (options.profile) return profile(CLUSTER, profiled, PROFILED, STARS[profiled].nodes, options.seconds)
  const results = await runAll<ClusterCase, StarName, ClusterFigures>(CLUSTER, planOf(options), options)
  publish({ name: 'cluster', args, options, nameOf: CLUSTER.nameOf, results, tables: clusterTablesOf(results) })
}
