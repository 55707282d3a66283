import type { PeerStore } from '@libp2p/interface'

/** Default of libp2p's peer store, in milliseconds. */
const DEFAULT = 3_600_000

/** Returns after how many milliseconds a peer store hides an address. The option is not public: libp2p keeps it in a private field. */
export function maxAddressAge(peerStore: PeerStore): number {
  const { store } = peerStore as { store?: { maxAddressAge?: unknown } } // the class of libp2p; another store may lack it
  const age = store?.maxAddressAge
  return typeof age === 'number' && age > 0 ? age : DEFAULT
}
