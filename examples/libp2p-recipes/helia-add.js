// Offers a file to other peers, and prints its CID: node helia-add.js <file> [star]
import { createReadStream } from 'node:fs'
import { withBitswap } from '@helia/bitswap'
import { withLibp2pLight } from '@helia/libp2p'
import { unixfs } from '@helia/unixfs'
import { identify } from '@libp2p/identify'
import { noise } from '@libp2p/noise'
import { yamux } from '@libp2p/yamux'
import { webSocketStar } from '@websocket-star/libp2p'
import { createHeliaLight } from 'helia'

const [file, star = '/ip4/127.0.0.1/tcp/9090/ws/p2p-websocket-star'] = process.argv.slice(2)
if (file === undefined) {
  console.error('Usage: node helia-add.js <file> [star]')
  process.exit(2)
}

// Use the star only: createHelia() would add bootstrap peers, routers and gateways of the public network.
const network = {
  addresses: { listen: [star] },
  transports: [webSocketStar({ strict: true })],
  connectionEncrypters: [noise()],
  streamMuxers: [yamux()],
  services: { identify: identify() },
  connectionManager: { inboundConnectionThreshold: 1000, maxIncomingPendingConnections: 1000 }
}
const helia = withBitswap(withLibp2pLight(createHeliaLight(), network))

// A peer that asks for a block while it is being added may get no answer, so join afterwards.
const cid = await unixfs(helia).addByteStream(createReadStream(file))
await helia.start()
console.log(`CID: ${cid}`)
