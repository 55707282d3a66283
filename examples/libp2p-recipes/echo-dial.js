// Sends a line to the first peer that speaks echo, and prints the answer: node echo-dial.js [text] [star]
import { identify } from '@libp2p/identify'
import { noise } from '@libp2p/noise'
import { yamux } from '@libp2p/yamux'
import { webSocketStar } from '@websocket-star/libp2p'
import { createLibp2p } from 'libp2p'

const [text = 'hello, star', star = '/ip4/127.0.0.1/tcp/9090/ws/p2p-websocket-star'] = process.argv.slice(2)
const node = await createLibp2p({
  start: false,
  addresses: { listen: [star] },
  transports: [webSocketStar({ strict: true })],
  connectionEncrypters: [noise()],
  streamMuxers: [yamux()],
  services: { identify: identify() },
  // All peers connect from the star's address: see many-at-once.js.
  connectionManager: { inboundConnectionThreshold: 1000, maxIncomingPendingConnections: 1000 }
})

// Peers that are already present are discovered at start, so listen first. Not all of them speak echo.
const stream = await new Promise((resolve, reject) => {
  node.addEventListener('peer:discovery', ({ detail: { id } }) => {
    node
      .dialProtocol(id, '/recipes/echo/1.0.0')
      .then(resolve, (error) => console.error(`${id} does not echo: ${error.message}`))
  })
  node.start().catch(reject)
})

stream.send(new TextEncoder().encode(text))
await stream.close()
const decoder = new TextDecoder()
let answer = ''
for await (const bytes of stream) answer += decoder.decode(bytes.subarray(), { stream: true })
console.log(answer)
await node.stop()
