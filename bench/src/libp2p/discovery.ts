import { openMeetingPlace } from '../end-to-end/meeting-place.js'
import { RemoteProcess } from '../end-to-end/remote-process.js'
import { percentile } from '../load/percentile.js'
import type { DiscoveryCommand, DiscoveryReport, DiscoverySetup } from '../peers/discovery-process.js'
import type { Libp2pTrial } from './cases.js'
import { WAYS } from './contenders.js'

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

const DISCOVERY_PROCESS = new URL('../peers/discovery-process.js', import.meta.url)

/** One node is there; others come, and are discovered by it. */
export async function measureDiscovery(
  { count }: DiscoveryCase,
  { contender: way, profiles }: Omit<Libp2pTrial, 'case'>
): Promise<DiscoveryFigures> {
  const place = await openMeetingPlace(WAYS[way], profiles)
  const setup: DiscoverySetup = { way, server: place.server, modules: place.modules }
  const start = (role: string) =>
    RemoteProcess.start<DiscoveryCommand, DiscoveryReport, object>(DISCOVERY_PROCESS, setup, { role, profiles })
  const [[watcher], [newcomer]] = await Promise.all([start('sender'), start('receiver')])
  await watcher.ask({ do: 'appear' })
  const times: number[] = []
  for (let node = 0; node < count; node++) {
    const { at: began, peerId } = await newcomer.ask({ do: 'appear' })
    const { at } = await watcher.ask({ do: 'discover', peerId })
    times.push(at - began)
    await newcomer.ask({ do: 'leave' })
  }
  await Promise.all([watcher.stop(), newcomer.stop()])
  await place.stop()
  const sorted = Float64Array.from(times).toSorted()
  return { p50: percentile(sorted, 0.5), max: percentile(sorted, 1) }
}
