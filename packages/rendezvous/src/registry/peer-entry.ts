import { parseAddress, rebase, type StarAddress } from '@websocket-star/protocol'
import type { Claim, PeerRecord } from './claim.js'
import type { SessionEntry } from './session-entry.js'

/** A session of this node that holds a peer. */
export interface PeerOwner {
  readonly sessionEntry: SessionEntry
  readonly address: StarAddress
}

/** A peer that can be dialled: its id, or its address where that has none, and who holds it, on this node or elsewhere. */
export interface PeerEntry {
  /** The peer id, or the canonical text of an address without exactly one. */
  readonly key: string
  readonly peerId: string | undefined
  /** Those of this node, newest first. Not empty while the entry is in the registry, unless another node holds the peer. */
  owners: readonly PeerOwner[]
  /** This node's claim for the newest of them. */
  claim: Claim | undefined
  /** The owner that another node has told of. */
  remote: PeerRecord | undefined
}

/** Addresses with the same key lead to the same peer. */
export function keyOf(address: StarAddress): string {
  return address.peerId ?? address.canonical
}

/** Whether the newest owner of a peer is on another node. A claim of this node that is not decided yet is the newest. */
export function isOwnedElsewhere({ owners, claim, remote }: PeerEntry): boolean {
  if (remote === undefined) return false
  return owners.length === 0 || remote.generation > (claim?.rank ?? Number.POSITIVE_INFINITY)
}

/** The newest owner of a peer. */
export function ownerOf(entry: PeerEntry): PeerOwner | PeerRecord | undefined {
  return isOwnedElsewhere(entry) ? entry.remote : entry.owners[0]
}

/** Where the newest owner of a peer joined; undefined if another node told of something else than an address. */
export function addressOf(entry: PeerEntry): StarAddress | undefined {
  const newest = ownerOf(entry)
  if (newest === undefined || 'sessionEntry' in newest) return newest?.address
  try {
    return parseAddress(newest.address)
  } catch {
    return undefined
  }
}

/** Returns the address of a peer under a prefix, as legacy clients read it: they split the text on `/ipfs/`. */
export function addressUnder(entry: PeerEntry, prefix: string | undefined): string {
  if (entry.peerId !== undefined && prefix !== undefined) return rebase(entry.peerId, prefix, 'legacy')
  return addressOf(entry)?.legacy ?? entry.key
}

/** Returns the canonical address of a peer under a prefix: the same for as long as the peer is online, whoever owns it. */
export function canonicalUnder({ peerId, key }: PeerEntry, prefix = ''): string {
  return peerId === undefined ? key : rebase(peerId, prefix, 'canonical')
}
