import { addressOf, isOwnedElsewhere, type PeerEntry } from '../registry/peer-entry.js'
import type { Registry } from '../registry/registry.js'
import type { Endpoint } from '../relay/endpoint.js'
import type { Half } from '../relay/half.js'
import type { Router } from '../relay/router.js'
import type { Session } from '../transport/session.js'
import type { ListedPeer, ListedPeers, ListedStream } from './status-messages.js'

const MAX_PEERS = 200
/** Streams listed per peer. */
const MAX_STREAMS = 16

/** Lists online peers and their streams, the busiest first. @param part - part of a peer id or an address */
export function listPeers(registry: Registry, router: Router, part: string): ListedPeers {
  const names = new Map<Endpoint, string>()
  const matching: { entry: PeerEntry; streams: number }[] = []
  for (const entry of registry.peers()) {
    for (const session of sessionsOf(entry)) names.set(session, entry.key)
    const streams = sessionsOf(entry).reduce((sum, session) => sum + router.halvesOf(session).size, 0)
    if (matches(entry, part)) matching.push({ entry, streams })
  }
  const shown = matching.toSorted((a, b) => b.streams - a.streams).slice(0, MAX_PEERS)
  return { total: matching.length, peers: shown.map((peer) => describe(peer, router, names)) }
}

export function sessionsOf(entry: PeerEntry): Session[] {
  return [...new Set(entry.owners.map(({ sessionEntry }) => sessionEntry.session))]
}

function matches(entry: PeerEntry, part: string): boolean {
  return part === '' || entry.key.includes(part) || (addressOf(entry)?.canonical.includes(part) ?? false)
}

function describe(
  { entry, streams: streamCount }: { entry: PeerEntry; streams: number },
  router: Router,
  names: ReadonlyMap<Endpoint, string>
): ListedPeer {
  const sessions = sessionsOf(entry)
  const streams: ListedStream[] = []
  for (const session of sessions) {
    for (const half of router.halvesOf(session).values()) {
      if (streams.length === MAX_STREAMS) break
      streams.push(describeStream(half, session, names))
    }
  }
  return {
    id: entry.key,
    address: addressOf(entry)?.canonical ?? '',
    ips: [...new Set(sessions.map(({ remote }) => remote.ip))],
    node: isOwnedElsewhere(entry) ? entry.remote?.node : undefined,
    isNew: sessions.some(({ extended }) => extended),
    buffered: sessions.reduce((sum, { buffered }) => sum + buffered, 0),
    streamCount,
    streams
  }
}

function describeStream(half: Half, session: Session, names: ReadonlyMap<Endpoint, string>): ListedStream {
  const isSender = half.sender === session
  return {
    id: half.stream,
    direction: isSender ? 'out' : 'in',
    remote: names.get(isSender ? half.receiver : half.sender),
    bytes: half.bytes,
    state: !half.accepted ? 'unaccepted' : half.pausedSince !== undefined || half.credit === 0 ? 'paused' : 'open'
  }
}
