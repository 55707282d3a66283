import { addressUnder } from '../registry/entry.js'
import type { Member } from '../registry/member.js'
import type { Registry } from '../registry/registry.js'

/**
 * Lists the peers that the answer to a join names: the newest others with a peer id, under the joiner's prefix. The list is
 * empty for clients that hear of others by other means, or do not want to.
 *
 * @param most - addresses in the list
 */
export function joinList(registry: Registry, member: Member, most: number): string[] {
  const list: string[] = []
  if (member.session.peers !== 'windows') return list
  for (const entry of registry.newest()) {
    if (list.length >= most) break
    // A name without a valid peer id at its end kills the process of the legacy client that reads it here.
    if (entry.peerId === undefined || registry.holds(member, entry)) continue
    list.push(addressUnder(entry, member.prefix))
  }
  return list
}
