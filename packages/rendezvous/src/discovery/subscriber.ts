import { keyOf } from '../registry/peer-entry.js'
import type { SessionEntry } from '../registry/session-entry.js'
import type { FullList } from './full-list.js'

/** A client that receives deltas, and the state of what it was sent. */
export interface Subscriber {
  readonly member: SessionEntry
  /** Prefix of the addresses it is sent. */
  readonly prefix: string | undefined
  /** Keys of its own peers at the time of its last message. */
  own: readonly string[]
  /** Position in the change log up to which the client was told of changes. */
  position: number
  /** Full list being sent; `next` is its next part. `due` until the list begins; meanwhile the client is sent no deltas. */
  list: 'due' | { readonly peers: FullList; next: number } | undefined
}

export function ownKeys({ addresses }: SessionEntry): string[] {
  return Array.from(addresses.values(), keyOf)
}
