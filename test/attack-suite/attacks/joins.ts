import { createHash, createPublicKey, randomBytes } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { textFrame, type RawPeer } from '@websocket-star/testkit'
import { peerIdOf } from '../../../bench/src/wire/peer-id.js'
import type { Attack, Scene } from './attack.js'
import { burstOf, flood } from './flood.js'
import { besiege, ignoreAnswers, reasonOf } from './peers.js'

/** Joins that are dear to check, or that make the server tell everybody. */

const DELTAS = { eio: '4', auth: { websocketStar: { version: 2, peers: 'deltas' } } } as const
const ADDRESSES = 8
/** Milliseconds between two rounds of one attacker: sixty of them make a few more than an address may. */
const ROUND_PAUSE = 250

/** A public key as it is sent, and the peer id that belongs to it. */
interface HostileKey {
  readonly hex: string
  readonly id: string
}

/** Returns an RSA key that nobody has the private half of: checking a signature costs the same. */
function rsaKey(bits: number, exponentBits: number): HostileKey {
  const modulus = oddBytes(bits / 8)
  const exponent = exponentBits <= 24 ? Buffer.of(1, 0, 1) : oddBytes(exponentBits / 8)
  if (exponentBits === bits) exponent[0] = 0x80
  const jwk = { kty: 'RSA', n: modulus.toString('base64url'), e: exponent.toString('base64url') }
  const der = createPublicKey({ key: jwk, format: 'jwk' }).export({ type: 'spki', format: 'der' })
  return hostileKey(der)
}

function oddBytes(length: number): Buffer {
  const bytes = randomBytes(length)
  bytes[0] = (bytes[0] ?? 0) | 0xc0
  bytes[length - 1] = (bytes[length - 1] ?? 0) | 1
  return bytes
}

/** Wraps an RSA public key as libp2p does. */
function hostileKey(der: Buffer): HostileKey {
  const length: number[] = []
  for (let rest = der.length; ; rest >>>= 7) {
    length.push(rest > 127 ? (rest & 127) | 128 : rest)
    if (rest <= 127) break
  }
  const key = Buffer.concat([Buffer.of(0x08, 0x00, 0x12, ...length), der])
  return { hex: key.toString('hex'), id: peerIdOf(createHash('sha256').update(key).digest()) }
}

/** Asks for a challenge, answers with a wrong signature, and so on, about as fast as one address may. */
async function wrongSignatures(scene: Scene, { hex, id }: HostileKey, signature: string): Promise<void> {
  const address = `${scene.prefix}/ipfs/${id}`
  await besiege(scene, {}, async (peer) => {
    ignoreAnswers(peer)
    while (!scene.signal.aborted && peer.tcp.writable) {
      for (const [number, data] of [hex, signature].entries()) {
        if (peer.tcp.writableLength === 0) peer.send(`42${number}["ss-join","${address}","${data}"]`)
        scene.tally.messages++
        await delay(ROUND_PAUSE)
      }
    }
  })
}

function hostileJoins(name: string, about: string, keyOf: () => HostileKey, signatureBytes: number): Attack {
  return { name, about, run: (scene) => wrongSignatures(scene, keyOf(), 'ab'.repeat(signatureBytes)) }
}

/** Joins with one key after the other, leaves and joins again: each join is told to all, and answered with a list. */
async function churn(scene: Scene, peer: RawPeer, index: number, keys: number): Promise<void> {
  for (let round = 0; !scene.signal.aborted && !peer.isClosed; round++) {
    const key = scene.keyOf(index, round % keys)
    try {
      if (round >= keys) peer.emit('ss-leave', `${scene.prefix}/ipfs/${key.id}`)
      await peer.join(key, scene.prefix)
      scene.tally.messages++
    } catch (error) {
      scene.tally.ended(`join refused: ${reasonOf(error)}`)
      await delay(100)
    }
    peer.addresses.length = 0
    peer.forget()
  }
}

/** Joins, is told of all others, and comes back. */
async function listChurn(scene: Scene): Promise<void> {
  await besiege(scene, { ...DELTAS, pause: 0 }, async (peer, index) => {
    try {
      await peer.join(scene.keyOf(index), scene.prefix)
      scene.tally.messages++
    } finally {
      scene.tally.leave(peer.tcp)
    }
  })
}

