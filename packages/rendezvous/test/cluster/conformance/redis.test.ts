import { RedisServer } from '@websocket-star/testkit/processes'
import { expect, onTestFinished } from 'vitest'
import type { Backplane } from '../../../src/cluster/backplane.js'
import { LINKS_DEFAULTS } from '../../../src/cluster/links/links.js'
import { RedisBackplane } from '../../../src/cluster/redis/redis-backplane.js'
import { conformanceSuite } from './suite.js'

conformanceSuite({ hasWindow: true, openStar })

/** Opens a star with a Redis server of its own. The test fails if a fault is reported. */
async function openStar(): Promise<() => Backplane> {
  const redis = await RedisServer.start()
  const faults: unknown[] = []
  // Hooks run in reverse order: the nodes stop before Redis.
  onTestFinished(async () => {
    await redis[Symbol.asyncDispose]()
    expect(faults).toEqual([])
  })
  const options = {
    url: redis.url,
    star: 'star',
    nodeName: 'node',
    leaseTtl: 10_000,
    renewInterval: 100,
    reapInterval: 1_000,
    connectTimeout: 10_000,
    links: { ...LINKS_DEFAULTS, unheardTimeout: 500 }
  }
  return () => new RedisBackplane(options, (fault) => faults.push(fault))
}
