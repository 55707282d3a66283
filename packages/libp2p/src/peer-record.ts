import type { Address, Peer, PeerId, PeerStore } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { isSameServer, parseAddress } from '@websocket-star/protocol'

/** Returns what a peer store knows of a peer, if anything. */
export async function readPeer(peerStore: PeerStore, id: PeerId): Promise<Peer | undefined> {
  try {
    return await peerStore.get(id)
  } catch (error) {
    if (error instanceof Error && error.name === 'NotFoundError') return undefined
    throw error
  }
}

/** Returns whether nothing but addresses is known of a peer. */
export function hasAddressesOnly({ id, protocols, metadata, tags, peerRecordEnvelope }: Peer): boolean {
  // Only the id of an RSA key lacks the key, which somebody has stored then.
  const hasStoredKey = id.type === 'RSA' && id.publicKey !== undefined
  return protocols.length + metadata.size + tags.size === 0 && peerRecordEnvelope === undefined && !hasStoredKey
}

/**
 * Writes star addresses of a peer with a new age. The peer store keeps the age of an address that it has, even of one that is too
 * old to be shown, so such an address has to be removed first.
 *
 * @param outdated - addresses to remove
 * @param isConnected - another part of libp2p may write the record at the same time
 */
export async function renewAddresses(
  peerStore: PeerStore,
  record: Peer,
  prefixes: readonly string[],
  outdated: readonly string[],
  isConnected: boolean
): Promise<void> {
  const rest = record.addresses.filter((address) => {
    const text = address.multiaddr.toString()
    return !prefixes.includes(text) && !outdated.includes(text)
  })
  const renewed = prefixes.map((prefix) => ({ multiaddr: multiaddr(prefix), isCertified: isCertified(record, prefix) }))
  const addresses = [...rest, ...renewed]
  if (isConnected || rest.some((address) => !isOnStar(address))) {
    await peerStore.patch(record.id, { addresses: rest })
    await peerStore.patch(record.id, { addresses })
  } else {
    // One write, which is no change to whoever listens to `peer:update`. It gives all addresses a new age.
    await peerStore.save(record.id, {
      ...record,
      addresses,
      ...(record.id.publicKey && { publicKey: record.id.publicKey })
    })
  }
}

/**
 * Returns a peer's addresses without those of the stars that it has left. Identify stores the addresses that a peer gives itself: if
 * they are signed and none has a name of these stars, its other star addresses are taken for other names of them.
 */
export function withoutStars({ addresses }: Peer, prefixes: readonly string[]): Address[] {
  const isHere = (address: Address): boolean => {
    const star = starOf(address)
    return star !== undefined && prefixes.some((prefix) => isSameServer(prefix, star))
  }
  const isNamed = addresses.some((address) => address.isCertified && isHere(address))
  return addresses.filter((address) => !isHere(address) && (isNamed || !address.isCertified || !isOnStar(address)))
}

function isCertified({ addresses }: Peer, prefix: string): boolean {
  return addresses.some((address) => address.isCertified && address.multiaddr.toString() === prefix)
}

function isOnStar(address: Address): boolean {
  return starOf(address) !== undefined
}

function starOf({ multiaddr }: Address): string | undefined {
  try {
    const { prefix, strict } = parseAddress(multiaddr.toString())
    return strict ? prefix : undefined
  } catch {
    return undefined
  }
}
