import type { RemotePeer } from './page.js'

/** A connection between two peers in pages, as each of them knows it. */
export interface Pair {
  nearId: string
  farId: string
  /** The dialer's number of the connection. */
  near: number
  /** The listener's. */
  far: number
}

/** Both join, `near` dials `far`. */
export async function connectPair(server: string, near: RemotePeer, far: RemotePeer): Promise<Pair> {
  const [nearId, farId] = await Promise.all([
    near.call('join', { servers: [server] }),
    far.call('join', { servers: [server] })
  ])
  return { nearId, farId, ...(await connect(near, far, farId)) }
}

/** Two that have joined: `near` dials `far` once it has heard of it. */
export async function connect(near: RemotePeer, far: RemotePeer, farId: string): Promise<Pick<Pair, 'near' | 'far'>> {
  await far.call('accept')
  await near.call('untilPeer', farId)
  const [connection, accepted] = await Promise.all([near.call('dial', farId), far.call('accepted')])
  return { near: connection, far: accepted }
}
