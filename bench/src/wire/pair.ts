import { randomUUID } from 'node:crypto'
import { RawSocket } from './raw-socket.js'
import { StarPeer, type StarPeerOptions } from './star-peer.js'

/** Two sockets with a server between them: what is written to `near` arrives at `far`. */
export interface Pair {
  near: RawSocket
  far: RawSocket
  /** The text that announces each chunk. */
  header: string
  /** What precedes each payload. */
  lead: Buffer
}

const EIO3_LEAD = Buffer.of(4)

/** A pair of a star, and its two peers. */
export interface StarPair extends Pair {
  dialer: StarPeer
  listener: StarPeer
  /** The half from dialer to listener: `<dial id>.dialer`. */
  stream: string
  /** The half from listener to dialer. */
  back: string
  /** The argument the half was accepted with: a window, if server and dialer know about those. */
  acceptance: unknown
}

/**
 * Two peers join, one dials the other, and both halves are accepted.
 *
 * @param listenerPort - of the listener's server, if it is another one of the same star
 */
export async function openStarPair(
  port: number,
  dialerOptions: StarPeerOptions = {},
  listenerPort = port
): Promise<StarPair> {
  const [dialer, listener] = await Promise.all([StarPeer.connect(port, dialerOptions), StarPeer.connect(listenerPort)])
  await dialer.join()
  await listener.join()
  const id = randomUUID()
  const [stream, back] = [`${id}.dialer`, `${id}.listener`]
  listener.answerDials(() => {
    listener.accept(stream)
    return []
  })
  const accepted = new Promise<unknown[]>((resolve) => dialer.onStream('accept', stream, resolve))
  const acceptedBack = new Promise<unknown[]>((resolve) => listener.onStream('accept', back, resolve))
  const error = await dialer.dial(listener.address, id)
  if (error !== undefined && error !== null) throw new Error(`a dial failed: ${String(error)}`)
  dialer.accept(back)
  const [[acceptance]] = await Promise.all([accepted, acceptedBack])
  return {
    near: dialer.socket,
    far: listener.socket,
    header: headerOf(stream),
    lead: dialerOptions.revision === 4 ? Buffer.alloc(0) : EIO3_LEAD,
    dialer,
    listener,
    stream,
    back,
    acceptance
  }
}

/** The text that announces each chunk of a stream half. */
export function headerOf(stream: string): string {
  return `451-["socket.io-pull-stream.queue.${stream}",{"_placeholder":true,"num":0}]`
}

/** A pair of the plain forwarder, which carries the very same frames. */
export async function openForwardedPair(port: number): Promise<Pair> {
  const name = randomUUID()
  const open = () =>
    RawSocket.open(port, `/pair/${name}`, () => {
      throw new Error('the forwarder sent what nobody sent to it')
    })
  const near = await open()
  const far = await open()
  return { near, far, header: headerOf(`${name}.dialer`), lead: EIO3_LEAD }
}
