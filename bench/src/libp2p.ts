import type { Libp2pCase, Libp2pFigures } from './libp2p/cases.js'
import { WAY_NAMES, WAYS } from './libp2p/contenders.js'
import { LIBP2P_NODE } from './libp2p/modules.js'
import { LARGE_WRITES, LIBP2P, planOf } from './libp2p/plan.js'
import { libp2pTablesOf } from './libp2p/tables.js'
import { parseOptions, UsageError } from './options.js'
import type { Way } from './peers/libp2p-node.js'
import { profile } from './profile.js'
import { publish } from './report/publish.js'
import { runAll } from './schedule.js'
import { nodeOf, versionOf } from './servers/installation.js'

/** `bench libp2p`: measures, and prints and writes what came out. */
export async function benchLibp2p(args: readonly string[]): Promise<void> {
  const options = parseOptions(args, WAY_NAMES)
  if (options.long) throw new UsageError('--long is for bench relay: bench libp2p has no million dials to count')
  if (options.profile) return profileWay(options.only[0] ?? 'star', options.seconds)
  const results = await runAll<Libp2pCase, Way, Libp2pFigures>(LIBP2P, planOf(options), options)
  const node = await versionOf(await nodeOf(LIBP2P_NODE))
  publish({ name: 'libp2p', args, options, nameOf: LIBP2P.nameOf, results, node, tables: libp2pTablesOf(results) })
}

function profileWay(way: Way, seconds: number): Promise<void> {
  const roles = WAYS[way].server === undefined ? ['sender', 'receiver'] : ['sender', 'server', 'receiver']
  return profile(LIBP2P, way, [LARGE_WRITES], roles, seconds)
}
