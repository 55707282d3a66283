// Fetches the content of a CID from a peer, and writes it to standard output: node helia-get.js <CID> [star]
import { pipeline } from 'node:stream/promises'
import { withBitswap } from '@helia/bitswap'
import { withLibp2pLight } from '@helia/libp2p'
import { unixfs } from '@helia/unixfs'
import { identify } from '@libp2p/identify'
import { noise } from '@libp2p/noise'
import { yamux } from '@libp2p/yamux'
import { webSocketStar } from '@websocket-star/libp2p'
import { createHeliaLight } from 'helia'
import { CID } from 'multiformats/cid'

const [cid, star = '/ip4/127.0.0.1/tcp/9090/ws/p2p-websocket-star'] = process.argv.slice(2)
if (cid === undefined) {
  console.error('Usage: node helia-get.js <CID> [star]')
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
const helia = await withBitswap(withLibp2pLight(createHeliaLight(), network)).start()
const { libp2p } = helia

// Bitswap asks only connected peers, so connect to all peers of the star.
const connect = (id) => libp2p.dial(id).catch((error) => console.error(`${id} is not asked: ${error.message}`))
libp2p.addEventListener('peer:discovery', ({ detail }) => connect(detail.id))
for (const { id } of await libp2p.peerStore.all()) connect(id)

await pipeline(unixfs(helia).cat(CID.parse(cid)), process.stdout, { end: false })
await helia.stop()
