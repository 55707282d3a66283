import type { RawOptions, RawPeer } from '@websocket-star/testkit'
import { createIdentities } from '../support/raw-identity.js'
import type { RawStar } from '../support/raw-star.js'

/** Joins so many at once, each with a key of its own. */
export async function joinMany(star: RawStar, count: number, options?: RawOptions): Promise<RawPeer[]> {
  const identities = await createIdentities(count)
  return await Promise.all(
    identities.map(async (identity) => {
      const peer = await star.connect(options)
      await peer.join(identity, star.prefix)
      return peer
    })
  )
}

export function addressesOf(peers: readonly RawPeer[]): string[] {
  return peers.map(({ address }) => address)
}

/** Waits until all that was sent to these has come. */
export async function settleAll(peers: readonly RawPeer[]): Promise<void> {
  await Promise.all(peers.map(async (peer) => await peer.settle()))
}
