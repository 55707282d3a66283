// A peer as a process of its own, run by whichever runtime a test wants:
//
//   echo-peer.js <server>             says who it is, sends back what others send, and leaves once its input ends
//   echo-peer.js <server> <peer id>   sends that peer ten megabytes, and says what came back
//
// It never calls process.exit: it ends if nothing of it is left running.
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import process from 'node:process'
import { createStarClient } from '@websocket-star/client'

const SIZE = 10_000_000
const PIECE = 65_536

const [server, other] = process.argv.slice(2)
const client = await createStarClient({ servers: [server] })
client.handle(({ readable, writable }) => readable.pipeTo(writable))
await client.join({ signal: AbortSignal.timeout(15_000) })
if (other === undefined) await listen()
else await dial()
await client.close()

async function listen() {
  say({ peerId: client.peerId, runtime: runtime() })
  process.stdin.resume()
  await once(process.stdin, 'end')
}

async function dial() {
  const { readable, writable } = await client.dial(other, { signal: AbortSignal.timeout(15_000) })
  const [sent, received] = await Promise.all([send(writable), receive(readable)])
  say({ bytes: received.bytes, isSame: received.digest === sent, runtime: runtime() })
}

/** Sends random bytes; returns their digest. */
async function send(writable) {
  const hash = createHash('sha256')
  const writer = writable.getWriter()
  for (let sent = 0; sent < SIZE; sent += PIECE) {
    const piece = crypto.getRandomValues(new Uint8Array(Math.min(PIECE, SIZE - sent)))
    hash.update(piece)
    await writer.ready
    await writer.write(piece)
  }
  await writer.close()
  return hash.digest('hex')
}

async function receive(readable) {
  const hash = createHash('sha256')
  let bytes = 0
  for await (const piece of readable) {
    hash.update(piece)
    bytes += piece.length
  }
  return { bytes, digest: hash.digest('hex') }
}

function runtime() {
  const { bun, deno } = process.versions
  if (bun !== undefined) return 'bun'
  return deno === undefined ? 'node' : 'deno'
}

function say(what) {
  console.log(JSON.stringify(what))
}
