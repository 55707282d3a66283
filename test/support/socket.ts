import { createRequire } from 'node:module'
import { Inbox, within } from '@websocket-star/testkit'
import { peerIdOf } from './generations.js'
import type { AddStreams, ConnectSocket, PeerId, Sink, Source, StreamSocket } from './legacy-types.js'
import type { StarAddress } from './star.js'

const require = createRequire(import.meta.url)

/** Majors of socket.io-client: 2 speaks engine.io 3, the others engine.io 4. */
export type Major = 2 | 3 | 4

const clients: Record<Major, ConnectSocket> = {
  2: require('socket.io-client-2'),
  3: require('socket.io-client-3'),
  4: require('socket.io-client')
}
// an assertion function has to be declared with its type
const addStreams: AddStreams = require('socket.io-pull-stream')

/** One side of a dialled stream pair. */
export interface StreamPair {
  readonly source: Source<Buffer>
  readonly sink: Sink<Buffer>
}

export interface SocketOptions {
  /** Default 2. */
  major?: Major
  /** Default: a WebSocket alone. */
  transports?: string[]
  /** Milliseconds that it waits to be connected, and for each answer. */
  patience?: number
  /** Takes the dials of others. Default: {@link StarSocket.accepted} does. */
  onDial?: (pair: StreamPair, socket: StreamSocket) => void
  /** Of socket.io-client. */
  client?: object
}

/** A bare socket.io-client with the real socket.io-pull-stream on it: the protocol without the transport's class. */
export class StarSocket implements AsyncDisposable {
  readonly socket: StreamSocket
  /** Where it joined; empty before. */
  address = ''
  /** The dials of others: it takes every one, as the old transport does. */
  readonly accepted = new Inbox<StreamPair>()
  readonly #patience: number | undefined

  private constructor(socket: StreamSocket, { patience, onDial = (pair) => this.accepted.push(pair) }: SocketOptions) {
    this.socket = socket
    this.#patience = patience
    socket.on('ss-incomming', (dialId: string, _from: string, accept: () => void) => {
      const source = socket.createSource(`${dialId}.dialer`)
      const sink = socket.createSink(`${dialId}.listener`)
      accept()
      onDial({ source, sink }, socket)
    })
  }

  static async connect(url: string, options: SocketOptions = {}): Promise<StarSocket> {
    const { major = 2, transports = ['websocket'], patience, client } = options
    const socket = clients[major](url, { transports, forceNew: true, ...client })
    addStreams(socket, { codec: 'buffer' })
    const connected = new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve)
      socket.once('connect_error', reject)
    })
    try {
      await within(`a connection to ${url}`, connected, patience)
    } catch (error) {
      socket.disconnect()
      throw error
    }
    return new StarSocket(socket, options)
  }

  /** Waits until it has left polling for a WebSocket. */
  async upgraded(): Promise<void> {
    const { engine } = this.socket.io
    if (engine.transport.name === 'websocket') return
    await within('an upgrade', new Promise<void>((resolve) => engine.once('upgrade', resolve)))
  }

  /** Resolves with all arguments of the ack. */
  request(event: string, ...args: unknown[]): Promise<unknown[]> {
    const answer = new Promise<unknown[]>((resolve, reject) => {
      this.socket.emit(event, ...args, (...answer: unknown[]) => resolve(answer))
      this.socket.once('disconnect', () => reject(new Error('own connection lost')))
    })
    return within(`the answer to ${event}`, answer, this.#patience)
  }

  /** Joins under the star's prefix: two rounds, or one where the challenge is off. Throws what the server answers. */
  async join(star: StarAddress, name: string): Promise<void> {
    await this.joinAs(await peerIdOf(name), star.multiaddr)
  }

  async joinAs(id: PeerId, prefix: string): Promise<void> {
    this.address = `${prefix}/ipfs/${id.toB58String()}`
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
    try {
      const [error] = await this.request('ss-dial', this.address, to, dialId)
      if (error) throw new Error(`Not dialled: ${String(error)}`)
    } catch (error) {
      // The other side may have taken it, and would wait for ever.
      sink((_abort, answer) => answer('given up'))
      throw error
    }
    return { sink, source: this.socket.createSource(`${dialId}.listener`) }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.socket.disconnect()
  }
}

export async function joinSocket(star: StarAddress, name: string, options?: SocketOptions): Promise<StarSocket> {
  const socket = await StarSocket.connect(star.url, options)
  try {
    await socket.join(star, name)
    return socket
  } catch (error) {
    await socket[Symbol.asyncDispose]()
    throw error
  }
}
