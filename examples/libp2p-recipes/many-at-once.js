// Twenty peers dial one node at the same time, as when a popular node joins: node many-at-once.js [star]
import { identify } from '@libp2p/identify'
import { noise } from '@libp2p/noise'
import { ping } from '@libp2p/ping'
import { yamux } from '@libp2p/yamux'
import { webSocketStar, webSocketStarDefaults } from '@websocket-star/libp2p'
import { createLibp2p } from 'libp2p'

const [star = '/ip4/127.0.0.1/tcp/9090/ws/p2p-websocket-star'] = process.argv.slice(2)

function start(connectionManager) {
  return createLibp2p({
    addresses: { listen: [star] },
    transports: [webSocketStar({ strict: true })],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    services: { identify: identify(), ping: ping() },
    connectionManager
  })
}

const peers = await Promise.all(Array.from({ length: 20 }, () => start()))

async function count(what, connectionManager) {
  const node = await start(connectionManager)
  const [address] = node.getMultiaddrs()
  await Promise.allSettled(peers.map((peer) => peer.services.ping.ping(address)))
  const connections = node.getConnections()
  const hosts = new Set(connections.map(({ remoteAddr }) => remoteAddr.getComponents()[0].value))
  console.log(`${what}: ${connections.length} of ${peers.length} are connected, from ${[...hosts].join(' and ')}`)
  await node.stop()
}

await count('By default')
await count('With limits for a star', webSocketStarDefaults().libp2p.connectionManager)
await Promise.all(peers.map((peer) => peer.stop()))
