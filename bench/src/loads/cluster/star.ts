import { setTimeout as delay } from 'node:timers/promises'
import { RedisServer } from '@websocket-star/testkit/processes'
import { readMetric } from '../../contenders/servers/metrics.js'
import { startServer, type RunningServer, type ServerCommand } from '../../contenders/servers/server.js'
import type { Contender } from '../../harness/measure.js'
import { openStarPair, type StarPair } from '../../wire/pair.js'
import type { MeetingPlace } from '../end-to-end/meeting-place.js'
import { reportOf } from './engine.js'

/** A star of one node, or of several that share it through Redis. */
export interface StarContender extends Contender {
  /** What its nodes are to a trial: senders and diallers are at the first, those they talk to at the last. */
  nodes: readonly string[]
}

/** User and system time of each process, in microseconds; NaN of those that there are none of. */
export interface StarUsage {
  nodeA: number
  nodeB: number
  engine: number
}

/** A star under measurement, of one node or two. */
export interface RunningStar extends MeetingPlace<StarUsage> {
  /** A dialler at the first node and a listener at the last. */
  openPair(): Promise<StarPair>
}

const MEETING_TIMEOUT = 20_000
const MEETING_INTERVAL = 50

/**
 * @param command - of a node that is alone
 * @param profiles - the folder that the profile of each node is written to, if they are to be profiled
 */
export async function openStar(
  { nodes: roles }: StarContender,
  { args, ...command }: ServerCommand,
  profiles?: string
): Promise<RunningStar> {
  const engine = roles.length > 1 ? await RedisServer.start() : undefined
  const shared = engine === undefined ? args : [...args, '--redis', engine.url]
  const nodes = await Promise.all(roles.map((role) => startServer({ ...command, args: shared }, { role, profiles })))
  const [near, far = near] = nodes
  if (near === undefined || far === undefined) throw new Error('a star has a node')
  if (engine !== undefined) await Promise.all(nodes.map(({ port }) => meet(port, nodes.length)))
  const pairs: StarPair[] = []
  return {
    server: urlOf(near),
    farServer: urlOf(far),
    port: near.port,
    modules: '',
    openPair: async () => {
      const pair = await openStarPair(near.port, 3, far.port)
      pairs.push(pair)
      return pair
    },
    usage: async () => {
      const cpuOf = async (node: RunningServer | undefined) => (await node?.usage())?.cpu ?? Number.NaN
      const [nodeA, nodeB, report] = await Promise.all([cpuOf(near), cpuOf(nodes[1]), engine && reportOf(engine)])
      return { nodeA, nodeB, engine: report?.cpu ?? Number.NaN }
    },
    stop: async () => {
      for (const { near, far } of pairs) for (const socket of [near, far]) socket.close()
      await Promise.all(nodes.map((node) => node.stop()))
      await engine?.[Symbol.asyncDispose]()
    }
  }
}

/** Waits until the node at that port knows of so many nodes. */
async function meet(port: number, count: number): Promise<void> {
  const deadline = performance.now() + MEETING_TIMEOUT
  while ((await readMetric(port, 'rendezvous_cluster_nodes')) < count) {
    if (performance.now() > deadline) throw new Error('the nodes do not find each other')
    await delay(MEETING_INTERVAL)
  }
}

function urlOf({ port }: RunningServer): string {
  return `http://127.0.0.1:${port}`
}
