import type { RawOptions, RawPeer } from '@websocket-star/testkit'
import { expect } from 'vitest'

/** A client that wants to be told of changes. */
export const DELTAS: RawOptions = { eio: '4', auth: { websocketStar: { version: 2, peers: 'deltas' } } }
/** A client that wants to hear of nobody. */
export const NONE: RawOptions = { eio: '4', auth: { websocketStar: { version: 2, peers: 'none' } } }

export interface PeersMessage {
  joined: string[]
  left: string[]
  full?: true
}

/** The `ss-peers` events a peer has been sent, oldest first. */
export function peersMessages(peer: RawPeer): PeersMessage[] {
  const head = '42["ss-peers",'
  return peer.frames
    .map(String)
    .filter((frame) => frame.startsWith(head))
    .map((frame) => (JSON.parse(frame.slice(2)) as [string, PeersMessage])[1])
}

/** What a peer knows that follows these events. */
export function known(peer: RawPeer): Set<string> {
  return follow(peer).addresses
}

/** Waits until a peer knows exactly these; nothing it was told on the way was of no use. */
export async function untilKnown(peer: RawPeer, addresses: Iterable<string>): Promise<void> {
  const expected = new Set(addresses)
  const isThere = (): true | undefined => {
    const actual = known(peer)
    return actual.size === expected.size && [...actual].every((one) => expected.has(one)) ? true : undefined
  }
  try {
    await peer.until('the peers it is to know', isThere)
  } catch (cause) {
    const lists = `knows ${[...known(peer)].join(' ')}, is to know ${[...expected].join(' ')}`
    throw new Error(`${String(cause)}; ${lists}`, { cause })
  }
  expect(follow(peer).useless).toEqual([])
}

function follow(peer: RawPeer): { addresses: Set<string>; useless: string[] } {
  const addresses = new Set<string>()
  const useless: string[] = []
  for (const { joined, left, full } of peersMessages(peer)) {
    if (full === true) addresses.clear()
    for (const address of joined) {
      if (addresses.has(address)) useless.push(`${address} was told twice`)
      addresses.add(address)
    }
    for (const address of left) {
      if (!addresses.delete(address)) useless.push(`${address} left who was not there`)
    }
  }
  return { addresses, useless }
}

/** An address as new clients are told it. */
export function canonical(address: string, prefix?: string): string {
  const [before = '', id = ''] = address.split(/\/(?:ipfs|p2p)\/(?=[^/]+$)/)
  return `${prefix ?? before}/p2p/${id}`
}
