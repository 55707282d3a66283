/** A peer that is online on at least one of the joined servers. */
export interface StarPeer {
  /** The peer id as base58btc multihash; the address, if that has no peer id. */
  readonly id: string
  /** Addresses to dial it at, one for each server, in canonical form. */
  readonly addresses: readonly string[]
}

export interface PeerChange {
  /** `changed`: its addresses differ from before. */
  readonly type: 'joined' | 'changed' | 'left'
  readonly peer: StarPeer
}
