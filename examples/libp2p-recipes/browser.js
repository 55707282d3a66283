// A node in a page sends a line to each peer it discovers, and shows the answer.
import { identify } from '@libp2p/identify'
import { noise } from '@libp2p/noise'
import { yamux } from '@libp2p/yamux'
import { webSocketStar } from '@websocket-star/libp2p'
import { createLibp2p } from 'libp2p'

const star = new URLSearchParams(location.search).get('star') ?? '/ip4/127.0.0.1/tcp/9090/ws/p2p-websocket-star'
const isDevelopment = location.hostname === 'localhost'

const node = await createLibp2p({
  start: false,
  addresses: { listen: [star] },
  transports: [webSocketStar({ strict: true })],
  connectionEncrypters: [noise()],
  streamMuxers: [yamux()],
  services: { identify: identify() },
  connectionManager: { inboundConnectionThreshold: 1000, maxIncomingPendingConnections: 1000 },
  // In browsers, libp2p dials no private address and none without TLS; a star on this machine is both.
  ...(isDevelopment && { connectionGater: { denyDialMultiaddr: () => false } })
})

async function echo(id, text) {
  const stream = await node.dialProtocol(id, '/recipes/echo/1.0.0')
  stream.send(new TextEncoder().encode(text))
  await stream.close()
  const parts = []
  for await (const bytes of stream) parts.push(bytes.subarray())
  return await new Blob(parts).text()
}

function show(text) {
  document.querySelector('ul').appendChild(document.createElement('li')).textContent = text
}

node.addEventListener('peer:discovery', ({ detail: { id } }) => {
  echo(id, 'hello from a page').then(
    (answer) => show(`${id}: ${answer}`),
    (error) => show(`${id}: ${error.message}`)
  )
})
await node.start().catch((error) => show(error.message))
