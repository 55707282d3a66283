import type { Trial } from '../harness/measure.js'
import { ascending, percentile } from '../load/percentile.js'
import type { NodeContender } from '../peers/contender.js'
import type { DiscoveryProcess } from './discovery-process.js'
import { openNodes } from './nodes.js'

export interface DiscoveryCase {
  kind: 'discovery'
  /** Nodes that come, one after the other. */
  count: number
}

/** From making a node until another one has discovered it, in milliseconds. */
export interface DiscoveryFigures {
  p50: number
  max: number
}

const DISCOVERY_PROCESS = new URL('./discovery-process.js', import.meta.url)

/** One node is there; others come, and are discovered by it. */
export async function measureDiscovery(
  { count }: DiscoveryCase,
  { contender, profiles }: Trial<NodeContender>
): Promise<DiscoveryFigures> {
  const nodes = await openNodes<DiscoveryProcess>(DISCOVERY_PROCESS, contender, profiles)
  const { first: watcher, second: newcomer } = nodes
  await watcher.call('appear')
  const times: number[] = []
  for (let node = 0; node < count; node++) {
    const { at, peerId } = await newcomer.call('appear')
    times.push((await watcher.call('discover', peerId)) - at)
    await newcomer.call('leave')
  }
  await nodes.stop()
  const sorted = ascending(times)
  return { p50: percentile(sorted, 0.5), max: percentile(sorted, 1) }
}
