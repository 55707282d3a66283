// A libp2p node as a process of its own, run by whichever Node a test wants:
//
//   node echo-peer.js <star>             says who it is, sends back what others send, and leaves once its input ends
//   node echo-peer.js <star> <peer id>   waits to hear of that peer, sends it a megabyte, and says how much came back
//
// It never calls process.exit: it ends if nothing of it is left running.
import { once } from 'node:events'
import { identify } from '@libp2p/identify'
import { noise } from '@libp2p/noise'
import { yamux } from '@libp2p/yamux'
import { webSocketStar } from '@websocket-star/libp2p'
import { createLibp2p } from 'libp2p'

const PROTOCOL = '/echo/1.0.0'
const SIZE = 1_000_000

const [star, other] = process.argv.slice(2)
const node = await createLibp2p({
  start: false,
  addresses: { listen: [star] },
  transports: [webSocketStar()],
  connectionEncrypters: [noise()],
  streamMuxers: [yamux()],
  services: { identify: identify() },
  connectionGater: { denyDialMultiaddr: () => false }
})
if (other === undefined) await listen()
else await dial()
await node.stop()

async function listen() {
  await node.handle(PROTOCOL, async (stream) => {
    for await (const bytes of stream) if (!stream.send(bytes)) await stream.onDrain()
    await stream.close()
  })
  await node.start()
  say({ peerId: node.peerId.toString(), node: process.version })
  process.stdin.resume()
  await once(process.stdin, 'end')
}

async function dial() {
  const found = new Promise((resolve) => {
    node.addEventListener('peer:discovery', ({ detail }) => {
      if (detail.id.toString() === other) resolve(detail.id)
    })
  })
  await node.start()
  const stream = await node.dialProtocol(await found, PROTOCOL)
  const sent = crypto.getRandomValues(new Uint8Array(65_536))
  const sending = send(stream, sent)
  let received = 0
  let isSame = true
  for await (const bytes of stream) {
    for (const byte of bytes.subarray()) isSame = byte === sent[received++ % sent.length] && isSame
  }
  await sending
  say({ received, isSame, node: process.version })
}

async function send(stream, piece) {
  for (let sent = 0; sent < SIZE; sent += piece.length) {
    if (!stream.send(piece.subarray(0, SIZE - sent))) await stream.onDrain()
  }
  await stream.close()
}

function say(what) {
  console.log(JSON.stringify(what))
}
