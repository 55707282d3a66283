import { eventually } from '@websocket-star/testkit'
import { type RedisOptions, RedisServer } from '@websocket-star/testkit/processes'
import { expect, onTestFinished } from 'vitest'
import { StarProcess, type StarProcessOptions } from '../../support/star-process.js'

/**
 * `CLUSTER_LOAD=full`: hundreds of megabytes and leases as operators have them. Else as little as shows the same, so that
 * all of it takes a few minutes.
 */
export const IS_FULL = process.env['CLUSTER_LOAD'] === 'full'

/** Bytes of one load. There are three of them in most tests. */
export const BYTES = IS_FULL ? 80_000_000 : 12_000_000
/** Milliseconds: what operators have unless they ask for another. */
export const DEFAULT_TTL = 10_000
/** Milliseconds: for tests in which no lease may end, however busy the machine is. */
export const LONG_TTL = IS_FULL ? DEFAULT_TTL : 60_000
/** Milliseconds: for tests that wait for the end of a lease. The other nodes keep theirs meanwhile on a busy machine, too. */
export const SHORT_TTL = IS_FULL ? DEFAULT_TTL : 4_000
/** Milliseconds that a test may take: a whole lease and more, and all bytes. */
export const PATIENCE = 240_000

/** What pino calls an error. */
const ERROR_LEVEL = 50

/** Servers as processes of their own, and the Redis that they share a star by; all end with the test. */
export class ProcessStar {
  readonly redis: RedisServer
  readonly nodes: readonly StarProcess[]

  private constructor(redis: RedisServer, nodes: readonly StarProcess[]) {
    this.redis = redis
    this.nodes = nodes
  }

  /** The first of its servers, and the second. */
  get pair(): [StarProcess, StarProcess] {
    const [here, there] = this.nodes
    if (here === undefined || there === undefined) throw new Error('there are less than two servers')
    return [here, there]
  }

  /**
   * Starts servers that know of each other. A test fails if one of them logs an error.
   *
   * @param urls - the ways to Redis, one a server; by default two servers that go straight there
   */
  static async start(
    redis: RedisServer,
    leaseTtl: number,
    urls: readonly string[] = [redis.url, redis.url],
    { flags = [], ...options }: StarProcessOptions = {}
  ): Promise<ProcessStar> {
    const all = [`--cluster-lease-ttl=${leaseTtl}`, ...flags]
    const nodes = await Promise.all(urls.map((url) => startNode({ redis: url, flags: all, ...options })))
    await untilAcquainted(nodes)
    return new ProcessStar(redis, nodes)
  }

  /** Who the registry says holds each peer: ids of nodes by peers. */
  async registry(): Promise<ReadonlyMap<string, string>> {
    return await registryOf(this.redis)
  }

  /** Nodes that were taken for gone, as far as Redis remembers. */
  async givenUp(): Promise<string[]> {
    const feed = await this.redis.cli('XRANGE', 'ws{star}:feed', '-', '+')
    return feed.split('\n').filter((line) => line.startsWith('x'))
  }

  /** Waits until there are as many peers, as each node sees it and in the registry. */
  async untilPeers(count: number, nodes = this.nodes): Promise<void> {
    const probe = async () => {
      const counts = await Promise.all(nodes.map((node) => node.metric('rendezvous_peers')))
      return counts.every((peers) => peers === count) && (await this.registry()).size === count
    }
    await eventually(`${count} peers everywhere`, probe)
  }
}

/** Ids of nodes by the peers that they hold. */
export async function registryOf(redis: RedisServer): Promise<ReadonlyMap<string, string>> {
  const items = (await redis.cli('HGETALL', 'ws{star}:reg')).split('\n')
  const holders = new Map<string, string>()
  for (let at = 0; at + 1 < items.length; at += 2) holders.set(items[at] ?? '', items[at + 1]?.split('|')[0] ?? '')
  return holders
}

/** A Redis that ends with the test. */
export async function startRedis(options: RedisOptions = {}): Promise<RedisServer> {
  const redis = await RedisServer.start(options)
  onTestFinished(() => redis[Symbol.asyncDispose]())
  return redis
}

/** A server that ends with the test, which fails if that logged an error. */
export async function startNode(options: StarProcessOptions): Promise<StarProcess> {
  const node = await StarProcess.start(options)
  onTestFinished(async () => {
    await node[Symbol.asyncDispose]()
    expect(node.log.filter((line) => levelOf(line) >= ERROR_LEVEL)).toEqual([])
  })
  return node
}

/** Waits until each knows of all. */
async function untilAcquainted(nodes: readonly StarProcess[]): Promise<void> {
  for (const node of nodes) {
    const probe = async () => (await node.metric('rendezvous_cluster_nodes')) === nodes.length
    await eventually('servers to know of each other', probe)
  }
}

/** Counts of a tally at `/metrics` by their reasons; those that are 0 are left out. */
export async function tallyOf(node: StarProcess, name: string): Promise<Readonly<Record<string, number>>> {
  const counts: Record<string, number> = {}
  for (const [label, count] of await node.metrics()) {
    const reason = label.startsWith(`${name}{`) && /reason="([^"]*)"/.exec(label)?.[1]
    if (typeof reason === 'string' && count > 0) counts[reason] = count
  }
  return counts
}

/** No stream was ended by a server. */
export async function expectNoResets(nodes: readonly StarProcess[]): Promise<void> {
  for (const node of nodes) expect(await tallyOf(node, 'rendezvous_stream_resets_total')).toEqual({})
}

/** What `/ready` answers: the HTTP status and the text. */
export async function readinessOf({ url }: StarProcess): Promise<readonly [number, unknown]> {
  const answer = await fetch(`${url}/ready`)
  return [answer.status, await answer.json()]
}

function levelOf(line: string): number {
  // Whatever is not of pino is of Node, which writes nothing unless something is badly wrong.
  return line.startsWith('{') ? (JSON.parse(line) as { level: number }).level : ERROR_LEVEL
}
