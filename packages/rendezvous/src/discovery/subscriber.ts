import { keyOf } from '../registry/peer-entry.js'
import type { SessionEntry } from '../registry/session-entry.js'
import type { FullList } from './full-list.js'

/** A client that receives deltas, and what it knows. */
export interface Subscriber {
  readonly member: SessionEntry
  /** Prefix of the addresses it is sent. */
  readonly prefix: string | undefined
  /** Keys of its own peers at the time of its last message. */
  own: readonly string[]
  /** Position in the change log up to which it is informed. */
  position: number
  /** Full list being sent, from part `next` on; `due` until it begins. While it is due nothing else is sent. */
  list: 'due' | { readonly peers: FullList; next: number } | undefined
}

export function ownKeys({ addresses }: SessionEntry): string[] {
  return Array.from(addresses.values(), keyOf)
}
