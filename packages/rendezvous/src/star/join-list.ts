import type { DiscoveryBudget } from '../discovery/budget.js'
import { addressUnder } from '../registry/peer-entry.js'
import type { SessionEntry } from '../registry/session-entry.js'
import type { Registry } from '../registry/registry.js'

/** The part of the bytes left that one list may take, so that of many who join at once the last get some names too. */
const SHARE = 0.25
/** Bytes of an address in a list beside its text: quotes and comma. */
const PUNCTUATION = 3

/**
 * Lists the peers that the answer to a join names: the newest others with a peer id, under the joiner's prefix, as many as
 * the budget allows. The list is empty for clients that hear of others by other means, or do not want to.
 *
 * @param most - addresses in the list
 */
export function joinList(registry: Registry, budget: DiscoveryBudget, joiner: SessionEntry, most: number): string[] {
  const list: string[] = []
  const { session, prefix } = joiner
  if (session.peers !== 'windows') return list
  const affordable = Math.min(budget.left('answers'), budget.leftFor(session.remote)) * SHARE
  // The prefix alone may hold characters of several bytes.
  const surplus = prefix === undefined ? 0 : Buffer.byteLength(prefix) - prefix.length
  let bytes = 0
  for (const entry of registry.newest()) {
    if (list.length >= most) break
    // A name without a valid peer id at its end kills the process of the legacy client that reads it here.
    if (entry.peerId === undefined || registry.hasJoinedAs(joiner, entry)) continue
    const address = addressUnder(entry, prefix)
    const size = address.length + surplus + PUNCTUATION
    if (bytes + size > affordable) break
    bytes += size
    list.push(address)
  }
  budget.spendFor(session.remote, 'answers', bytes)
  return list
}
