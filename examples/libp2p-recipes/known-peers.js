// Connects to known peers only: node known-peers.js <peer id,peer id,…> [star]
import { identify } from '@libp2p/identify'
import { noise } from '@libp2p/noise'
import { yamux } from '@libp2p/yamux'
import { webSocketStar } from '@websocket-star/libp2p'
import { createLibp2p } from 'libp2p'

const [list, star = '/ip4/127.0.0.1/tcp/9090/ws/p2p-websocket-star'] = process.argv.slice(2)
if (list === undefined) {
  console.error('Usage: node known-peers.js <peer id,peer id,…> [star]')
  process.exit(2)
}
const known = new Set(list.split(','))

const node = await createLibp2p({
  start: false,
  addresses: { listen: [star] },
  transports: [webSocketStar({ strict: true })],
  connectionEncrypters: [noise()],
  streamMuxers: [yamux()],
  services: { identify: identify() },
  connectionManager: { inboundConnectionThreshold: 1000, maxIncomingPendingConnections: 1000 },
  connectionGater: {
    denyDialPeer: (peerId) => !known.has(peerId.toString()),
    // Called after the other side has proved its identity, and before it can open a stream.
    denyInboundEncryptedConnection(peerId) {
      const isRefused = !known.has(peerId.toString())
      if (isRefused) console.log(`${peerId} has dialled and is refused`)
      return isRefused
    }
  }
})

node.addEventListener('connection:open', ({ detail }) => console.log(`${detail.remotePeer} is connected`))
node.addEventListener('peer:discovery', ({ detail: { id } }) => {
  node.dial(id).catch((error) => console.log(`${id} is not dialled: ${error.message}`))
})
await node.start()
console.log(`Peer id: ${node.peerId}`)
