import { setTimeout as delay } from 'node:timers/promises'
import { connectRaw, type RawConnection, type RawOptions, type RawPeer, within } from '@websocket-star/testkit'
import type { Accept, Peer, Pipe } from '../../chaos/peers/peer.js'
import type { Way } from '../../chaos/ways.js'
import type { Identity } from '../../support/raw-identity.js'
import { Entrance } from './entrance.js'

/** Milliseconds. */
const RETRY = 300
const DIAL_PATIENCE = 10_000
/** Milliseconds between the pings of a client of revision 3; later ones are pinged. */
const HEARTBEAT = 20_000

const ANNOUNCEMENT = '42["ws-peer",'

/** A client that polls, or upgrades once it has joined, packet by packet. It knows no windows. */
export class RawStarPeer implements Peer {
  readonly id: string
  readonly way: Way
  readonly known = undefined
  readonly #identity: Identity
  readonly #entrance: Entrance
  readonly #accept: Accept
  readonly #options: RawOptions
  #peer: RawPeer | undefined
  #isJoined = false
  #isOver = false

  private constructor(identity: Identity, way: Way, entrance: Entrance, accept: Accept, options: RawOptions) {
    this.id = identity.id
    this.way = way
    this.#identity = identity
    this.#entrance = entrance
    this.#accept = accept
    this.#options = { isRecorded: false, ...(options.eio === '3' && { heartbeat: HEARTBEAT }), ...options }
    void this.#run()
  }

  static async open(identity: Identity, way: Way, accept: Accept, options: RawOptions): Promise<RawStarPeer> {
    return new RawStarPeer(identity, way, await Entrance.open(way), accept, options)
  }

  get isJoined(): boolean {
    return this.#isJoined
  }

  async dial(id: string): Promise<Pipe> {
    const peer = this.#peer
    if (peer === undefined || !this.#isJoined) throw new Error('not connected')
    const dialled = peer.dial(`${this.way.star.multiaddr}/ipfs/${id}`).then((connection) => {
      connection.accept()
      return new RawPipe(peer, connection)
    })
    try {
      return await within('the answer to a dial', dialled, DIAL_PATIENCE)
    } catch (error) {
      // The other side may have taken it.
      dialled.then((pipe) => pipe.abort()).catch(() => {})
      throw peer.isClosed ? await lossOf(peer, error) : error
    }
  }

  async leave(): Promise<void> {
    this.#isOver = true
    await this.#peer?.leave()
    this.#entrance.close()
  }

  crash(): void {
    this.#isOver = true
    this.way.cut()
    this.#entrance.close()
  }

  freeze(): void {
    this.#isOver = true
    this.way.silence()
  }

  async #run(): Promise<void> {
    while (!this.#isOver) {
      try {
        const peer = await connectRaw(this.#entrance.url, this.#options)
        this.#peer = peer
        await peer.join(this.#identity, this.way.star.multiaddr)
        if (this.#options.transport === 'upgrading') await peer.upgrade()
        this.#isJoined = true
        await this.#answer(peer)
      } catch {
        // tries again
      }
      this.#isJoined = false
      this.#peer?.wire.close()
      if (!this.#isOver) await delay(RETRY)
    }
  }

  /** Takes dials until the connection ends. */
  async #answer(peer: RawPeer): Promise<void> {
    while (!peer.isClosed) {
      const connection = await peer.answer().catch(() => undefined)
      if (connection !== undefined) this.#accept(new RawPipe(peer, connection))
      peer.announced.length = 0
      const others = peer.unread.filter((packet) => !(typeof packet === 'string' && packet.startsWith(ANNOUNCEMENT)))
      peer.unread.splice(0, peer.unread.length, ...others)
    }
  }
}

class RawPipe implements Pipe {
  readonly hidesDepartures = true
  readonly #peer: RawPeer
  readonly #connection: RawConnection
  readonly #accepted: Promise<unknown>
  #isOver = false

  constructor(peer: RawPeer, connection: RawConnection) {
    this.#peer = peer
    this.#connection = connection
    this.#accepted = connection.accepted()
    this.#accepted.catch(() => {})
  }

  async send(piece: Buffer): Promise<void> {
    await this.#accepted
    this.#throwIfOver()
    this.#connection.write(piece)
    await new Promise((resolve) => setImmediate(resolve))
  }

  async end(): Promise<void> {
    await this.#accepted
    this.#throwIfOver()
    this.#connection.end(true)
  }

  async receive(take: (bytes: Uint8Array) => Promise<void> | undefined): Promise<void> {
    const { chunks } = this.#connection
    for (;;) {
      const next = await this.#next(chunks)
      if (typeof next !== 'string') for (const chunk of next) await take(chunk)
      else if (next === '') return
      else throw new Error(next)
    }
  }

  abort(): void {
    if (this.#isOver || this.#peer.isClosed) return
    this.#isOver = true
    this.#connection.end('given up')
    this.#connection.refuse('given up')
  }

  release(): void {}

  async #next(chunks: Buffer[]): Promise<Buffer[] | string> {
    try {
      return await this.#peer.until('more, or the end', () => (chunks.length > 0 ? chunks.splice(0) : this.#takeEnd()))
    } catch (cause) {
      throw this.#peer.isClosed ? await lossOf(this.#peer, cause) : cause
    }
  }

  /** Returns the error that ended what is received, empty for an end as it should be; undefined before it ends. */
  #takeEnd(): string | undefined {
    const at = this.#find(this.#connection.receives)
    if (at === -1) return undefined
    const [packet] = this.#peer.unread.splice(at, 1)
    const [, reason] = JSON.parse(String(packet).slice('42'.length)) as [string, unknown]
    return reason === undefined || reason === null || reason === true ? '' : String(reason)
  }

  #throwIfOver(): void {
    if (this.#peer.isClosed) throw new Error('own connection lost')
    if (this.#isOver || this.#find(this.#connection.sends) !== -1) throw new Error('the receiver wants no more')
  }

  /** Finds the end of a stream among the unread packets. */
  #find(stream: string): number {
    const head = `42["socket.io-pull-stream.error.${stream}"`
    return this.#peer.unread.findIndex((packet) => typeof packet === 'string' && packet.startsWith(head))
  }
}

async function lossOf(peer: RawPeer, cause: unknown): Promise<Error> {
  const { code, reason } = await peer.closed
  return new Error(`own connection lost (${code} ${reason})`, { cause })
}
