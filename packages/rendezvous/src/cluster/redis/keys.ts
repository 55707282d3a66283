/** Keys of a star in Redis. All have the same hash tag, so they are on one shard. */
export interface StarKeys {
  /** Sorted set: node → end of its lease, in milliseconds of Redis's clock. */
  readonly nodes: string
  /** Hash: node → number of its last batch of changes, so that batches are applied once and in order. */
  readonly batches: string
  /** Set: expired nodes whose peers are to be removed. */
  readonly dead: string
  /** Hash: peer → record of its owner. */
  readonly registry: string
  /** The last generation. */
  readonly generation: string
  /** Number of the last change of the registry. */
  readonly sequence: string
  /** Stream: the latest changes. The id of an entry is the number of its last change. */
  readonly feed: string
  /** Random text, replaced when changes were lost: nodes then register again. */
  readonly epoch: string
  /** Hash: time of the last search for expired nodes, and time until which no node is removed. */
  readonly guard: string
  /** Prefix; with a node's id, the set of its peers. */
  readonly ownPrefix: string
  /** Prefix; with a node's id, its channel. */
  readonly inboxPrefix: string
}

export function starKeys(star: string): StarKeys {
  const prefix = `ws{${star}}`
  return {
    nodes: `${prefix}:nodes`,
    batches: `${prefix}:turns`,
    dead: `${prefix}:dead`,
    registry: `${prefix}:reg`,
    generation: `${prefix}:gen`,
    sequence: `${prefix}:seq`,
    feed: `${prefix}:feed`,
    epoch: `${prefix}:epoch`,
    guard: `${prefix}:guard`,
    ownPrefix: `${prefix}:own:`,
    inboxPrefix: `${prefix}:in:`
  }
}
