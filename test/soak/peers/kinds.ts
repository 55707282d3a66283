import { keyFromSeed } from '@websocket-star/client'
import { ClientPeer } from '../../chaos/peers/client.js'
import { LegacyPeer } from '../../chaos/peers/legacy.js'
import type { CreatePeer } from '../../chaos/peers/peer.js'
import { peerIdOf } from '../../support/generations.js'
import { createIdentity } from '../../support/raw-identity.js'
import { OldTransportPeer } from './old-transport.js'
import { RawStarPeer } from './raw.js'

const TRANSPORTS = {
  websocket: ['websocket'],
  upgrading: ['polling', 'websocket'],
  polling: ['polling']
} satisfies Record<string, ('websocket' | 'polling')[]>

/** One kind of clients: real packages of both generations, and clients packet by packet. */
export interface Kind {
  readonly count: number
  /** Whether it ever polls: each poll is a connection of its own. */
  readonly isPolling: boolean
  /** Bytes that it may send or receive at once: less if it cannot be held back. */
  readonly most: number
  /** Returns what makes clients of one new identity. */
  creator(name: string): Promise<CreatePeer>
}

export const KINDS: Readonly<Record<string, Kind>> = {
  client: client('websocket', 6),
  'client-upgrading': client('upgrading', 3),
  'client-polling': client('polling', 2),
  legacy: legacy('websocket', 4),
  'legacy-upgrading': legacy('upgrading', 2),
  'legacy-polling': legacy('polling', 2),
  'old-transport': {
    count: 3,
    isPolling: false,
    most: 2_000_000,
    creator: async (name) => (way, accept) => OldTransportPeer.open(name, way, accept)
  },
  'raw-upgrading': raw('upgrading', '3'),
  'raw-polling-3-': raw('polling', '3'),
  'raw-polling-4-': raw('polling', '4')
}

function client(transport: keyof typeof TRANSPORTS, count: number): Kind {
  return {
    ...limits(transport),
    count,
    async creator(name) {
      const key = await keyFromSeed(Buffer.alloc(32, name))
      return (way, accept) => ClientPeer.open(key, way, accept, TRANSPORTS[transport])
    }
  }
}

function legacy(transport: keyof typeof TRANSPORTS, count: number): Kind {
  return {
    ...limits(transport),
    count,
    async creator(name) {
      const key = await peerIdOf(name)
      return async (way, accept) => new LegacyPeer(key, way, accept, TRANSPORTS[transport])
    }
  }
}

function raw(transport: 'polling' | 'upgrading', eio: '3' | '4'): Kind {
  return {
    count: 1,
    isPolling: true,
    most: 200_000,
    async creator() {
      const identity = await createIdentity()
      return (way, accept) => RawStarPeer.open(identity, way, accept, { transport, eio })
    }
  }
}

function limits(transport: keyof typeof TRANSPORTS): Pick<Kind, 'isPolling' | 'most'> {
  const isPolling = transport !== 'websocket'
  return { isPolling, most: isPolling ? 1_000_000 : 10_000_000 }
}
