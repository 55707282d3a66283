// What libp2p 3 and what stands on it use of Node 22, for processes that run on an older one: node --import <this file>
import { createRequire } from 'node:module'
import workers from 'node:worker_threads'
import zlib from 'node:zlib'
// oxlint-disable-next-line import/no-unassigned-import -- it adds what is missing
import './promise-with-resolvers.js'

globalThis.WebSocket ??= createRequire(import.meta.url)('ws')

// Of undici, which Helia loads and none of the tests call.
zlib.createZstdDecompress ??= () => {
  throw new Error('This Node has no Zstandard')
}
workers.markAsUncloneable ??= () => {}
