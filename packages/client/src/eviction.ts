import type { Connection } from './connection.js'

/** Milliseconds without a chunk after which a connection counts as idle. */
const IDLE_AFTER = 60_000

type RemoteEnd = Pick<Connection, 'remotePeerId' | 'remoteAddress'>
type Candidate = RemoteEnd & Pick<Connection, 'direction'>

/**
 * Returns the connection to end so that one more peer can connect, when no more may be open. The least recently used connection
 * of the peer with the most inbound ones is evicted. If no peer has at least two more than the dialer, only an idle connection
 * is. Outbound connections stay.
 *
 * @param usedAt - returns when a connection was last used; milliseconds of the clock of `now`
 */
export function connectionToEvict<T extends Candidate>(
  open: Iterable<T>,
  dialer: RemoteEnd,
  usedAt: (connection: T) => number,
  now: number
): T | undefined {
  const byPeer = new Map<string, T[]>()
  for (const connection of open) {
    if (connection.direction === 'outbound') continue
    const peer = keyOf(connection)
    const connections = byPeer.get(peer)
    if (connections === undefined) byPeer.set(peer, [connection])
    else connections.push(connection)
  }
  const own = byPeer.get(keyOf(dialer))?.length ?? 0
  const peers = [...byPeer.values()]
  const most = peers.reduce((max, { length }) => Math.max(max, length), 0)
  const oldest = (atLeast: number): T | undefined =>
    leastRecentlyUsed(peers.filter(({ length }) => length >= atLeast).flat(), usedAt)
  if (most > own + 1) return oldest(most)
  const candidate = oldest(own + 1)
  return candidate !== undefined && now - usedAt(candidate) >= IDLE_AFTER ? candidate : undefined
}

function keyOf({ remotePeerId, remoteAddress }: RemoteEnd): string {
  return remotePeerId ?? remoteAddress
}

function leastRecentlyUsed<T>(connections: readonly T[], usedAt: (connection: T) => number): T | undefined {
  let found: T | undefined
  let oldest = Number.POSITIVE_INFINITY
  for (const connection of connections) {
    const at = usedAt(connection)
    if (at >= oldest) continue
    found = connection
    oldest = at
  }
  return found
}
