// Shows by which transport a node with three of them reaches other peers: node transports.js [star]
import { circuitRelayServer, circuitRelayTransport } from '@libp2p/circuit-relay-v2'
import { identify } from '@libp2p/identify'
import { noise } from '@libp2p/noise'
import { webSockets } from '@libp2p/websockets'
import { yamux } from '@libp2p/yamux'
import { webSocketStar } from '@websocket-star/libp2p'
import { createLibp2p } from 'libp2p'

const [star = '/ip4/127.0.0.1/tcp/9090/ws/p2p-websocket-star'] = process.argv.slice(2)
const webSocket = '/ip4/127.0.0.1/tcp/0/ws'

function create(listen, services = {}) {
  return createLibp2p({
    start: false,
    addresses: { listen },
    transports: [webSocketStar({ strict: true }), webSockets(), circuitRelayTransport()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    services: { identify: identify(), ...services },
    connectionManager: { inboundConnectionThreshold: 1000, maxIncomingPendingConnections: 1000 }
  })
}

const relay = await create([webSocket], { relay: circuitRelayServer() })
await relay.start()
const relayed = `${relay.getMultiaddrs()[0]}/p2p-circuit`

const node = await create([star, webSocket, relayed])
await node.start()
console.log('Listening on', node.getMultiaddrs().map(String))

function heard(event, peer) {
  return new Promise((resolve) => {
    node.addEventListener(event, ({ detail }) => {
      if (peer.peerId.equals(detail.id ?? detail.peerId)) resolve()
    })
  })
}

async function dial(where, { peerId }) {
  const { remoteAddr, limits } = await node.dial(peerId)
  const protocols = new Set(remoteAddr.getComponents().map(({ name }) => name))
  const way = ['p2p-circuit', 'p2p-websocket-star', 'ws'].find((name) => protocols.has(name))
  console.log(`${where}: ${way}${limits === undefined ? '' : ', limited'}`)
}

async function meet(where, listen) {
  const peer = await create(listen)
  const discovered = heard('peer:discovery', peer)
  const identified = heard('peer:identify', peer)
  await peer.start()
  // Only peers on the star are discovered. Announce the others by hand.
  if (!listen.includes(star)) await node.peerStore.merge(peer.peerId, { multiaddrs: peer.getMultiaddrs() })
  await discovered
  await dial(where, peer)
  await identified
  return peer
}

const peers = [
  await meet('on the star', [star]),
  await meet('behind a WebSocket server', [webSocket]),
  await meet('behind a relay', [relayed]),
  await meet('at all of them, found on the star', [star, webSocket, relayed])
]

// By now the last peer has told its other addresses, and libp2p prefers the direct one.
const [last] = peers.slice(-1)
await node.hangUp(last.peerId)
await dial('the same once more', last)

await Promise.all([node, relay, ...peers].map((each) => each.stop()))
