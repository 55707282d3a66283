import type { RemoteAddress } from '../pacing/remote-address.js'
import type { PeerEntry } from '../registry/peer-entry.js'

/** Returns the IP address that a peer joined from; undefined if it joined at another node. */
export function originOf(entry: PeerEntry): RemoteAddress | undefined {
  return entry.owners[0]?.sessionEntry.session.remote
}
