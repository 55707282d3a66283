import { setTimeout as delay } from 'node:timers/promises'
import type { NodeContender } from '../../contenders/libraries/contender.js'
import type { Trial } from '../../harness/measure.js'
import { ascending, percentile } from '../../report/percentile.js'
import { openMeetingPlace } from './meeting-place.js'
import type { NodeProcess, NodeSetup } from './node-process.js'
import { startProcesses, type Processes } from './pair.js'

export interface DialCase {
  kind: 'dial'
  count: number
}

/** From dialling a protocol until the first byte is back, in milliseconds. */
export interface DialFigures {
  p50: number
  p90: number
}

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

const NODE_PROCESS = new URL('./node-process.js', import.meta.url)
/** Dials before those that count: the first ones wait for code to be compiled. */
const WARMUP_DIALS = 10
/** Milliseconds between dials, in which both nodes and the server get over the last one. */
const PAUSE = 20

/** One node dials the other again and again, each time with a connection of its own. */
export async function measureDial({ count }: DialCase, trial: Trial<NodeContender>): Promise<DialFigures> {
  const nodes = await openNodes(trial)
  const [, { address }] = await Promise.all([nodes.sender.call('appear'), nodes.receiver.call('appear')])
  const times: number[] = []
  for (let dial = 0; dial < WARMUP_DIALS + count; dial++) {
    const milliseconds = await nodes.sender.call('dial', address)
    if (dial >= WARMUP_DIALS) times.push(milliseconds)
    await delay(PAUSE)
  }
  await nodes.stop()
  const sorted = ascending(times)
  return { p50: percentile(sorted, 0.5), p90: percentile(sorted, 0.9) }
}

/** One node is there; others come, and are discovered by it. */
export async function measureDiscovery(
  { count }: DiscoveryCase,
  trial: Trial<NodeContender>
): Promise<DiscoveryFigures> {
  const nodes = await openNodes(trial)
  const { sender: watcher, receiver: newcomer } = nodes
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

/** Starts two processes for nodes that meet at one server, if they need one. */
async function openNodes({ contender, profiles }: Trial<NodeContender>): Promise<Processes<NodeProcess>> {
  const place = await openMeetingPlace(contender, profiles)
  const setup: NodeSetup = { way: contender.library, server: place.server, modules: place.modules }
  return await startProcesses(NODE_PROCESS, place, { sender: setup, receiver: setup, profiles })
}
