/** One peer, in a page: what runs in the browser. A trial calls the functions of `peer`. */
import { createStarClient } from '@websocket-star/client'
import { ours } from '../peers/ours.js'
import type { OpenPeer, Outgoing, Peer } from '../peers/peer.js'
import { Supply } from '../peers/supply.js'
import { SampledPattern } from './sampled-pattern.js'

/** What a peer in a page can be made with. */
export type PageLibrary = 'ours' | 'star' | 'circuit'

export interface PageSetup {
  library: PageLibrary
  server: string
  /** Bytes of each write. */
  size: number
}

/** How things stand in a page. */
export interface PageReport {
  /** Bytes written, or read. */
  bytes: number
  /** Milliseconds, by the page's clock. */
  at: number
}

const LIBRARIES: Readonly<Record<PageLibrary, OpenPeer>> = {
  ours: ours('push'),
  // Loaded only where they are needed: they are many times the size of the client.
  star: async (place) => (await import('./node.js')).openNode('star', place),
  circuit: async (place) => (await import('./node.js')).openNode('circuit', place)
}

let self: Peer | undefined
let size = 0
let received = 0
let receiving: Promise<void> | undefined
let outgoing: Outgoing | undefined
let supply: Supply | undefined
let sending: Promise<void> | undefined

const peer = {
  /** @returns what others dial */
  async open(setup: PageSetup): Promise<string> {
    size = setup.size
    self = await LIBRARIES[setup.library]({ ...setup, modules: '' })
    return self.address
  },

  /** Reads what is sent over the connection that will come, and checks it. */
  async receive(): Promise<void> {
    const pattern = new SampledPattern(size)
    receiving = self?.incoming.then((incoming) =>
      incoming.receive((bytes) => {
        pattern.check(bytes, received)
        received += bytes.length
      })
    )
  },

  async dial(address: string): Promise<void> {
    outgoing = await self?.dial(address)
  },

  /** Begins to write. */
  async send(): Promise<void> {
    supply = new Supply(new SampledPattern(size), Number.POSITIVE_INFINITY)
    sending = outgoing?.send(supply)
  },

  async report(): Promise<PageReport> {
    return { bytes: supply?.given ?? received, at: performance.now() }
  },

  /** Writes no more and ends the stream. Answered once all has left. */
  async stop(): Promise<PageReport> {
    supply?.stop()
    await sending
    return peer.report()
  },

  /** Answered once the sender has ended the stream, and all was read. */
  async ended(): Promise<PageReport> {
    await receiving
    return peer.report()
  },

  /**
   * A client comes, sees who is there, and leaves.
   *
   * @returns milliseconds from making it until it has joined and sees the peer
   */
  async join({ server, peerId }: { server: string; peerId: string }): Promise<number> {
    const began = performance.now()
    const client = await createStarClient({ servers: [server] })
    await client.join()
    const first = await firstPeer(client.peers)
    const milliseconds = performance.now() - began
    if (first !== peerId) throw new Error(`${first} was seen first, and not ${peerId}`)
    await client.close()
    return milliseconds
  }
}

async function firstPeer(peers: AsyncIterable<{ peer: { id: string } }>): Promise<string | undefined> {
  for await (const { peer } of peers) return peer.id
  return undefined
}

export type PagePeer = typeof peer

Object.assign(globalThis, { peer })
