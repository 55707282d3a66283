import { keyOf } from '../registry/peer-entry.js'
import type { SessionEntry } from '../registry/session-entry.js'
import type { FullList } from './full-list.js'

/** A client that receives deltas, and the state of the messages to this client. */
export interface Subscriber {
  readonly member: SessionEntry
  /** Prefix of the addresses that the client is sent. */
  readonly prefix: string | undefined
  /** Keys of the client's own peers when the last message was sent. */
  own: readonly string[]
  /** Position in the change log up to which the client was told of changes. */
  position: number
  /** Full list being sent, and the next part to send. While the list is `due`, the client is sent no deltas. */
  list: 'due' | { readonly peers: FullList; next: number } | undefined
}

export function ownKeys({ addresses }: SessionEntry): string[] {
  return Array.from(addresses.values(), keyOf)
}
