import { hostname } from 'node:os'
import type { Logger } from '../logger.js'
import type { RendezvousOptions } from '../options.js'
import type { Backplane } from './backplane.js'
import { LocalBackplane } from './local.js'
import { RedisBackplane } from './redis/redis-backplane.js'
import { RestartableBackplane } from './restartable.js'

/** What nodes have under way to one of them at most, all together: Redis drops a subscriber that has 32 MB waiting. */
const WINDOW_SHARED = 25_165_824
/** Of a lease: two renewals may fail. */
const RENEW_SHARE = 0.3
const SILENT_AFTER = 1_000
const UNHEARD_TIMEOUT = 3_000
const SILENCE_TIMEOUT = 30_000

/** The way to the other nodes that the options ask for; without any, a star of its own. */
export function openBackplane(
  { redis, cluster }: Pick<RendezvousOptions, 'redis' | 'cluster'>,
  onFault: (error: unknown) => void,
  logger: Pick<Logger, 'info' | 'warn'> | undefined
): Backplane {
  if (redis === undefined) return new LocalBackplane()
  const { star, node, leaseTtl, connectTimeout, linkWindow } = cluster
  const settings = {
    url: redis,
    star,
    nodeName: node ?? hostname(),
    leaseTtl,
    renewInterval: leaseTtl * RENEW_SHARE,
    reapInterval: leaseTtl / 10,
    connectTimeout,
    links: {
      windowMax: linkWindow,
      windowShared: WINDOW_SHARED,
      silentAfter: SILENT_AFTER,
      unheardTimeout: UNHEARD_TIMEOUT,
      silenceTimeout: SILENCE_TIMEOUT
    }
  }
  return new RestartableBackplane(() => new RedisBackplane(settings, onFault, logger))
}
