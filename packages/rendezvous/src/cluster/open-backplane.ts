import { hostname } from 'node:os'
import type { Logger } from '../logger.js'
import type { ResolvedOptions } from '../option-types.js'
import type { Backplane } from './backplane.js'
import { LINKS_DEFAULTS } from './links/options.js'
import { LocalBackplane } from './local-backplane.js'
import { RedisBackplane } from './redis/redis-backplane.js'
import { RestartableBackplane } from './restartable.js'

/** Time between renewals, as a part of the lease: two renewals in a row may fail. */
const RENEW_PART = 0.3
/** Milliseconds within which a server that starts must reach Redis. */
const CONNECT_TIMEOUT = 10_000

/** Creates the backplane of a star in Redis or, without the option `redis`, of a single node. */
export function openBackplane(
  { redis, cluster }: Pick<ResolvedOptions, 'redis' | 'cluster'>,
  onFault: (error: unknown) => void,
  logger: Pick<Logger, 'info' | 'warn'> | undefined
): Backplane {
  if (redis === undefined) return new LocalBackplane()
  const { star, node, leaseTtl, linkWindow } = cluster
  const settings = {
    url: redis,
    star,
    nodeName: node ?? hostname(),
    leaseTtl,
    renewInterval: leaseTtl * RENEW_PART,
    reapInterval: leaseTtl / 10,
    connectTimeout: CONNECT_TIMEOUT,
    links: { ...LINKS_DEFAULTS, windowMax: linkWindow }
  }
  return new RestartableBackplane(() => new RedisBackplane(settings, onFault, logger))
}
