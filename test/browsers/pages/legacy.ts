import type {
  Callback,
  Connection,
  Multiaddr,
  PeerId,
  PeerInfo,
  Source,
  WebsocketStarClass
} from '../../support/legacy-types.js'
import { Digest, RandomBytes, type Received } from './random-bytes.js'

// What the scripts of the old packages leave behind. Only peer-info's brings multiaddr along, within.
declare const Libp2PWebsocketStar: WebsocketStarClass
declare const PeerId: { create(options: { bits: number }, callback: Callback<PeerId>): void }
declare const PeerInfo: new (id: PeerId) => PeerInfo & { multiaddrs: { add(address: string): void } }

const discovered = new Set<string>()
let transport: InstanceType<WebsocketStarClass> | undefined
let self: PeerId | undefined

function called<T = void>(call: (callback: Callback<T>) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    // without an error there is the value that `T` says
    call((error, value) => (error ? reject(new Error(String(error))) : resolve(value as T)))
  })
}

/** As applications came by it: peer-info makes multiaddrs of texts. */
function multiaddrOf(text: string, id: PeerId): Multiaddr {
  const info = new PeerInfo(id)
  info.multiaddrs.add(text)
  return info.multiaddrs.toArray()[0] as Multiaddr // the one just added
}

/** The bytes of a seed as a pull-stream. */
function randomSource(seed: number, bytes: number): Source<Uint8Array> {
  const random = new RandomBytes(seed)
  let left = bytes
  return (abort, callback) => {
    if (abort || left === 0) return callback(abort ?? true)
    const piece = random.take(Math.min(left, 65_536))
    left -= piece.length
    callback(null, piece)
  }
}

function receive({ source }: Connection): Promise<Received> {
  const digest = new Digest()
  return new Promise((resolve, reject) => {
    const read = (): void => {
      source(null, (end, data) => {
        if (end === true) return resolve({ bytes: digest.bytes, digest: digest.toString() })
        if (end || data === undefined) return reject(new Error(String(end)))
        digest.add(data)
        read()
      })
    }
    read()
  })
}

/** What tests ask of a page with the scripts that old applications loaded. */
export type LegacyPeer = typeof legacy

const legacy = {
  /**
   * Joins, and echoes what anyone sends.
   *
   * @param star - what its address begins with
   * @returns the peer id
   */
  async join(star: string): Promise<string> {
    const id = (self = await called<PeerId>((callback) => PeerId.create({ bits: 2048 }, callback)))
    transport = new Libp2PWebsocketStar({ id })
    transport.discovery.on('peer', (peer: PeerInfo) => {
      for (const address of peer.multiaddrs.toArray()) discovered.add(address.toString())
    })
    const listener = transport.createListener(({ source, sink }) => sink(source))
    await called((callback) => listener.listen(multiaddrOf(`${star}/ipfs/${id.toB58String()}`, id), callback))
    return id.toB58String()
  },

  async discovered(): Promise<string[]> {
    return [...discovered]
  },

  /** Dials one that echoes, sends the bytes of a seed. @returns what comes back */
  async roundTrip(address: string, seed: number, bytes: number): Promise<Received> {
    if (transport === undefined || self === undefined) throw new Error('join has not been called')
    const target = multiaddrOf(address, self)
    const connection = await called<Connection>((callback) => transport?.dial(target, callback))
    // It makes Buffers of them itself.
    const source = randomSource(seed, bytes) as Source<never>
    connection.sink(source)
    return await receive(connection)
  }
}

Object.assign(globalThis, { legacy })
