/** Names of what a star keeps in Redis. All have one hash tag, so they are on one shard. */
export interface StarKeys {
  /** Sorted set: node → when its lease ends, in milliseconds of Redis's own clock. */
  readonly nodes: string
  /** Hash: node → number of its last batch of changes, so that each is made once, and in order. */
  readonly turns: string
  /** Set: nodes without a lease, whose peers are to be removed. */
  readonly dead: string
  /** Hash: peer → record of its newest holder. */
  readonly registry: string
  /** The last generation. */
  readonly generation: string
  /** How many changes of the registry there have been. */
  readonly sequence: string
  /** Stream: the last of them. The id of an entry is the number of its last change. */
  readonly feed: string
  /** Random text; another one means that what nodes know may be wrong. */
  readonly epoch: string
  /** Hash: when nodes without a lease were last looked for, and until when none is removed. */
  readonly guard: string
  /** Set of one node's peers, if its id is appended. */
  readonly ownPrefix: string
  /** Channel of one node, if its id is appended. */
  readonly inboxPrefix: string
}

export function starKeys(star: string): StarKeys {
  const prefix = `ws{${star}}`
  return {
    nodes: `${prefix}:nodes`,
    turns: `${prefix}:turns`,
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
