// Sends back what other peers send: node echo-listen.js [star]
import { identify } from '@libp2p/identify'
import { noise } from '@libp2p/noise'
import { yamux } from '@libp2p/yamux'
import { webSocketStar } from '@websocket-star/libp2p'
import { createLibp2p } from 'libp2p'

const [star = '/ip4/127.0.0.1/tcp/9090/ws/p2p-websocket-star'] = process.argv.slice(2)
const node = await createLibp2p({
  addresses: { listen: [star] },
  transports: [webSocketStar({ strict: true })],
  connectionEncrypters: [noise()],
  streamMuxers: [yamux()],
  services: { identify: identify() },
  // All peers connect from the star's address: see many-at-once.js.
  connectionManager: { inboundConnectionThreshold: 1000, maxIncomingPendingConnections: 1000 }
})

await node.handle('/recipes/echo/1.0.0', (stream, connection) => {
  console.log(`${connection.remotePeer} is connected`)
  stream.addEventListener('message', ({ data }) => {
    if (stream.send(data)) return
    // The other side reads slowly, so read slowly too.
    stream.pause()
    stream.addEventListener('drain', () => stream.resume(), { once: true })
  })
  stream.addEventListener('remoteCloseWrite', () => void stream.close())
})
console.log(`Peer id: ${node.peerId}`)
