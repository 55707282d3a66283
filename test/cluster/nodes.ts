import { LocalBackplane, LocalStar, type RendezvousOptions } from '@websocket-star/rendezvous'
import { RedisServer } from '@websocket-star/testkit/processes'
import { onTestFinished } from 'vitest'
import { openStar, type RawStar } from '../support/raw-star.js'

/** What is between the servers of one star. */
export type SharedBy = 'one process' | 'Redis'

export const SHARED_BY: readonly SharedBy[] = ['one process', 'Redis']

/** Two servers of one star that know of each other; they end with the test. */
export async function openTwo(sharedBy: SharedBy, options: RendezvousOptions = {}): Promise<[RawStar, RawStar]> {
  const open = await opener(sharedBy, options)
  const nodes: [RawStar, RawStar] = [await open(), await open()]
  await untilAcquainted(nodes)
  return nodes
}

async function opener(sharedBy: SharedBy, options: RendezvousOptions): Promise<() => Promise<RawStar>> {
  if (sharedBy === 'one process') {
    const star = new LocalStar()
    return async () => await openStar(options, new LocalBackplane(star))
  }
  const redis = await RedisServer.start()
  // Hooks run in reverse order: the servers end before it.
  onTestFinished(() => redis[Symbol.asyncDispose]())
  return async () => await openStar({ ...options, redis: redis.url })
}

async function untilAcquainted(nodes: readonly RawStar[]): Promise<void> {
  for (const node of nodes) {
    await node.counted('all the others', ({ cluster }) => cluster?.nodes.length === nodes.length)
  }
}
