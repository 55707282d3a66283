import { randomUUID } from 'node:crypto'
import { headerOf, openDial, WebSocketWire, type RawConnection, type RawPeer } from '@websocket-star/testkit'
import { joinPeer, loadWire, urlOf } from './load-peer.js'

/** Two sockets with a server between them: what is written to `near` arrives at `far`. */
export interface Pair {
  near: WebSocketWire
  far: WebSocketWire
  /** The text that announces each chunk. */
  header: string
  /** What precedes each payload. */
  lead: Buffer
}

/** A pair of a star, its two peers, and each one's end of the dial between them. */
export interface StarPair extends Pair {
  dialer: RawPeer
  listener: RawPeer
  dialled: RawConnection
  answered: RawConnection
  /** The argument the dialer's half was accepted with: a window, if server and dialer know about those. */
  acceptance: unknown
}

const EIO3_LEAD = Buffer.of(4)

/**
 * Two peers join, and one dials the other.
 *
 * @param listenerPort - of the listener's server, if it is another one of the same star
 */
export async function openStarPair(port: number, revision: 3 | 4 = 3, listenerPort = port): Promise<StarPair> {
  return await dialPair(await joinPeer(port, revision), await joinPeer(listenerPort))
}

/** One joined peer dials the other, and both halves are accepted. */
export async function dialPair(dialer: RawPeer, listener: RawPeer): Promise<StarPair> {
  const { near, far, told } = await openDial(dialer, listener)
  return {
    near: dialer.webSocket,
    far: listener.webSocket,
    header: near.header,
    lead: dialer.revision === 4 ? Buffer.alloc(0) : EIO3_LEAD,
    dialer,
    listener,
    dialled: near,
    answered: far,
    acceptance: told[0]
  }
}

/** A pair of the plain forwarder, which carries the very same frames. */
export async function openForwardedPair(port: number): Promise<Pair> {
  const name = randomUUID()
  const open = async (): Promise<WebSocketWire> => {
    const wire = new WebSocketWire(urlOf(port), { ...loadWire(), path: `/pair/${name}` }, () => {
      throw new Error('the forwarder sent what nobody sent to it')
    })
    await wire.opened
    return wire
  }
  return { near: await open(), far: await open(), header: headerOf(`${name}.dialer`), lead: EIO3_LEAD }
}
