import { createRendezvous, type Backplane, type RendezvousOptions } from '@websocket-star/rendezvous'
import { connectRaw, type RawOptions, type RawPeer } from '@websocket-star/testkit'
import { expect, onTestFinished } from 'vitest'
import { createIdentity } from './raw-identity.js'
import type { StarAddress } from './star.js'

type Rendezvous = ReturnType<typeof createRendezvous>
type Stats = ReturnType<Rendezvous['stats']>

/** A server of its own for one test, and the peers that test connects. */
export interface RawStar extends StarAddress {
  server: Rendezvous
  /** What addresses begin with: `multiaddr`. */
  prefix: string
  connect(options?: RawOptions): Promise<RawPeer>
  /** Connects and joins with a fresh Ed25519 key. */
  join(options?: RawOptions): Promise<RawPeer>
  /** Waits until the server's counts are as they should be, and reads them. */
  counted(what: string, probe: (stats: Stats) => boolean): Promise<Stats>
}

/**
 * Starts a server on a free port; it and its peers end with the test, which fails if the server logged a fault.
 *
 * @param backplane - the way to other servers of the same process
 */
export async function openStar(options: RendezvousOptions = {}, backplane?: Backplane): Promise<RawStar> {
  const faults: unknown[] = []
  const logger = {
    debug: ignore,
    info: ignore,
    warn: ignore,
    error: (fault: object | string) => void faults.push(fault)
  }
  // Nobody is announced a second time unless the test is about that: on a slow machine it would be a surprise.
  const discovery = { interval: 3_600_000, ...options.discovery }
  const server = createRendezvous({ host: '127.0.0.1', port: 0, ...options, discovery, logger, backplane })
  await server.start()
  const peers: RawPeer[] = []
  onTestFinished(async () => {
    for (const peer of peers) peer.wire.close()
    await server.stop()
    expect(faults).toEqual([])
  })
  const { url, port, multiaddr } = server.address()
  const prefix = multiaddr

  const connect = async (options?: RawOptions): Promise<RawPeer> => {
    const peer = await connectRaw(url, options)
    peers.push(peer)
    return peer
  }
  const join = async (options?: RawOptions): Promise<RawPeer> => {
    const [peer, identity] = await Promise.all([connect(options), createIdentity()])
    await peer.join(identity, prefix)
    return peer
  }
  const counted = async (what: string, probe: (stats: Stats) => boolean): Promise<Stats> => {
    const deadline = Date.now() + 60_000
    for (;;) {
      const stats = server.stats()
      if (probe(stats)) return stats
      if (Date.now() > deadline) throw new Error(`the server never counted ${what}: ${JSON.stringify(stats)}`)
      // The end of a connection is noticed by the server in its own time, and nothing else tells of it.
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
  }
  return { server, url, port, multiaddr, prefix, connect, join, counted }
}

function ignore(): void {}
