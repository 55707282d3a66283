import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type { PeerId } from '../../support/legacy-types.js'
import { StarSocket, type StreamPair } from '../../support/socket.js'
import { PullSide } from '../../cluster/parties.js'
import type { Way } from '../ways.js'
import type { Accept, Peer, Pipe } from './peer.js'

/** Milliseconds. */
const PATIENCE = 8_000
const RETRY = 300

/** A socket.io-client 2 with socket.io-pull-stream, which joins and dials as libp2p-websocket-star does. */
export class LegacyPeer implements Peer {
  readonly id: string
  readonly way: Way
  readonly #key: PeerId
  readonly #accept: Accept
  readonly #transports: string[]
  #socket: StarSocket | undefined
  #isJoined = false
  #isOver = false

  constructor(key: PeerId, way: Way, accept: Accept, transports = ['websocket']) {
    this.#key = key
    this.#transports = transports
    this.id = key.toB58String()
    this.way = way
    this.#accept = accept
    void this.#run()
  }

  get isJoined(): boolean {
    return this.#isJoined
  }

  readonly known = undefined

  async dial(id: string): Promise<Pipe> {
    const socket = this.#socket
    if (socket === undefined) throw new Error('not connected')
    return new PullPipe(
      socket.socket,
      this.way,
      await socket.dial(`${this.way.star.multiaddr}/ipfs/${id}`, randomUUID())
    )
  }

  async leave(): Promise<void> {
    this.#isOver = true
    this.#socket?.socket.disconnect()
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
      try {
        this.#socket = await this.#connect()
        const { socket } = this.#socket
        const lost = new Promise((resolve) => socket.once('disconnect', resolve))
        await this.#socket.joinAs(this.#key, this.way.star.multiaddr)
        this.#isJoined = true
        await lost
      } catch {
        // tries again
      }
      this.#isJoined = false
      if (!this.#isOver) {
        this.#socket?.socket.disconnect()
        await delay(RETRY)
      }
    }
  }

  #connect(): Promise<StarSocket> {
    return StarSocket.connect(this.way.star.url, {
      transports: this.#transports,
      patience: PATIENCE,
      client: { reconnection: false, timeout: PATIENCE, agent: this.way },
      onDial: (pair, socket) => this.#accept(new PullPipe(socket, this.way, pair))
    })
  }
}

export class PullPipe extends PullSide implements Pipe {
  readonly hidesDepartures = true
  readonly #socket: { readonly connected: boolean }

  constructor(socket: { readonly connected: boolean }, way: Way, pair: StreamPair) {
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
