import { generateKeyPair } from 'node:crypto'
import { createRequire } from 'node:module'
import { promisify } from 'node:util'
import type { Crypto, Multiaddr, PeerId, PeerIdClass, WebsocketStarClass } from './legacy-types.js'

const require = createRequire(import.meta.url)

/** The releases of libp2p-websocket-star that are still out there, each with the libraries of its day. */
const packages = {
  '0.8.1': 'libp2p-websocket-star-0.8',
  '0.9.0': 'libp2p-websocket-star-0.9',
  '0.10.2': 'libp2p-websocket-star'
} as const

export type Version = keyof typeof packages

export interface Generation {
  readonly WebsocketStar: WebsocketStarClass
  readonly PeerId: PeerIdClass
  readonly multiaddr: (address: string) => Multiaddr
  readonly crypto: Crypto
}

const generations = new Map<Version, Generation>()

export function generation(version: Version): Generation {
  let found = generations.get(version)
  if (!found) {
    const name = packages[version]
    // the libraries as this release sees them, which is not where we would find them
    const requireAs = createRequire(require.resolve(`${name}/package.json`))
    found = {
      WebsocketStar: require(name),
      PeerId: requireAs('peer-id'),
      multiaddr: requireAs('multiaddr'),
      crypto: requireAs('libp2p-crypto')
    }
    generations.set(version, found)
  }
  return found
}

/** RSA with its bits. The other two could be had, though nearly everyone had RSA. */
export type KeyKind = 'RSA-1024' | 'RSA-2048' | 'RSA-4096' | 'Ed25519' | 'secp256k1'

const keys = new Map<string, Promise<Buffer>>()

/** The same name is the same peer, in every version. Keys live as long as the process, for they take long to make. */
export async function peerIdOf(name: string, version: Version = '0.10.2', kind: KeyKind = 'RSA-2048'): Promise<PeerId> {
  const keyName = `${kind} of ${name}`
  const key = keys.get(keyName) ?? generateKey(kind)
  keys.set(keyName, key)
  const text = (await key).toString('base64')
  return new Promise((resolve, reject) => {
    generation(version).PeerId.createFromPrivKey(text, (error, id) => (error ? reject(error) : resolve(id)))
  })
}

/** A private key as libp2p's protobuf. */
async function generateKey(kind: KeyKind): Promise<Buffer> {
  if (kind === 'Ed25519' || kind === 'secp256k1') {
    const { keys } = generation('0.10.2').crypto
    return new Promise((resolve, reject) => {
      keys.generateKeyPair(kind, 256, (error, key) => (error ? reject(error) : resolve(key.bytes)))
    })
  }
  // Node's own generator is many times as fast as the old one
  const { privateKey } = await promisify(generateKeyPair)('rsa', { modulusLength: Number(kind.slice('RSA-'.length)) })
  const data = privateKey.export({ type: 'pkcs1', format: 'der' })
  // field 1, type: RSA (0); field 2, data: its length as a varint of two bytes, and PKCS #1
  const header = [0x08, 0x00, 0x12, (data.length & 0x7f) | 0x80, data.length >> 7]
  return Buffer.concat([Buffer.from(header), data])
}
