import type { RemoteAddress } from '../pacing/remote-address.js'
import type { Entry } from '../registry/entry.js'

/** Returns the IP address that a peer joined from; undefined if it joined at another node. */
export function originOf(entry: Entry): RemoteAddress | undefined {
  return entry.holders[0]?.member.session.remote
}
