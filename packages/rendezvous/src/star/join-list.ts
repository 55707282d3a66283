import type { DiscoveryBudget } from '../discovery/budget.js'
import { addressUnder } from '../registry/peer-entry.js'
import type { SessionEntry } from '../registry/session-entry.js'
import type { Registry } from '../registry/registry.js'

/** Part of the remaining budget that one list may use. The rest is for the lists of later joins. */
const SHARE = 0.25
/** Bytes of quotes and comma around each address. */
const PUNCTUATION = 3

/**
 * Lists the peers that joined last, for the answer to a join: under the joiner's prefix, and as far as the budget allows. The
 * list is empty for clients that asked for deltas, or for no peers.
 */
export function joinList(registry: Registry, budget: DiscoveryBudget, joiner: SessionEntry, limit: number): string[] {
  const list: string[] = []
  const { session, prefix } = joiner
  if (session.peers !== 'windows') return list
  const affordable = Math.min(budget.left('answers'), budget.leftFor(session.remote)) * SHARE
  // Only the prefix may contain characters of several bytes.
  const surplus = prefix === undefined ? 0 : Buffer.byteLength(prefix) - prefix.length
  let bytes = 0
  for (const entry of registry.latest()) {
    if (list.length >= limit) break
    // An address without a valid peer id at its end crashes legacy clients.
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
