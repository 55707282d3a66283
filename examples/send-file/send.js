// Sends a file: node send.js <peer id> <file> [server]
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { basename } from 'node:path'
import { Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createStarClient } from '@websocket-star/client'
import { readLine, writeLine } from './lines.js'
import { showProgress } from './progress.js'

const [peerId, file, server = 'http://127.0.0.1:9090'] = process.argv.slice(2)
if (peerId === undefined || file === undefined) {
  console.error('Usage: node send.js <peer id> <file> [server]')
  process.exit(2)
}

const { size } = await stat(file)
const name = basename(file)
const client = await createStarClient({ servers: [server] })
try {
  await client.join({ signal: AbortSignal.timeout(10_000) })
  const { readable, writable } = await client.dial(peerId, { signal: AbortSignal.timeout(10_000) })
  await writeLine(writable, JSON.stringify({ name, size }), { preventClose: true })
  const hash = createHash('sha256')
  await pipeline(createReadStream(file), showProgress(name, size, hash), Writable.fromWeb(writable))
  const { value: receipt } = await readLine(readable)
  if (JSON.parse(receipt).sha256 !== hash.digest('hex')) throw new Error('The file arrived damaged')
  console.log(`Sent ${name}`)
} catch (error) {
  console.error(`${name} was not sent: ${error.message}`)
  process.exitCode = 1
} finally {
  await client.close()
}
