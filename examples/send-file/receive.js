// Receives files from any peer: node receive.js [folder] [server]
import { createHash, randomUUID } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { mkdir, rename, rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { createStarClient } from '@websocket-star/client'
import { readLine, writeLine } from './lines.js'
import { showProgress } from './progress.js'

const [folder = '.', server = 'http://127.0.0.1:9090'] = process.argv.slice(2)
await mkdir(folder, { recursive: true })
const client = await createStarClient({ servers: [server] })
client.addEventListener('server:status', ({ detail }) => console.error(`${detail.url}: ${detail.state}`))

client.handle(async ({ readable, writable }) => {
  // The first line has name and size; the rest is the file.
  const { value: offer, rest } = await readLine(readable)
  const { name, size } = JSON.parse(offer)
  const path = join(folder, basename(name))
  const part = join(folder, `.${randomUUID()}.part`)
  const hash = createHash('sha256')
  try {
    await pipeline(rest, showProgress(name, size, hash), createWriteStream(part))
    await rename(part, path)
  } catch (error) {
    await rm(part, { force: true })
    throw error
  }
  await writeLine(writable, JSON.stringify({ sha256: hash.digest('hex') }))
  console.log(`Received ${path}`)
})

await client.join()
console.log(`Peer id: ${client.peerId}`)
