// Sends back what other peers send: node listen.js [server]
import { createStarClient } from '@websocket-star/client'

const [server = 'http://127.0.0.1:9090'] = process.argv.slice(2)
const client = await createStarClient({ servers: [server] })
client.addEventListener('server:status', ({ detail }) => console.error(`${detail.url}: ${detail.state}`))

client.handle(async ({ readable, writable, remotePeerId }) => {
  console.log(`${remotePeerId} is connected`)
  await readable.pipeTo(writable)
  console.log(`${remotePeerId} is done`)
})

await client.join()
console.log(`Peer id: ${client.peerId}`)
