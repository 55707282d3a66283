import { createHash } from 'node:crypto'
import type { ClusterStats } from '../stats.js'

/** The random part of a node id, which follows the name of a machine. */
const RANDOM_END = /-([0-9a-f]{8,})$/
const DIGEST_LENGTH = 12

/** Replaces ids of nodes, which contain names of machines, with aliases. */
export function withAliases(stats: ClusterStats): ClusterStats {
  return {
    ...stats,
    node: aliasOf(stats.node),
    nodes: stats.nodes.map(aliasOf),
    links: stats.links.map((link) => ({ ...link, node: aliasOf(link.node) }))
  }
}

/** Returns the random part of a node id, or a digest if a custom backplane's id has none. */
function aliasOf(node: string): string {
  return RANDOM_END.exec(node)?.[1] ?? createHash('sha256').update(node).digest('hex').slice(0, DIGEST_LENGTH)
}
