import { createHash } from 'node:crypto'
import type { ClusterStats } from '../stats.js'

/** What follows the readable part of an id. */
const RANDOM_END = /-([0-9a-f]{8,})$/
/** Characters of an alias that is made up. */
const LENGTH = 12

/** Returns figures of a star in which no node has the name of a machine. */
export function withAliases(stats: ClusterStats): ClusterStats {
  return {
    ...stats,
    node: aliasOf(stats.node),
    nodes: stats.nodes.map(aliasOf),
    links: stats.links.map((link) => ({ ...link, node: aliasOf(link.node) }))
  }
}

/** Returns the random end of a node's id; of an id without one, which another backplane may have, a digest. */
function aliasOf(node: string): string {
  return RANDOM_END.exec(node)?.[1] ?? createHash('sha256').update(node).digest('hex').slice(0, LENGTH)
}
