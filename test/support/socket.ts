import { createRequire } from 'node:module'
import { peerIdOf } from './generations.js'
import { within } from './deadline.js'
import { Inbox } from './inbox.js'
import type { AddStreams, ConnectSocket2, Sink, Source, StreamSocket } from './legacy-types.js'
import type { StarAddress } from './star.js'

const require = createRequire(import.meta.url)
const connectSocket: ConnectSocket2 = require('socket.io-client-2')
// an assertion function has to be declared with its type
const addStreams: AddStreams = require('socket.io-pull-stream')

/** One side of a dialled stream pair. */
export interface StreamPair {
  readonly source: Source<Buffer>
  readonly sink: Sink<Buffer>
}

/** A bare socket.io-client 2 with the real socket.io-pull-stream on it: the protocol without the transport's class. */
export class StarSocket implements AsyncDisposable {
  readonly socket: StreamSocket
  /** Where it joined; empty before. */
  address = ''
  /** The dials of others: it takes every one, as the old transport does. */
  readonly accepted = new Inbox<StreamPair>()

  private constructor(socket: StreamSocket) {
    this.socket = socket
    socket.on('ss-incomming', (dialId: string, _from: string, accept: () => void) => {
      const source = socket.createSource(`${dialId}.dialer`)
      const sink = socket.createSink(`${dialId}.listener`)
      accept()
      this.accepted.push({ source, sink })
    })
  }

  static async connect(url: string): Promise<StarSocket> {
    const socket = connectSocket(url, { transports: ['websocket'], forceNew: true })
    addStreams(socket, { codec: 'buffer' })
    const connected = new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve)
      socket.once('connect_error', reject)
    })
    try {
      await within(`a connection to ${url}`, connected)
    } catch (error) {
      socket.disconnect()
      throw error
    }
    return new StarSocket(socket)
  }

  /** Resolves with all arguments of the ack. */
  request(event: string, ...args: unknown[]): Promise<unknown[]> {
    const answer = new Promise<unknown[]>((resolve) => {
      this.socket.emit(event, ...args, (...answer: unknown[]) => resolve(answer))
    })
    return within(`the answer to ${event}`, answer)
  }

  /** Joins under the star's prefix: two rounds, or one where the challenge is off. Throws what the server answers. */
  async join(star: StarAddress, name: string): Promise<void> {
    const id = await peerIdOf(name)
    this.address = `${star.multiaddr}/ipfs/${id.toB58String()}`
    let [error, nonce] = await this.request('ss-join', this.address, id.pubKey.bytes.toString('hex'))
    if (typeof nonce === 'string') {
      const data = Buffer.from(nonce)
      const signature = await new Promise<Buffer>((resolve, reject) => {
        id.privKey.sign(data, (error, signature) => (error ? reject(error) : resolve(signature)))
      })
      ;[error] = await this.request('ss-join', this.address, signature.toString('hex'))
    }
    if (error) throw new Error(`Not joined: ${String(error)}`)
  }

  /** Opens both halves to another, in the order that the old transport does. */
  async dial(to: string, dialId: string): Promise<StreamPair> {
    const sink = this.socket.createSink(`${dialId}.dialer`)
    const [error] = await this.request('ss-dial', this.address, to, dialId)
    if (error) throw new Error(`Not dialled: ${String(error)}`)
    return { sink, source: this.socket.createSource(`${dialId}.listener`) }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.socket.disconnect()
  }
}

export async function joinSocket(star: StarAddress, name: string): Promise<StarSocket> {
  const socket = await StarSocket.connect(star.url)
  try {
    await socket.join(star, name)
    return socket
  } catch (error) {
    await socket[Symbol.asyncDispose]()
    throw error
  }
}
