import type { Connection } from './connection.js'

/** Milliseconds without a chunk after which a connection is quiet. */
const QUIET = 60_000

/** The other end of a connection, as the server names it. */
type Remote = Pick<Connection, 'remotePeerId' | 'remoteAddress'>
type Open = Remote & Pick<Connection, 'direction' | 'usedAt'>

/**
 * Finds the connection that gives way to one more of a peer that dials, where there is room for no more: of the peer that dialled
 * the most, the one used least lately. Where none has more than one beyond the dialler, only a quiet connection gives way.
 *
 * @param open - all that are open; what this side dialled stays
 * @param now - milliseconds of `performance.now()`
 */
export function connectionToGiveWay<T extends Open>(open: Iterable<T>, dialer: Remote, now: number): T | undefined {
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
  if (most > own + 1) return idlestOf(peers.filter(({ length }) => length === most))
  const idlest = idlestOf(peers.filter(({ length }) => length > own))
  return idlest !== undefined && now - idlest.usedAt >= QUIET ? idlest : undefined
}

function keyOf({ remotePeerId, remoteAddress }: Remote): string {
  return remotePeerId ?? remoteAddress
}

function idlestOf<T extends Open>(peers: readonly (readonly T[])[]): T | undefined {
  let idlest: T | undefined
  for (const connection of peers.flat()) {
    if (idlest === undefined || connection.usedAt < idlest.usedAt) idlest = connection
  }
  return idlest
}
