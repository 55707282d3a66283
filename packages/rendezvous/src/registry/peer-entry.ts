import { parseAddress, rebase, type StarAddress } from '@websocket-star/protocol'
import type { Claim, PeerRecord } from './claim.js'
import type { SessionEntry } from './session-entry.js'

/** A session of this node that joined as a peer, and the address it joined with. */
export interface PeerOwner {
  readonly sessionEntry: SessionEntry
  readonly address: StarAddress
}

/** A peer that can be dialled, and its owners on this node and elsewhere. */
export interface PeerEntry {
  readonly key: string
  readonly peerId: string | undefined
  /**
   * Sessions of this node that joined as the peer, the latest first. The first is the owner, unless the owner is on another node.
   * Empty only if the owner is on another node.
   */
  owners: readonly PeerOwner[]
  /** This node's claim for the first of `owners`. */
  claim: Claim | undefined
  /** The owner that another node has reported. */
  remote: PeerRecord | undefined
}

/** Returns the key of an address's peer: the peer id, or the canonical text if the address does not have exactly one peer id. */
export function keyOf(address: StarAddress): string {
  return address.peerId ?? address.canonical
}

/** Returns whether the owner of a peer is on another node. A pending claim of this node counts as the latest. */
export function isOwnedElsewhere({ owners, claim, remote }: PeerEntry): boolean {
  if (remote === undefined) return false
  return owners.length === 0 || remote.generation > (claim?.rank ?? Number.POSITIVE_INFINITY)
}

export function ownerOf(entry: PeerEntry): PeerOwner | PeerRecord | undefined {
  return isOwnedElsewhere(entry) ? entry.remote : entry.owners[0]
}

/** Returns the address that the owner of a peer joined with; undefined if another node reported an invalid address. */
export function addressOf(entry: PeerEntry): StarAddress | undefined {
  const owner = ownerOf(entry)
  if (owner === undefined || 'sessionEntry' in owner) return owner?.address
  try {
    return parseAddress(owner.address)
  } catch {
    return undefined
  }
}

/** Returns the address of a peer under a prefix, in the legacy spelling: legacy clients split the text at `/ipfs/`. */
export function addressUnder(entry: PeerEntry, prefix: string | undefined): string {
  if (entry.peerId !== undefined && prefix !== undefined) return rebase(entry.peerId, prefix, 'legacy')
  return addressOf(entry)?.legacy ?? entry.key
}

/** Returns the canonical address of a peer under a prefix. A takeover does not change this address. */
export function canonicalUnder({ peerId, key }: PeerEntry, prefix = ''): string {
  return peerId === undefined ? key : rebase(peerId, prefix, 'canonical')
}
