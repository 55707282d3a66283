import { connectRaw, type RawOptions, type RawPeer, type WireOptions } from '@websocket-star/testkit'
import { randomPeerId } from './peer-id.js'

/** Bytes read at once: enough for the load not to be what is slow. */
const READ_SIZE = 256 * 1024

/** engine.io closes a silent client of revision 3 after 45 s at the earliest. */
const HEARTBEAT_INTERVAL = 10_000

/** A connection of the load. One that is lost fails the whole measurement, unless it was given up. */
export function loadWire(): WireOptions {
  return {
    readBuffer: Buffer.allocUnsafeSlow(READ_SIZE),
    frameBuffer: Buffer.allocUnsafeSlow(READ_SIZE),
    onLost: ({ code, reason }) => {
      throw new Error(`a connection of the load was lost (${code}): ${reason || 'no reason given'}`)
    }
  }
}

/** Connects a peer of the star that keeps nothing of what it is told; it is not joined yet. */
export function connectPeer(port: number, revision: 3 | 4 = 3): Promise<RawPeer> {
  const options: RawOptions = { ...loadWire(), isRecorded: false, patience: Number.POSITIVE_INFINITY }
  if (revision === 3) options.heartbeat = HEARTBEAT_INTERVAL
  else Object.assign(options, { eio: '4', auth: { websocketStar: { version: 2, peers: 'none' } } })
  return connectRaw(urlOf(port), options)
}

/** Connects a peer, and joins without a key: the challenge is off. */
export async function joinPeer(port: number, revision?: 3 | 4): Promise<RawPeer> {
  const peer = await connectPeer(port, revision)
  await peer.finishJoin(`${prefixOf(port)}/ipfs/${randomPeerId()}`)
  return peer
}

/** Returns what addresses on the server of that port begin with. */
export function prefixOf(port: number): string {
  return `/ip4/127.0.0.1/tcp/${port}/ws/p2p-websocket-star`
}

export function urlOf(port: number): string {
  return `http://127.0.0.1:${port}`
}
