import type { Connection, PrivateKey, Stream } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { startNode, type TestNode } from '../../support/libp2p-node.js'
import type { Way } from '../ways.js'
import { HASTE, leading } from './client.js'
import type { Accept, Peer, Pipe } from './peer.js'

const PROTOCOL = '/chaos/1.0.0'

/** A node of js-libp2p, which encrypts and multiplexes. */
export class Libp2pPeer implements Peer {
  readonly way: Way
  readonly known = undefined
  readonly #node: TestNode
  /** Streams of each connection that this node dialled. */
  readonly #users = new WeakMap<Connection, number>()

  private constructor(node: TestNode, way: Way) {
    this.#node = node
    this.way = way
  }

  static async open(privateKey: PrivateKey, way: Way, accept: Accept): Promise<Libp2pPeer> {
    const star = { ...HASTE, socket: leading(way) }
    // else it ends connections that do not answer a ping for some seconds
    const more = { connectionMonitor: { enabled: false } }
    const node = await startNode([way.star.multiaddr], { privateKey, star, more })
    await node.handle(PROTOCOL, (stream, connection) => accept(new StreamPipe(stream, connection, () => {})))
    return new Libp2pPeer(node, way)
  }

  get id(): string {
    return this.#node.peerId.toString()
  }

  get isJoined(): boolean {
    return this.#node.getMultiaddrs().length > 0 && this.way.life !== undefined
  }

  /** A new connection, so that it is known which nodes it passes; dials at the same time get the same one. */
  async dial(id: string): Promise<Pipe> {
    const target = multiaddr(`${this.way.star.multiaddr}/p2p/${id}`)
    const connection = await this.#node.dial(target, { force: true })
    this.#users.set(connection, (this.#users.get(connection) ?? 0) + 1)
    try {
      return new StreamPipe(await connection.newStream(PROTOCOL), connection, () => this.#release(connection))
    } catch (error) {
      this.#release(connection)
      throw error
    }
  }

  async leave(): Promise<void> {
    await this.#node.stop()
  }

  crash(): void {
    this.way.cut()
    void Promise.resolve(this.#node.stop()).catch(() => {})
  }

  freeze(): void {
    this.way.silence()
  }

  /** Closes it once no stream needs it any more. */
  #release(connection: Connection): void {
    const users = (this.#users.get(connection) ?? 0) - 1
    this.#users.set(connection, users)
    if (users === 0) connection.close().catch(() => {})
  }
}

class StreamPipe implements Pipe {
  readonly #stream: Stream
  readonly #connection: Connection
  readonly #done: () => void

  constructor(stream: Stream, connection: Connection, done: () => void) {
    this.#stream = stream
    this.#connection = connection
    this.#done = done
  }

  async send(piece: Buffer): Promise<void> {
    if (!this.#stream.send(piece)) await this.#stream.onDrain()
  }

  async end(): Promise<void> {
    await this.#stream.close()
  }

  async receive(take: (bytes: Uint8Array) => Promise<void> | undefined): Promise<void> {
    for await (const bytes of this.#stream) await take(bytes.subarray())
    // libp2p ends the streams of a lost connection as if all had come
    if (this.#connection.status !== 'open') throw new Error('the connection was lost')
  }

  abort(): void {
    this.#stream.abort(new Error('given up'))
    this.#done()
  }

  release(): void {
    this.#done()
  }
}