export const JOINS: readonly Attack[] = [
  hostileJoins('rsa-8192-joins', 'wrong signatures of RSA keys of 8,192 bits', () => rsaKey(8192, 24), 1024),
  hostileJoins(
    'large-exponents',
    'wrong signatures of RSA keys with an exponent of 3,072 bits',
    () => rsaKey(3072, 3072),
    384
  ),
  hostileJoins('large-keys', 'RSA keys of 524,288 bits', () => largeKey(65_536), 384),
  hostileJoins(
    'huge-keys',
    'public keys of 480 kB',
    () => ({ hex: 'ab'.repeat(480_000), id: rsaKey(1024, 24).id }),
    384
  ),
  {
    name: 'secp256k1-joins',
    about: 'wrong signatures of secp256k1 keys',
    keys: { kind: 'secp256k1', each: 1 },
    run: async (scene) => {
      const { publicKeyHex, id, sign } = scene.keyOf(0)
      await wrongSignatures(scene, { hex: publicKeyHex, id }, await sign('something else'))
    }
  },
  {
    name: 'join-churn',
    about: 'peers that join, leave and join again as fast as they may, and listen to what that makes',
    scale: 4,
    keys: { kind: 'Ed25519', each: ADDRESSES },
    run: async (scene) => await besiege(scene, DELTAS, (peer, index) => churn(scene, peer, index, ADDRESSES))
  },
  {
    name: 'legacy-join-churn',
    about: 'the same by legacy peers',
    scale: 4,
    keys: { kind: 'Ed25519', each: ADDRESSES },
    run: async (scene) => await besiege(scene, {}, (peer, index) => churn(scene, peer, index, ADDRESSES))
  },
  {
    name: 'list-churn',
    about: 'peers that connect, join, are told of all others and come back',
    keys: { kind: 'Ed25519', each: 1 },
    run: listChurn
  },
  {
    name: 'repeated-joins',
    about: 'peers that join again and again without leaving',
    keys: { kind: 'Ed25519', each: 1 },
    run: async (scene) =>
      await besiege(scene, {}, async (peer, index) => {
        await peer.join(scene.keyOf(index), scene.prefix)
        ignoreAnswers(peer)
        await flood(scene, peer.tcp, burstOf([textFrame(`420["ss-join","${peer.address}",""]`)]))
      })
  },
  {
    name: 'takeovers',
    about: 'one peer that joins over all connections, and comes back when it has been taken over',
    keys: { kind: 'Ed25519', each: 1 },
    run: async (scene) =>
      await besiege(scene, DELTAS, async (peer) => {
        while (!scene.signal.aborted && !peer.isClosed) {
          try {
            await peer.join(scene.keyOf(0), scene.prefix)
            scene.tally.messages++
            peer.emit('ss-leave', peer.address)
          } catch (error) {
            scene.tally.ended(`join refused: ${reasonOf(error)}`)
            await delay(100)
          }
          peer.addresses.length = 0
          peer.forget()
        }
      })
  },
  {
    name: 'many-addresses',
    about: 'first rounds of joins under 2,000 addresses, whose challenges are never answered',
    keys: { kind: 'Ed25519', each: 1 },
    run: async (scene) =>
      await besiege(scene, {}, async (peer, index) => {
        ignoreAnswers(peer)
        const { id, publicKeyHex } = scene.keyOf(index)
        const frames = Array.from({ length: 2_000 }, (_, host) =>
          textFrame(
            `42${host}["ss-join","/dns4/host-${host}.example/tcp/80/ws/p2p-websocket-star/ipfs/${id}","${publicKeyHex}"]`
          )
        )
        await flood(scene, peer.tcp, { bytes: Buffer.concat(frames), messages: frames.length })
      })
  }
]

/** Returns the public key of a modulus that is larger than crypto libraries make. */
function largeKey(bytes: number): HostileKey {
  const modulus = integer(Buffer.concat([Buffer.of(0), oddBytes(bytes)]))
  const rsa = sequence(modulus, integer(Buffer.of(1, 0, 1)))
  const algorithm = Buffer.from('300d06092a864886f70d0101010500', 'hex')
  return hostileKey(sequence(algorithm, tagged(0x03, Buffer.concat([Buffer.of(0), rsa]))))
}

/** DER: tag, length in four bytes, content. */
function tagged(tag: number, content: Buffer): Buffer {
  const head = Buffer.of(tag, 0x84, 0, 0, 0, 0)
  head.writeUInt32BE(content.length, 2)
  return Buffer.concat([head, content])
}

function integer(bytes: Buffer): Buffer {
  return tagged(0x02, bytes)
}

function sequence(...parts: readonly Buffer[]): Buffer {
  return tagged(0x30, Buffer.concat(parts))
}
