import { eventually } from '@websocket-star/testkit'
import { type RedisOptions, RedisServer } from '@websocket-star/testkit/processes'
import { onTestFinished } from 'vitest'
import { LINKS_DEFAULTS } from '../../../src/cluster/links/options.js'
import { RedisBackplane, type RedisBackplaneOptions } from '../../../src/cluster/redis/redis-backplane.js'
import { TestNode } from '../conformance/test-node.js'

/** Leases short enough for quick tests, and long enough for a busy machine. */
export const SHORT = { leaseTtl: 2_000, renewInterval: 400, reapInterval: 100 }

/** A node with its log lines. */
export class LoggingNode extends TestNode {
  readonly log: string[]

  constructor(options: RedisBackplaneOptions, faults: unknown[]) {
    const log: string[] = []
    const write = (details: object | string, message?: string): void => {
      // Includes all properties of errors, as a logger would.
      const text = JSON.stringify(details, (_key, value: unknown) =>
        value instanceof Error ? { ...value, message: value.message, stack: value.stack } : value
      )
      log.push(`${message ?? ''} ${text}`)
    }
    super(new RedisBackplane(options, (fault) => faults.push(fault), { info: write, warn: write }))
    this.log = log
  }
}

/** A star of real nodes with a Redis server of its own, for one test. */
export class RedisStar {
  readonly redis: RedisServer
  readonly #faults: unknown[] = []

  private constructor(redis: RedisServer) {
    this.redis = redis
  }

  static async open(options: RedisOptions = {}): Promise<RedisStar> {
    const star = new RedisStar(await RedisServer.start(options))
    onTestFinished(async () => {
      await star.redis[Symbol.asyncDispose]()
      if (star.#faults.length > 0) throw new AggregateError(star.#faults, 'something that was called failed')
    })
    return star
  }

  /** Creates a node without starting it; it stops with the test. */
  create(options: Partial<RedisBackplaneOptions> = {}): LoggingNode {
    const defaults = { url: this.redis.url, star: 'test', nodeName: 'node', connectTimeout: 10_000 }
    const node = new LoggingNode({ ...defaults, ...SHORT, links: LINKS_DEFAULTS, ...options }, this.#faults)
    onTestFinished(() => node.backplane.stop())
    return node
  }

  async start(options: Partial<RedisBackplaneOptions> = {}): Promise<LoggingNode> {
    const node = this.create(options)
    await node.start()
    return node
  }

  async startTwo(): Promise<[LoggingNode, LoggingNode]> {
    return [await this.start(), await this.start()]
  }

  /** Asserts that the registry has exactly these peers of a node, with these generations. */
  async untilRegistered(...expected: readonly { key: string; node: string; generation: number }[]): Promise<void> {
    const lines = expected.map(({ key, node, generation }) => `${key} ${node}|${generation}`).toSorted()
    await eventually('the registry to have the right records', async () => {
      const items = (await this.redis.cli('HGETALL', 'ws{test}:reg')).split('\n')
      const found = items.flatMap((key, at) =>
        at % 2 === 0 && key !== '' ? [`${key} ${items[at + 1]?.split('|').slice(0, 2).join('|')}`] : []
      )
      return found.toSorted().join() === lines.join()
    })
  }
}
