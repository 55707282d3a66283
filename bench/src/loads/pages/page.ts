/** One peer, in a page: what runs in the browser. A trial calls the functions of `peer`. */
import { createStarClient, type PeerChange } from '@websocket-star/client'
import { ours } from '../../contenders/libraries/ours.js'
import type { OpenPeer } from '../../contenders/libraries/peer.js'
import { peerCommands, type PeerCommands } from '../end-to-end/peer-commands.js'
import { SampledPattern } from './sampled-pattern.js'

/** What a peer in a page can be made with. */
export type PageLibrary = 'ours' | 'star' | 'circuit'

export interface PageSetup {
  library: PageLibrary
  server: string
  /** Bytes of each write. */
  size: number
}

const LIBRARIES: Readonly<Record<PageLibrary, OpenPeer>> = {
  ours: ours('push'),
  // Loaded only where they are needed: they are many times the size of the client.
  star: async (place) => (await import('./node.js')).node('star')(place),
  circuit: async (place) => (await import('./node.js')).node('circuit')(place)
}

const commands = {
  /** Makes the peer, which has the commands of one from then on. */
  open: async ({ library, server, size }: PageSetup): Promise<void> => {
    const peer = await LIBRARIES[library]({ server, size, modules: '' })
    Object.assign(
      commands,
      peerCommands(peer, new SampledPattern(size), () => ({}))
    )
  },

  /** A client comes, sees who is there, and leaves. Returns milliseconds from making it until it sees the peer. */
  join: async ({ server, peerId }: { server: string; peerId: string }): Promise<number> => {
    const began = performance.now()
    const client = await createStarClient({ servers: [server] })
    await client.join()
    const first = await firstPeer(client.peers.changes())
    const milliseconds = performance.now() - began
    if (first !== peerId) throw new Error(`${first} was seen first, and not ${peerId}`)
    await client.close()
    return milliseconds
  }
}

async function firstPeer(changes: AsyncIterable<PeerChange>): Promise<string | undefined> {
  for await (const { peer } of changes) return peer.id
  return undefined
}

export type PagePeer = typeof commands & PeerCommands

Object.assign(globalThis, { peer: commands })
