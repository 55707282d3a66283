/** A peer that is online on at least one of the servers that are joined. */
export interface StarPeer {
  /** The peer id as base58btc multihash; for an address that has none, the address. */
  readonly id: string
  /** Where it can be dialled: one address for each server it is on, in canonical form. */
  readonly addresses: readonly string[]
}

/** One change of who is there. */
export interface PeerChange {
  /** `changed`: it can be dialled at other addresses than before. */
  readonly type: 'joined' | 'changed' | 'left'
  readonly peer: StarPeer
}
