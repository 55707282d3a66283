import { randomUUID } from 'node:crypto'
import { createRequire } from 'node:module'
import { setTimeout as delay } from 'node:timers/promises'
import { within } from '../../support/deadline.js'
import type { AddStreams, ConnectSocket2, PeerId, StreamSocket } from '../../support/legacy-types.js'
import type { StreamPair } from '../../support/socket.js'
import { PullSide } from '../../cluster/parties.js'
import { STAR_MULTIADDR, STAR_URL } from '../nodes.js'
import type { Way } from '../ways.js'
import type { Accept, Peer, Pipe } from './peer.js'

const require = createRequire(import.meta.url)
const connectSocket: ConnectSocket2 = require('socket.io-client-2')
// an assertion function has to be declared with its type
const addStreams: AddStreams = require('socket.io-pull-stream')

/** Milliseconds. */
const PATIENCE = 8_000
const RETRY = 300

/** A socket.io-client 2 with socket.io-pull-stream, which joins and dials as libp2p-websocket-star does. */
export class LegacyPeer implements Peer {
  readonly id: string
  readonly way: Way
  readonly #key: PeerId
  readonly #accept: Accept
  #socket: StreamSocket | undefined
  #isJoined = false
  #isOver = false

  constructor(key: PeerId, way: Way, accept: Accept) {
    this.#key = key
    this.id = key.toB58String()
    this.way = way
    this.#accept = accept
    void this.#run()
  }

  get isJoined(): boolean {
    return this.#isJoined
  }

  readonly known = undefined

  get #address(): string {
    return addressOf(this.id)
  }

  async dial(id: string): Promise<Pipe> {
    const socket = this.#socket
    if (socket === undefined) throw new Error('not connected')
    const dialId = randomUUID()
    const sink = socket.createSink(`${dialId}.dialer`)
    try {
      const [error] = await request(socket, 'ss-dial', this.#address, addressOf(id), dialId)
      if (error) throw new Error(String(error))
    } catch (error) {
      // the other side may have taken it, and would wait for ever
      sink((_abort, answer) => answer('given up'))
      throw error
    }
    return new PullPipe(socket, this.way, { sink, source: socket.createSource(`${dialId}.listener`) })
  }

  async leave(): Promise<void> {
    this.#isOver = true
    this.#socket?.disconnect()
  }

  crash(): void {
    this.#isOver = true
    this.way.cut()
  }

  freeze(): void {
    this.#isOver = true
    this.way.silence()
  }

  /** Comes back for as long as it is not to leave. */
  async #run(): Promise<void> {
    while (!this.#isOver) {
      const socket = this.#connect()
      const lost = new Promise((resolve) => {
        socket.once('disconnect', resolve)
        socket.once('connect_error', resolve)
      })
      try {
        await within(
          'a legacy client to connect',
          new Promise<void>((resolve) => socket.once('connect', resolve)),
          PATIENCE
        )
        this.#socket = socket
        await this.#join(socket)
        this.#isJoined = true
        await lost
      } catch {
        // tries again
      }
      this.#isJoined = false
      if (!this.#isOver) {
        socket.disconnect()
        await delay(RETRY)
      }
    }
  }

  #connect(): StreamSocket {
    const options = {
      transports: ['websocket'],
      forceNew: true,
      reconnection: false,
      timeout: PATIENCE,
      agent: this.way
    }
    const socket = connectSocket(STAR_URL, options)
    addStreams(socket, { codec: 'buffer' })
    const taker = socket
    taker.on('ss-incomming', (dialId: string, _from: string, answer: () => void) => {
      const source = taker.createSource(`${dialId}.dialer`)
      const sink = taker.createSink(`${dialId}.listener`)
      answer()
      this.#accept(new PullPipe(taker, this.way, { sink, source }))
    })
    return socket
  }

  async #join(socket: StreamSocket): Promise<void> {
    let [error, nonce] = await request(socket, 'ss-join', this.#address, this.#key.pubKey.bytes.toString('hex'))
    if (typeof nonce === 'string') {
      const signature = await signed(this.#key, nonce)
      ;[error] = await request(socket, 'ss-join', this.#address, signature.toString('hex'))
    }
    if (error) throw new Error(String(error))
  }
}

function addressOf(id: string): string {
  return `${STAR_MULTIADDR}/ipfs/${id}`
}

function signed({ privKey }: PeerId, nonce: string): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    privKey.sign(Buffer.from(nonce), (error, signature) => (error ? reject(error) : resolve(signature)))
  })
}

/** @returns all arguments of the answer */
async function request(socket: StreamSocket, event: string, ...args: unknown[]): Promise<unknown[]> {
  const answer = new Promise<unknown[]>((resolve, reject) => {
    socket.emit(event, ...args, (...answers: unknown[]) => resolve(answers))
    socket.once('disconnect', () => reject(new Error('own connection lost')))
  })
  return await within(`the answer to ${event}`, answer, PATIENCE)
}

class PullPipe extends PullSide implements Pipe {
  readonly #socket: StreamSocket

  constructor(socket: StreamSocket, way: Way, pair: StreamPair) {
    super(pair, () => way.socket)
    this.#socket = socket
  }

  override async receive(take: (bytes: Uint8Array) => Promise<void> | undefined): Promise<void> {
    await super.receive(take)
    // the old package tells of a lost connection as of a normal end
    if (!this.#socket.connected) throw new Error('own connection lost')
  }

  release(): void {}
}
