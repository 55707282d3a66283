// A node that keeps its peer id across starts: node same-peer-id.js [key file] [star]
import { readFile, writeFile } from 'node:fs/promises'
import { generateKeyPair, privateKeyFromProtobuf, privateKeyToProtobuf } from '@libp2p/crypto/keys'
import { identify } from '@libp2p/identify'
import { noise } from '@libp2p/noise'
import { yamux } from '@libp2p/yamux'
import { webSocketStar } from '@websocket-star/libp2p'
import { createLibp2p } from 'libp2p'

const [file = 'peer.key', star = '/ip4/127.0.0.1/tcp/9090/ws/p2p-websocket-star'] = process.argv.slice(2)
const node = await createLibp2p({
  privateKey: await loadKey(file),
  addresses: { listen: [star] },
  transports: [webSocketStar({ strict: true })],
  connectionEncrypters: [noise()],
  streamMuxers: [yamux()],
  services: { identify: identify() },
  connectionManager: { inboundConnectionThreshold: 1000, maxIncomingPendingConnections: 1000 }
})
console.log(`Peer id: ${node.peerId}`)

/** Reads the key; creates it the first time. */
async function loadKey(file) {
  try {
    return privateKeyFromProtobuf(await readFile(file))
  } catch (error) {
    if (error.code !== 'ENOENT') throw error
  }
  const key = await generateKeyPair('Ed25519')
  // Anyone who can read the key can pose as this peer.
  await writeFile(file, privateKeyToProtobuf(key), { mode: 0o600, flag: 'wx' })
  return key
}
