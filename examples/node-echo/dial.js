// Sends a line and prints the answer: node dial.js <peer id> [text] [server]
import { createStarClient } from '@websocket-star/client'

const [peerId, text = 'hello, star', server = 'http://127.0.0.1:9090'] = process.argv.slice(2)
if (peerId === undefined) {
  console.error('Usage: node dial.js <peer id> [text] [server]')
  process.exit(2)
}

const client = await createStarClient({ servers: [server] })
await client.join({ signal: AbortSignal.timeout(10_000) })
const { readable, writable } = await client.dial(peerId, { signal: AbortSignal.timeout(10_000) })

const writer = writable.getWriter()
await writer.write(new TextEncoder().encode(text))
await writer.close()
let answer = ''
for await (const part of readable.pipeThrough(new TextDecoderStream())) answer += part
console.log(answer)
await client.close()
