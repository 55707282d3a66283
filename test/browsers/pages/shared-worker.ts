import { createPeer } from './peer.js'
import { serve, type Channel } from './remote-peer.js'

/** A variable, for only the site has this address. */
const client: string = '/client/websocket-star.js'

// One peer, whichever page asks.
const peer = import(client).then(createPeer)
const scope = globalThis as unknown as {
  addEventListener(type: 'connect', listener: (event: { ports: readonly Channel[] }) => void): void
}
scope.addEventListener('connect', ({ ports: [port] }) => port && serve(port, peer))
