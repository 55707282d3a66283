import { keyOf } from '../registry/entry.js'
import type { Member } from '../registry/member.js'
import type { PeerList } from './peer-list.js'

/** A client that is told of changes, and what it knows. */
export interface Listener {
  readonly member: Member
  /** The prefix it is told of others under. */
  readonly prefix: string | undefined
  /** Keys of its own peers, as of what it was told: it knows the others. */
  own: readonly string[]
  /** How much of the log it knows. */
  position: number
  /** The full list it is to get, or the rest of one it is getting. Until the list has begun it is told nothing. */
  list: 'due' | { readonly peers: PeerList; next: number } | undefined
}

/** Returns the keys of the peers that a client holds itself. */
export function ownKeys({ addresses }: Member): string[] {
  return Array.from(addresses.values(), keyOf)
}
