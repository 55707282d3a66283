import type { RawPeer } from '@websocket-star/testkit'
import { connectPeer, joinPeer, prefixOf } from '../../wire/load-peer.js'
import { dialPair, type Pair } from '../../wire/pair.js'
import { ed25519Identities } from './identity.js'

/** Two peers join, with their signatures if they have to, and one dials the other. */
export async function openSignedPair(port: number, challenge: boolean): Promise<Pair> {
  const open = challenge ? joinSigned : joinPeer
  return await dialPair(await open(port), await open(port))
}

async function joinSigned(port: number): Promise<RawPeer> {
  const [identity] = ed25519Identities(1)
  if (identity === undefined) throw new Error('there is no key')
  const peer = await connectPeer(port)
  await peer.join(identity, prefixOf(port))
  return peer
}
